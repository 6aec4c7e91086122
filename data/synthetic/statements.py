"""Questions made of statements: a sentence asks for a part of itself, in other words' order.

The sentence stays in the passage, so that what is learned is to find the place a question speaks
of, and to tell from its question word what kind of thing is asked for. Words are dropped and
shuffled, and a leading pronoun becomes the passage's title: otherwise one would learn to look for
the same words in the same order.

Source: Lewis et al. 2019 (https://aclanthology.org/P19-1484), sections 2.2 and 2.3 (noisy clozes).
"""

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..records import Passage, ReadingExample
from ..text.letters import letters
from ..text.sentences import STOPWORDS, WORD, sentence_ranges

_MIN_WORDS, _MAX_WORDS = 4, 14
"""Words of its sentence that a question keeps, before some are dropped."""
_MAX_NAME, _MAX_PHRASE = 6, 4
"""Words of an answer that is a name, and of one that is not."""
_DROP, _DROP_STOPWORD = 0.15, 0.4
_SHUFFLE = 3.0
"""Places that a word may move by, about."""
_INSIDE = STOPWORDS - {"of", "the", "and"}
"""Words that end a phrase."""
_SHARES = 0.25, 0.45, 0.3
"""Of dates and numbers, names, and other phrases, where a sentence has them."""
_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DATE = re.compile(
    rf"(?<!\d)(?:\d{{1,2}} {_MONTH}|{_MONTH} \d{{1,2}}(?!\d)(?: ?,(?= \d{{4}}))?)(?: \d{{4}})?"
    rf"|{_MONTH} \d{{4}}"
)
_YEAR = re.compile(r"(?<![\d,.])(?:1\d|20)\d\d(?![\d,.]\d)")
_NUMBER = re.compile(r"(?<![\w,.])\d[\d,.]*\d(?!\w)|(?<![\w,.])\d(?!\w)")
_NAME = re.compile(
    rf"[A-Z][\w’'-]*(?:(?: of| of the| de| the| and| &)? [A-Z][\w’'-]*){{0,{_MAX_NAME - 1}}}"
)
_PRONOUN = re.compile(r"(?:He|She|It|They|His|Her|Its|Their)\b")


@dataclass(frozen=True, slots=True)
class _Answer:
    """A part of a sentence, and what one would ask it with."""

    start: int
    end: int
    question_words: tuple[str, ...]


def statement_examples(
    passages: Iterable[Passage],
    *,
    per_passage: int = 4,
    max_words: int | None = None,
    seed: int = 0,
    leave_out: Iterable[str] = (),
) -> Iterator[ReadingExample]:
    """Make reading-comprehension examples of passages.

    Args:
        passages: Any text.
        per_passage: How many examples a passage gives at most, each of another answer.
        max_words: Where a passage has more, some of its sentences are the context, those from a
            random one on; a sentence longer than that is a context by itself.
        seed: Same seed, same examples; each passage's depend on it alone.
        leave_out: Texts passed over in any printing, such as those a reader is measured on.

    Yields:
        Examples whose identifier is the passage's, a hyphen and a number, and whose context is the
        passage or a part of it.
    """
    left_out = frozenset(map(letters, leave_out))
    for passage in passages:
        if letters(passage.text) in left_out:
            continue
        draw = random.Random(f"{seed} {passage.passage_id}")
        if max_words is not None:
            passage = replace(passage, text=_part(passage.text, max_words, draw))
        asked: set[str] = set()
        # A sentence may hold no answer, or one that was asked for already: a few more are tried.
        for sentence in _drawn_sentences(passage.text, 2 * per_passage, draw):
            answer = _draw_answer(passage.text, *sentence, draw)
            if answer is None or passage.text[answer.start : answer.end].lower() in asked:
                continue
            question = _question(passage, sentence, answer, draw)
            if question is None:
                continue
            text = passage.text[answer.start : answer.end]
            yield ReadingExample(
                example_id=f"{passage.passage_id}-{len(asked)}",
                question=question,
                context=passage.text,
                answers=(text,),
                answer_starts=(answer.start,),
                title=passage.title,
            )
            asked.add(text.lower())
            if len(asked) == per_passage:
                break


def _part(text: str, max_words: int, draw: random.Random) -> str:
    """Sentences that follow one another, of so many words together."""
    sentences = sentence_ranges(text)
    n_words = [len(WORD.findall(text, *sentence)) for sentence in sentences]
    if sum(n_words) <= max_words:
        return text
    first = last = draw.randrange(len(sentences))
    while last + 1 < len(sentences) and sum(n_words[first : last + 2]) <= max_words:
        last += 1
    while first and sum(n_words[first - 1 : last + 1]) <= max_words:
        first -= 1
    return text[sentences[first][0] : sentences[last][1]]


def _drawn_sentences(text: str, n: int, draw: random.Random) -> list[tuple[int, int]]:
    """Sentences to ask about, all of them before one comes again."""
    sentences = [
        (start, end)
        for start, end in sentence_ranges(text)
        if len(WORD.findall(text, start, end)) > _MIN_WORDS
    ]
    rounds = -(-n // max(1, len(sentences)))
    return [s for _ in range(rounds) for s in draw.sample(sentences, len(sentences))][:n]


def _draw_answer(text: str, start: int, end: int, draw: random.Random) -> _Answer | None:
    """A part of the sentence that one might ask for; None where it has none."""
    kinds = [_dates_and_numbers, _names, _phrases]
    first = draw.choices(kinds, _SHARES)[0]
    for kind in [first, *kinds]:
        found = kind(text, start, end)
        if found:
            return draw.choice(found)
    return None


def _dates_and_numbers(text: str, start: int, end: int) -> list[_Answer]:
    found = [_Answer(*m.span(), ("when", "what date")) for m in _DATE.finditer(text, start, end)]
    covered = {i for a in found for i in range(a.start, a.end)}
    for pattern, words in (
        (_YEAR, ("when", "what year", "in what year")),
        (_NUMBER, ("how many", "how much", "what number")),
    ):
        for match in pattern.finditer(text, start, end):
            if match.start() not in covered:
                found.append(_Answer(*match.span(), words))
                covered.update(range(*match.span()))
    return found


def _names(text: str, start: int, end: int) -> list[_Answer]:
    found = []
    for match in _NAME.finditer(text, start, end):
        words = match.group().split()
        if match.start() == start and (len(words) == 1 or words[0].lower() in STOPWORDS):
            continue  # the first word of a sentence is capitalised whatever it is
        if len(words) == 1 and words[0].lower() in STOPWORDS:
            continue
        before = text[max(start, match.start() - 6) : match.start()].split()
        is_place = bool(before) and before[-1] in ("in", "at", "near", "from")
        asks = ("where", "what place") if is_place else ("who", "what", "which", "who")
        found.append(_Answer(*match.span(), asks))
    return found


def _phrases(text: str, start: int, end: int) -> list[_Answer]:
    """Runs of words between stopwords and punctuation, some with the article before them."""
    found = []
    words = [m.span() for m in WORD.finditer(text, start, end)]
    for first in range(len(words)):
        for last in range(first, min(first + _MAX_PHRASE, len(words))):
            if last > first and text[words[last - 1][1] : words[last][0]] != " ":
                break
            run = [text[s:e].lower() for s, e in words[first : last + 1]]
            if run[-1] in _INSIDE:
                break
            edges = run[1 if run[0] in ("the", "a", "an") and len(run) > 1 else 0], run[-1]
            if not any(edge in STOPWORDS or edge.isdigit() or len(edge) == 1 for edge in edges):
                found.append(
                    _Answer(words[first][0], words[last][1], ("what", "what", "which", "how"))
                )
    return found


def _question(
    passage: Passage, sentence: tuple[int, int], answer: _Answer, draw: random.Random
) -> str | None:
    """What is left of the sentence around the answer, and a question word; None if too little."""
    text, (start, end) = passage.text, sentence
    left = _subject_named(text[start : answer.start], passage.title, draw).split()
    right = text[answer.end : end].split()
    asked = text[answer.start : answer.end].lower()
    n = draw.randint(_MIN_WORDS, _MAX_WORDS)
    n_left = min(len(left), max(n - len(right), draw.randint(0, n)))
    left, right = left[len(left) - n_left :], right[: n - n_left]
    words = [w.strip('.,;:!?()[]"“”') for w in _noisy(left + right, draw)]
    words = [w for w in words if w]
    if asked in " ".join(words).lower() or sum(w.lower() not in STOPWORDS for w in words) < 2:
        return None
    word = draw.choice(answer.question_words)
    place = 0 if draw.random() < 0.7 else min(n_left, len(words))
    question = " ".join([*words[:place], word, *words[place:]])
    return question + ("?" if draw.random() < 0.5 else "")


def _subject_named(left: str, title: str, draw: random.Random) -> str:
    """A pronoun that begins the sentence, made the passage's title, which it mostly stands for."""
    pronoun = _PRONOUN.match(left)
    if not pronoun or not title or draw.random() < 0.3:
        return left
    return title + left[pronoun.end() :]


def _noisy(words: list[str], draw: random.Random) -> list[str]:
    """Some words dropped, the others moved a little."""
    kept = [
        w for w in words if draw.random() >= (_DROP_STOPWORD if w.lower() in STOPWORDS else _DROP)
    ]
    moved = sorted((i + draw.uniform(0, _SHUFFLE), w) for i, w in enumerate(kept))
    return [w for _, w in moved]
