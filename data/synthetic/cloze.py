"""Cloze questions: one sentence with a recurring span becomes a question about that span.

Splinter pretrains a reader on spans that occur more than once in a passage: it masks all
occurrences but one, and the model points at the remaining one. A decomposed reader processes
question and passage separately. Therefore the sentence around one occurrence becomes the question,
with a question word in place of the span, and the rest of the passage is the context.

Source: Ram et al. 2021 (https://aclanthology.org/2021.acl-long.239), section 3; questions from
statements follow Lewis et al. 2019 (https://aclanthology.org/P19-1484), section 2.3.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..records import Passage, ReadingExample
from ..text.letters import letters
from ..text.sentences import STOPWORDS, WORD, sentence_ranges

_MAX_SPAN = 10
"""Most words of a span, as in Splinter."""
_QUESTION_SIDE = 20
"""Most words of the sentence that a question keeps on each side of the span."""
_MIN_CONTEXT = 20
"""Fewest words of a context."""


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """An occurrence of a span: its characters, and the number of its sentence."""

    start: int
    end: int
    sentence: int


def cloze_examples(
    passages: Iterable[Passage],
    *,
    per_passage: int = 2,
    seed: int = 0,
    leave_out: Iterable[str] = (),
) -> Iterator[ReadingExample]:
    """Generate reading-comprehension examples from passages.

    Args:
        passages: Any text; most passages of an encyclopaedia give an example.
        per_passage: Most examples from one passage, each about another span.
        seed: Random seed. A passage's examples depend only on it and the passage.
        leave_out: Texts to skip, such as those of an evaluation set; they are compared by letters
            and digits only.

    Yields:
        Examples whose context is the passage without the sentence that became the question. An
        example's identifier is the passage's, a hyphen and a number.
    """
    left_out = frozenset(map(letters, leave_out))
    for passage in passages:
        if letters(passage.text) in left_out:
            continue
        draw = random.Random(f"{seed} {passage.passage_id}")
        sentences = sentence_ranges(passage.text)
        spans = sorted(_recurring_spans(passage, sentences).items())
        draw.shuffle(spans)
        n_made = 0
        for _, occurrences in spans:
            example = _example(passage, sentences, occurrences, n_made, draw)
            if example is not None:
                yield example
                n_made += 1
            if n_made == per_passage:
                break


def _recurring_spans(
    passage: Passage, sentences: Sequence[tuple[int, int]]
) -> dict[str, list[_Occurrence]]:
    """Find spans that occur in more than one sentence, except parts of longer such spans."""
    of_title = {word.lower() for word in WORD.findall(passage.title)}
    found: dict[str, list[_Occurrence]] = defaultdict(list)
    for number, (begin, stop) in enumerate(sentences):
        words = [match.span() for match in WORD.finditer(passage.text, begin, stop)]
        for first in range(len(words)):
            for last in range(first, min(first + _MAX_SPAN, len(words))):
                start, end = words[first][0], words[last][1]
                found[passage.text[start:end]].append(_Occurrence(start, end, number))
    recurring = {
        text: occurrences
        for text, occurrences in found.items()
        if len({o.sentence for o in occurrences}) > 1 and _is_answer(text, of_title)
    }
    covered: dict[str, int] = defaultdict(int)
    for text, occurrences in recurring.items():
        for part in _parts(text):
            covered[part] = max(covered[part], len(occurrences))
    return {t: o for t, o in recurring.items() if covered[t] < len(o)}


def _parts(text: str) -> set[str]:
    """Return all shorter spans within a span."""
    words = [match.span() for match in WORD.finditer(text)]
    return {
        text[words[i][0] : words[j][1]]
        for i in range(len(words))
        for j in range(i, len(words))
        if j - i + 1 < len(words)
    }


def _is_answer(text: str, of_title: set[str]) -> bool:
    """Decide whether a span is worth asking for, by its words and those of the page's title."""
    words = WORD.findall(text)
    lower = [word.lower() for word in words]
    if lower[0] in STOPWORDS or lower[-1] in STOPWORDS or set(lower) <= of_title:
        return False
    return len(words) > 1 or words[0][0].isupper() or words[0][0].isdigit() or len(words[0]) > 6


def _example(
    passage: Passage,
    sentences: Sequence[tuple[int, int]],
    occurrences: Sequence[_Occurrence],
    number: int,
    draw: random.Random,
) -> ReadingExample | None:
    """Make a question of one occurrence's sentence; None where the context would be too short."""
    asked = draw.choice(occurrences)
    begin, stop = sentences[asked.sentence]
    before, after = passage.text[:begin], passage.text[stop:].lstrip()
    context = before + after
    others = [o for o in occurrences if o.sentence != asked.sentence]
    if len(WORD.findall(context)) < _MIN_CONTEXT:
        return None
    removed = len(passage.text) - len(context)
    answer = passage.text[asked.start : asked.end]
    starts = tuple(o.start if o.start < begin else o.start - removed for o in others)
    question = _question(passage.text[begin:stop], asked.start - begin, asked.end - begin)
    return ReadingExample(
        example_id=f"{passage.passage_id}-{number}",
        question=question,
        context=context,
        answers=(answer,) * len(starts),
        answer_starts=starts,
        title=passage.title,
    )


def _question(sentence: str, start: int, end: int) -> str:
    """Replace the span in a sentence by a question word."""
    answer = sentence[start:end]
    word = _question_word(answer)
    left = sentence[:start].replace(answer, word).split()[-_QUESTION_SIDE:]
    right = sentence[end:].replace(answer, word).split()[:_QUESTION_SIDE]
    return " ".join([*left, word, *right]).strip(" .!?,;:") + "?"


def _question_word(answer: str) -> str:
    """Guess a question word; the reader learns to find a matching span, not grammar."""
    if re.fullmatch(r"(?:1\d|20)\d\d", answer):
        return "what year"
    return "how many" if answer[0].isdigit() else "what"
