"""Sentences that answer a question, and passages pruned to them.

The score of a sentence is the probability that the answer lies in it, times how well its passage
answers beside the best one:

    score(s) = share(s) * weight(p)
    share(s) = exp(m(s) / T) / (1 + sum of exp(m(t) / T) over all sentences t of the passage)
    weight(p) = exp((l(p) - best l of all passages) / T)

``m(s)`` is the log-sum-exp of the logits of all spans within the sentence, less the no-answer score
of their window (`stretch_margins`). The 1 in the denominator is "the passage does not answer"; it
is left out for readers without a no-answer score. ``l(p)`` is the logit of the passage's best span
with everything that ranking adds (`combined_logit`), so that the weight of the best passage is 1.
``T`` is the temperature of the ranking: the reader's logits as they are would be too sure.

No model is needed besides the reader. Source: the probability of a set of spans is the sum over the
set, as in training (Clark and Gardner 2018, https://aclanthology.org/P18-1078, section 3.3).
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...data import Passage, PrereadError
from ...data.arguments import check_count, check_number
from ...data.io.json_records import shorten
from ...data.records import Metadata
from ...data.text.sentences import sentence_ranges
from .reading import PassageReader, RequestLogits
from .states import BeforeBlock
from .types import ReadRequest

DEFAULT_MIN_SCORE = 0.2
"""Least score of a highlighted sentence."""
DEFAULT_THRESHOLD = 0.05
"""Least score of a sentence that pruning keeps. Pruning keeps more than highlighting, because a
sentence that is lost costs an answer, and one too many a few tokens."""
_GAP = " … "
"""Stands in a pruned text where sentences were left out."""

Ranges = Sequence[tuple[int, int]]
"""Start and end (exclusive) of stretches of a text, ascending and apart, in code points."""
CountTokens = Callable[[str], int]
"""Counts the tokens of a text, as the model does that reads it next."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage, with its score."""

    start: int
    """Offset into the passage's text, in code points."""
    end: int
    """Exclusive."""
    score: float
    """From 0 to 1; comparable among all sentences of a question."""
    n_tokens: int
    """Number of the reader's wordpieces."""


@dataclass(frozen=True, slots=True)
class ReadPassage:
    """A passage that was read, and its sentences."""

    place: int
    """Position among the passages of the question, from 0."""
    passage: Passage
    from_store: bool
    """Whether its states were stored; if not, they were computed."""
    sentences: tuple[Sentence, ...]
    """In the order of the text."""
    answer: str | None
    """Its best answer to the question; None if it has none."""


@dataclass(frozen=True, slots=True)
class HighlightedSentence:
    """A sentence that answers a question."""

    sentence: str
    """``passage[start:end]``."""
    score: float
    """From 0 to 1; comparable among all sentences of a question."""
    passage_id: str
    title: str
    start: int
    """Offset into ``passage``, in code points."""
    end: int
    """Exclusive."""
    passage: str
    place: int
    """Position of the passage among those that were found or provided, from 0."""
    from_store: bool
    """Whether the states of the passage were stored; if not, they were computed."""
    metadata: Metadata
    """Fields of the passage besides its text."""

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``preread highlight --json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Context:
    """A passage pruned to sentences that may answer."""

    text: str
    """The sentences that were kept, with ``…`` where others were left out."""
    passage_id: str
    title: str
    place: int
    """Position of the passage among those that were found or provided, from 0."""
    sentences: tuple[Sentence, ...]
    """The sentences that were kept, with their offsets into the passage's text."""
    metadata: Metadata
    """Fields of the passage besides its text."""


@dataclass(frozen=True, slots=True)
class PrunedContexts:
    """What is left of the passages of a question."""

    contexts: tuple[Context, ...]
    """Passages with a sentence that was kept, in the order in which they were found or provided."""
    n_tokens: int
    """Tokens of the sentences that were kept."""
    n_tokens_read: int
    """Tokens of the sentences of all passages."""

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``preread prune --json``."""
        return asdict(self)


def read_sentences(
    passage_reader: PassageReader,
    requests: Sequence[ReadRequest],
    *,
    temperature: float | None = None,
    ranges_of: Callable[[int, str], Ranges] | None = None,
    before_block: BeforeBlock | None = None,
) -> list[list[ReadPassage]]:
    """Read passages, and score their sentences.

    Args:
        passage_reader: Reads passages, from stored states where an index has them.
        requests: The requests, which are read together.
        temperature: Divides logits; by default the ``answer_temperature`` of the reader's ranking.
        ranges_of: Returns the stretches of text to score, by the position and the text of a
            passage; by default its sentences.
        before_block: Called before each block of tokens is read; raises to end the reading.

    Returns:
        The passages of each request that have text, in its order.

    Raises:
        IndexFormatError: If stored windows are not those of the passage's text.
    """
    if temperature is None:
        temperature = passage_reader.reader.ranking.answer_temperature
    split = ranges_of or (lambda place, text: sentence_ranges(text))
    read = passage_reader.logits(requests, before_block=before_block)
    return [
        _scored(passage_reader, request, one, temperature, split)
        for request, one in zip(requests, read, strict=True)
    ]


def _scored(
    passage_reader: PassageReader,
    request: ReadRequest,
    read: RequestLogits,
    temperature: float,
    ranges_of: Callable[[int, str], Ranges],
) -> list[ReadPassage]:
    """The passages of one request with scored stretches of text."""
    found = passage_reader.candidates(request, read, spans_per_passage=1)
    candidates = {one.passage: one for one in found.candidates}
    best = max((one.logit for one in found.candidates), default=0.0)
    ranges: dict[int, Ranges] = {}
    stretches: dict[int, list[int]] = {}
    n_stretches = 0
    for place in dict.fromkeys(read.windows.passage):
        text = passage_reader.passage_of(request.passages[place]).text
        ranges[place] = ranges_of(place, text)
        tokens = passage_reader.reader.encoder.token_map(text).tokens
        of_tokens = _range_of_tokens(tokens, ranges[place])
        stretches[place] = [number + n_stretches if number >= 0 else -1 for number in of_tokens]
        n_stretches += len(ranges[place])
    margins = iter(
        passage_reader.reader.spans.stretch_margins(
            read.logits, read.windows, stretches, n_stretches
        )
        if n_stretches
        else ()
    )
    scored = []
    first = 0
    for place, of_passage in ranges.items():
        mine = [next(margins) / temperature for _ in of_passage]
        candidate = candidates.get(place)
        weight = math.exp((candidate.logit - best) / temperature) if candidate else 0.0
        shares = _shares(mine, passage_reader.reader.config.has_no_answer_score)
        n_tokens = Counter(stretches[place])
        counts = [n_tokens[first + number] for number in range(len(of_passage))]
        first += len(of_passage)
        scored.append(
            ReadPassage(
                place,
                passage_reader.passage_of(request.passages[place]),
                request.passages[place].is_stored,
                tuple(
                    Sentence(start, end, weight * share, n)
                    for (start, end), share, n in zip(of_passage, shares, counts, strict=True)
                ),
                candidate.text if candidate else None,
            )
        )
    return scored


def _range_of_tokens(tokens: Sequence[tuple[int, int]], ranges: Ranges) -> list[int]:
    """The number of the range in which each token begins; -1 for a token of none."""
    starts = [start for start, _ in ranges]
    numbers = [bisect_right(starts, start) - 1 for start, _ in tokens]
    return [
        number if number >= 0 and token[0] < ranges[number][1] else -1
        for token, number in zip(tokens, numbers, strict=True)
    ]


def _shares(margins: Sequence[float], has_no_answer: bool) -> list[float]:
    """The probability that the answer lies in each stretch of a passage, from its margins."""
    outcomes = [*margins, 0.0] if has_no_answer else margins
    highest = max(outcomes, default=0.0)
    if highest == -math.inf:
        return [0.0 for _ in margins]
    total = math.fsum(math.exp(one - highest) for one in outcomes)
    return [math.exp(one - highest) / total for one in margins]


def highlighted(
    passages: Sequence[ReadPassage], n_sentences: int = 5, min_score: float = DEFAULT_MIN_SCORE
) -> list[HighlightedSentence]:
    """Choose the sentences that answer best.

    Args:
        passages: The passages of a question, as `read_sentences` returns them.
        n_sentences: Maximum number of sentences.
        min_score: Least score of a sentence.

    Returns:
        Sentences, best first.

    Raises:
        PrereadError: If a number is out of range.
    """
    check_count("n_sentences", n_sentences)
    check_number("min_score", min_score, 0, 1)
    every = [
        HighlightedSentence(
            sentence=one.passage.text[sentence.start : sentence.end],
            score=sentence.score,
            passage_id=one.passage.passage_id,
            title=one.passage.title,
            start=sentence.start,
            end=sentence.end,
            passage=one.passage.text,
            place=one.place,
            from_store=one.from_store,
            metadata=one.passage.shown_metadata(),
        )
        for one in passages
        for sentence in one.sentences
        if sentence.score >= min_score
    ]
    return sorted(every, key=lambda one: -one.score)[:n_sentences]


def pruned(
    passages: Sequence[ReadPassage],
    threshold: float = DEFAULT_THRESHOLD,
    max_tokens: int | None = None,
    *,
    count_tokens: CountTokens | None = None,
) -> PrunedContexts:
    """Leave out sentences that do not answer, for the prompt of a language model.

    Sentences below the threshold are left out. The others are taken in the order of their scores as
    long as they fit into ``max_tokens``; one that does not fit is passed over.

    Args:
        passages: The passages of a question, as `read_sentences` returns them.
        threshold: Least score of a sentence that is kept; 0 keeps all.
        max_tokens: Maximum number of tokens of all sentences together; None: no maximum.
        count_tokens: Counts the tokens of a sentence; by default the reader's wordpieces are
            counted. Titles and ``…`` are not counted.

    Returns:
        What is left, in the order of the passages and of their texts.

    Raises:
        PrereadError: If a number is out of range, or ``count_tokens`` is no function or returns no
            whole number.
    """
    check_number("threshold", threshold, 0, 1)
    if count_tokens is not None and not callable(count_tokens):
        raise PrereadError(
            f"count_tokens: expected a function of a text, found {shorten(count_tokens)}. Give a "
            "function that returns a number of tokens, or leave it out."
        )
    if max_tokens is not None:
        check_count("max_tokens", max_tokens)
    every: list[tuple[float, int, int, int]] = []
    for one in passages:
        for number, sentence in enumerate(one.sentences):
            text = one.passage.text[sentence.start : sentence.end]
            n = sentence.n_tokens if count_tokens is None else count_tokens(text)
            check_count("the result of count_tokens", n, least=0)
            every.append((sentence.score, one.place, number, n))
    kept: dict[int, list[int]] = {}
    n_tokens = 0
    for score, place, number, n in sorted(every, key=lambda one: (-one[0], *one[1:])):
        if score >= threshold and (max_tokens is None or n_tokens + n <= max_tokens):
            kept.setdefault(place, []).append(number)
            n_tokens += n
    contexts = (_context(one, sorted(kept[one.place])) for one in passages if one.place in kept)
    return PrunedContexts(tuple(contexts), n_tokens, sum(n for *_, n in every))


def _context(one: ReadPassage, numbers: Sequence[int]) -> Context:
    """A passage with some of its sentences; neighbours keep what stands between them."""
    text = one.passage.text
    parts: list[str] = []
    for before, number in zip([None, *numbers], numbers, strict=False):
        sentence = one.sentences[number]
        if before is not None:
            is_next = number == before + 1
            parts.append(text[one.sentences[before].end : sentence.start] if is_next else _GAP)
        parts.append(text[sentence.start : sentence.end])
    return Context(
        text="".join(parts),
        passage_id=one.passage.passage_id,
        title=one.passage.title,
        place=one.place,
        sentences=tuple(one.sentences[number] for number in numbers),
        metadata=one.passage.shown_metadata(),
    )
