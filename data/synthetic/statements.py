"""Questions from statements: a sentence becomes a question about a part of itself.

The sentence stays in the passage. A reader learns to find the sentence that a question is about,
and to infer from the question word what kind of answer is asked for. Words are dropped and
shuffled, and a leading pronoun is replaced by the passage's title, so that the reader does not
simply learn to find the same words in the same order.

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
"""Fewest and most words of the sentence that a question keeps, before some are dropped."""
_MAX_NAME, _MAX_PHRASE = 6, 4
"""Most words of an answer that is a name, and of one that is another phrase."""
_DROP, _DROP_STOPWORD = 0.15, 0.4
"""Probabilities of dropping a word and of dropping a stopword."""
_SHUFFLE = 3.0
"""Upper limit of the random shift of a word, in words."""
_INSIDE = STOPWORDS - {"of", "the", "and"}
"""Stopwords that may not be part of a phrase."""
_SHARES = 0.25, 0.45, 0.3
"""Shares of answers that are dates or numbers, names, and other phrases."""
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
    """A part of a sentence, and question words that ask for it."""

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
    """Generate reading-comprehension examples from passages.

    Args:
        passages: Any text.
        per_passage: Most examples from one passage, each with another answer.
        max_words: Most words of a context; None for no limit. From a longer passage, consecutive
            sentences around a random one are taken; a longer sentence is a context by itself.
        seed: Random seed. A passage's examples depend only on it and the passage.
        leave_out: Texts to skip, such as those of an evaluation set; they are compared by letters
            and digits only.

    Yields:
        Examples whose context is the passage or a part of it. An example's identifier is the
        passage's, a hyphen and a number.
    """
    left_out = frozenset(map(letters, leave_out))
    for passage in passages:
        if letters(passage.text) in left_out:
            continue
        draw = random.Random(f"{seed} {passage.passage_id}")
        if max_words is not None:
            passage = replace(passage, text=_part(passage.text, max_words, draw))
        asked: set[str] = set()
        # Twice as many sentences as examples: some have no answer, or one already asked for.
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
    """Take consecutive sentences of at most ``max_words`` words in total."""
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
    """Draw sentences to ask about; none is repeated before all have been drawn."""
    sentences = [
        (start, end)
        for start, end in sentence_ranges(text)
        if len(WORD.findall(text, start, end)) > _MIN_WORDS
    ]
    rounds = -(-n // max(1, len(sentences)))
    return [s for _ in range(rounds) for s in draw.sample(sentences, len(sentences))][:n]


def _draw_answer(text: str, start: int, end: int, draw: random.Random) -> _Answer | None:
    """Draw a part of the sentence to ask for; None where the sentence has none."""
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
            continue  # the first word of a sentence is always capitalised
        if len(words) == 1 and words[0].lower() in STOPWORDS:
            continue
        before = text[max(start, match.start() - 6) : match.start()].split()
        is_place = bool(before) and before[-1] in ("in", "at", "near", "from")
        asks = ("where", "what place") if is_place else ("who", "what", "which", "who")
        found.append(_Answer(*match.span(), asks))
    return found


def _phrases(text: str, start: int, end: int) -> list[_Answer]:
    """Find runs of words between stopwords and punctuation, with or without their article."""
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
    """Make a question of the words around the answer; None where they are too few."""
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
    """Replace a pronoun at the start by the passage's title, which it usually refers to."""
    pronoun = _PRONOUN.match(left)
    if not pronoun or not title or draw.random() < 0.3:
        return left
    return title + left[pronoun.end() :]


def _noisy(words: list[str], draw: random.Random) -> list[str]:
    """Drop some words and move the others a little."""
    kept = [
        w for w in words if draw.random() >= (_DROP_STOPWORD if w.lower() in STOPWORDS else _DROP)
    ]
    moved = sorted((i + draw.uniform(0, _SHUFFLE), w) for i, w in enumerate(kept))
    return [w for _, w in moved]
