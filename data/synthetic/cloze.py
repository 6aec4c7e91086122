"""Questions made of text alone: a span that recurs is asked for by one of its sentences.

Splinter pretrains a reader on spans that occur more than once in a passage: all but one occurrence
are masked, and the model points at the one left. A decomposed reader sees question and passage
apart, so here the sentence around one occurrence becomes the question, the span in it a question
word, and the rest of the passage is the context.

Source: Ram et al. 2021 (https://aclanthology.org/2021.acl-long.239), section 3; questions from
statements as in Lewis et al. 2019 (https://aclanthology.org/P19-1484), section 2.3.
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
"""Words of a span, as in Splinter."""
_QUESTION_SIDE = 20
"""Words of its sentence that a question keeps on each side of the span."""
_MIN_CONTEXT = 20
"""Words that must be left of the passage."""


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """A span where it stands: characters, and the sentence."""

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
    """Make reading-comprehension examples of passages.

    Args:
        passages: Any text; most passages of an encyclopedia give an example.
        per_passage: How many examples a passage gives at most, each of another span.
        seed: Same seed, same examples; each passage's depend on it alone.
        leave_out: Texts passed over in any printing, such as those a reader is measured on.

    Yields:
        Examples whose identifier is the passage's, a hyphen and a number. The context is the
        passage less the sentence that became the question.
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
    """Spans that stand in more than one sentence and are part of no longer such span."""
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
    """All shorter spans of a span."""
    words = [match.span() for match in WORD.finditer(text)]
    return {
        text[words[i][0] : words[j][1]]
        for i in range(len(words))
        for j in range(i, len(words))
        if j - i + 1 < len(words)
    }


def _is_answer(text: str, of_title: set[str]) -> bool:
    """Whether one would ask for a span: it names something, and not what the page is about."""
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
    """One occurrence's sentence asks for the others; None where too little would be left."""
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
    """The sentence with a question word in the span's place."""
    answer = sentence[start:end]
    left = _last_words(sentence[:start].replace(answer, _question_word(answer)))
    right = _first_words(sentence[end:].replace(answer, _question_word(answer)))
    return f"{left} {_question_word(answer)} {right}".strip(" .!?,;:") + "?"


def _question_word(answer: str) -> str:
    """A plain guess; what is learned is to look for what fits, not grammar."""
    if re.fullmatch(r"(?:1\d|20)\d\d", answer):
        return "what year"
    return "how many" if answer[0].isdigit() else "what"


def _last_words(text: str) -> str:
    return " ".join(text.split()[-_QUESTION_SIDE:])


def _first_words(text: str) -> str:
    return " ".join(text.split()[:_QUESTION_SIDE])
