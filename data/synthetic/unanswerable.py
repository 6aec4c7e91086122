"""Questions that look as if a text answered them, and that it does not answer.

They are made in two ways. A question that a text answers is altered in one place: a name, a number
or a word is replaced, two names are exchanged, or it is negated. Or a question is borrowed from
another text on the same subject, of which the text has most words but no answer.

Replaced names must fit: a reader soon knows a question that nobody would ask, and then learns
nothing from it. A name is therefore replaced by one that stands after the same word elsewhere.

Source of the kinds (entity swap, antonym, negation, other neutral): Rajpurkar et al. 2018
(https://aclanthology.org/P18-2124), table 1.
"""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from ..metrics.answers import has_answer
from ..text.sentences import STOPWORDS, WORD

_NAME = re.compile(r"\b[A-Z][\w'’-]*(?: (?:of |the |de |and )?[A-Z][\w'’-]*)*")
_QUESTION_WORDS = re.compile(rf"(?:(?:{'|'.join(STOPWORDS)}) +)+", re.IGNORECASE)
_LAST_WORD = re.compile(r"(\w+)[^\w.!?]*$")
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
_NEGATED = 0.08
"""Share of questions that are negated."""
_LEAST_SHARED = 0.5
"""Share of the words of a borrowed question that its new text has at least."""


class QuestionAlterer:
    """Alters questions on one subject so that their text most likely answers them no more."""

    def __init__(self, texts: Sequence[str], questions: Sequence[str] = ()) -> None:
        """Find the names and numbers of a subject.

        Args:
            texts: The text that answers the questions, and others on its subject.
            questions: Other questions on the subject; names come from these, too.
        """
        self._texts = texts
        self._names = _names_in(texts, questions)

    def alter(self, question: str, answers: Sequence[str], draw: random.Random) -> str | None:
        """Alter a question.

        Args:
            question: The question.
            answers: Its answers. Nothing that is one of them is put into the question.
            draw: Chooses what is altered, and by what.

        Returns:
            The altered question; None where no rule fits.
        """
        if draw.random() < _NEGATED:
            return _negated(question)
        taken = {answer.lower() for answer in answers}
        ways: list[Callable[[], str | None]] = [
            lambda: _with_another_name(question, self._names, taken, draw),
            lambda: _with_names_exchanged(question, self._names),
            lambda: _with_another_number(question, self._texts, taken, draw),
            lambda: _with_an_opposite(question, draw),
        ]
        draw.shuffle(ways)
        return next((altered for way in ways if (altered := way()) is not None), None)


def borrowed_questions(text: str, candidates: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """Questions of other texts that fit a text and that it does not answer, the best fit first.

    Args:
        text: The text.
        candidates: Questions that other texts on its subject answer, each with its answers.

    Yields:
        Questions, most of whose words are in the text, and none of whose answers is.
    """
    known = _content(text)
    shared = [
        (len(words & known) / len(words), question, answers)
        for question, answers in candidates
        if (words := _content(question))
    ]
    for share, question, answers in sorted(shared, key=lambda found: (-found[0], found[1])):
        if share < _LEAST_SHARED:
            return
        if not has_answer(text, answers):
            yield question


def _content(text: str) -> set[str]:
    """The words of a text that say what it is about."""
    return {word.lower() for word in WORD.findall(text)} - STOPWORDS


def _names_in(texts: Sequence[str], questions: Sequence[str]) -> dict[str, set[str]]:
    """Names, each with the words that it stands after.

    What begins a sentence is a name only if it stands elsewhere, too, or has two words.
    """
    small = {word for text in texts for word in text.split() if word.islower()}
    names: dict[str, set[str]] = defaultdict(set)
    for text in (*texts, *questions):
        for match in _NAME.finditer(text):
            first = _QUESTION_WORDS.match(match[0])
            start = match.start() + (first.end() if first else 0)
            name = _without_possessive(text[start : match.end()])
            before = _LAST_WORD.search(text, 0, start)
            if before is None and " " not in name:
                continue
            if len(name) > 2 and name.lower() not in STOPWORDS and name.lower() not in small:
                names[name].update({before[1].lower()} if before else ())
    return names


def _places(question: str, names: dict[str, set[str]]) -> list[tuple[re.Match[str], str]]:
    """Where names of the texts stand in a question, in capitals or not."""
    lower = question.lower()
    return [
        (match, name)
        for name in names
        if name.lower() in lower
        and (match := re.search(rf"\b{re.escape(name)}\b", question, re.IGNORECASE))
    ]


def _with_another_name(
    question: str, names: dict[str, set[str]], taken: set[str], draw: random.Random
) -> str | None:
    """A name of the question replaced by another that stands after the same word elsewhere."""
    inside = _places(question, names)
    if not inside:
        return None
    # A name of two words rather than one of them.
    match, name = draw.choice(sorted(inside, key=lambda found: len(found[1]))[-2:])
    before = _LAST_WORD.search(question, 0, match.start())
    after = {before[1].lower()} if before else names[name]
    lower = question.lower()
    others = [
        other
        for other, stands_after in names.items()
        if stands_after & after
        and other.lower() not in lower
        and name.lower() not in other.lower()
        and not any(other.lower() in answer for answer in taken)
    ]
    if not others:
        return None
    other = draw.choice(others)
    return _replaced(
        question, match.start(), match[0], other.lower() if match[0].islower() else other
    )


def _with_names_exchanged(question: str, names: dict[str, set[str]]) -> str | None:
    """Two names of a question in each other's place, unless they stand side by side."""
    longest_first = sorted(_places(question, names), key=lambda found: -len(found[1]))
    for (one, _), (other, _) in combinations(longest_first, 2):
        first, second = (one, other) if one.start() < other.start() else (other, one)
        between = question[first.end() : second.start()]
        if between.strip(" ,") not in ("", "and", "or"):
            exchanged = f"{second[0]}{between}{first[0]}"
            return f"{question[: first.start()]}{exchanged}{question[second.end() :]}"
    return None


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
