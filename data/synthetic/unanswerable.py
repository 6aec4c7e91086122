"""Questions that look as if a text answered them, and that it does not answer.

A question that a text answers is altered in one place: a name, a number or a word is replaced, or
it is negated. Entity swaps, antonyms and negations are among the kinds of unanswerable questions
that people wrote for SQuAD 2.0.

Source of the kinds: Rajpurkar et al. 2018 (https://aclanthology.org/P18-2124).
"""

import random
import re
from collections.abc import Callable, Sequence

from ..text.sentences import STOPWORDS

_NAME = re.compile(r"\b[A-Z][\w'’-]*(?: (?:of |the |de |and )?[A-Z][\w'’-]*)*")
_YEAR = re.compile(r"\b(?:1\d|20)\d\d\b")
_NUMBER = re.compile(r"\b\d+(?:[.,]\d+)*\b")
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|do|does|did|has|have|had|can|could|would|should)\b", re.IGNORECASE
)
_OPPOSITES = [
    pair.split("/")
    for pair in """
    first/last largest/smallest biggest/smallest greatest/least most/least more/less highest/lowest
    oldest/youngest longest/shortest best/worst before/after increase/decrease increased/decreased
    rise/fall rose/fell north/south northern/southern east/west eastern/western begin/end
    began/ended begins/ends start/stop started/stopped win/lose won/lost born/died male/female
    men/women man/woman father/mother son/daughter husband/wife brother/sister king/queen early/late
    earliest/latest upper/lower major/minor above/below inside/outside positive/negative rich/poor
    buy/sell bought/sold friend/enemy attack/defend attacked/defended import/export
    majority/minority maximum/minimum top/bottom left/right open/closed opened/closed public/private
    ancient/modern summer/winter day/night hot/cold strong/weak fast/slow allowed/forbidden
    legal/illegal accepted/rejected agreed/refused support/oppose supported/opposed create/destroy
    created/destroyed built/demolished common/rare always/never all/none with/without
    internal/external gained/lost joined/left defeated/rescued hired/dismissed
    """.split()
]
_OPPOSITE = {b: a for a, b in reversed(_OPPOSITES)} | {a: b for a, b in _OPPOSITES}
"""The opposite of each word."""
_OPPOSED = re.compile(rf"\b({'|'.join(_OPPOSITE)})\b", re.IGNORECASE)
_NEGATED_FIRST = 0.15
"""Share of questions that are negated even though they could be altered otherwise."""


def alter_question(
    question: str, texts: Sequence[str], answers: Sequence[str], draw: random.Random
) -> str | None:
    """Alter a question so that its text most likely answers it no more; None if no rule fits.

    Args:
        question: A question that the first text answers.
        texts: The text, and others on its subject; names and numbers come from these.
        answers: Its answers. Nothing that is one of them is put into the question.
        draw: Chooses what is altered, and by what.
    """
    taken = {answer.lower() for answer in answers}
    ways: list[Callable[[], str | None]] = [
        lambda: _with_another_name(question, texts, taken, draw),
        lambda: _with_another_number(question, texts, taken, draw),
        lambda: _with_an_opposite(question, draw),
    ]
    draw.shuffle(ways)
    place = 0 if draw.random() < _NEGATED_FIRST else len(ways)
    ways.insert(place, lambda: _negated(question))
    return next((altered for way in ways if (altered := way()) is not None), None)


def _with_another_name(
    question: str, texts: Sequence[str], taken: set[str], draw: random.Random
) -> str | None:
    """A name of the question replaced by another name of the texts."""
    words = {word for text in texts for word in text.split()}
    known = dict.fromkeys(
        name
        for text in texts
        for name in map(_without_possessive, _NAME.findall(text))
        if len(name) > 2 and name.lower() not in STOPWORDS and name.lower() not in words
    )
    inside = [
        (match, name)
        for name in known
        if (match := re.search(rf"\b{re.escape(name)}\b", question, re.IGNORECASE))
    ]
    if not inside:
        return None
    # A name of two words rather than one of them.
    match, name = draw.choice(sorted(inside, key=lambda found: len(found[1]))[-2:])
    others = [
        other
        for other in known
        if not re.search(re.escape(other), question, re.IGNORECASE)
        and name.lower() not in other.lower()
        and not any(other.lower() in answer for answer in taken)
    ]
    if not others:
        return None
    alike = [other for other in others if len(other.split()) == len(name.split())]
    other = draw.choice(alike or others)
    return _replaced(
        question, match.start(), match[0], other.lower() if match[0].islower() else other
    )


def _without_possessive(name: str) -> str:
    """A name without the ending of its genitive."""
    return re.sub(r"['’]s?$", "", name)


def _with_another_number(
    question: str, texts: Sequence[str], taken: set[str], draw: random.Random
) -> str | None:
    """A number of the question replaced by another of the texts, or by one near to it."""
    match = _NUMBER.search(question)
    if match is None:
        return None
    number = match[0]
    form = _YEAR if _YEAR.fullmatch(number) else _NUMBER
    others = [
        other
        for text in texts
        for other in form.findall(text)
        if len(other) == len(number) and other not in question and other not in taken
    ]
    if others:
        other = draw.choice(others)
    elif number.isdecimal():
        other = str(int(number) + draw.randint(1, 20))
    else:
        return None
    return _replaced(question, match.start(), number, other)


def _with_an_opposite(question: str, draw: random.Random) -> str | None:
    """A word replaced by its opposite."""
    matches = list(_OPPOSED.finditer(question))
    if not matches:
        return None
    match = draw.choice(matches)
    other = _OPPOSITE[match[0].lower()]
    return _replaced(question, match.start(), match[0], other)


def _negated(question: str) -> str | None:
    """The question with "not" after its first auxiliary verb, if it has none yet."""
    match = _AUXILIARY.search(question)
    if match is None or re.search(r"n't|\bnot\b|\bnever\b", question):
        return None
    verb = match[0]
    short = verb + ("'t" if verb.lower() == "can" else "n't")
    return _replaced(question, match.start(), verb, short)


def _replaced(question: str, place: int, old: str, new: str) -> str:
    """The question with a part at a place replaced."""
    return question[:place] + new + question[place + len(old) :]
