"""Reading: from questions and passages to candidate spans, at one place for the whole pipeline.

    requests ──> states: fetch and decode the stored ones, compute the others
             ──> logits: the upper layers, over all pairs of a question and a window
             ──> spans:  the best of each passage, as characters of its text

Requests may share passages and questions. The states of each are made once.

Reading may stop early. Passages are then read in growing batches, in the order of their retriever.
The logit of a span includes the weighted retrieval score of its passage. An unread passage has the
best span only if its own logit exceeds the lead of the best span so far over the highest retrieval
score of the unread passages. When this lead is greater than a margin that logits rarely exceed,
reading stops. The rule uses the best span also where equal answers are added up, because the
support of unread passages is not known.

Source: the stopping rule of threshold algorithms (Fagin et al. 2003,
https://doi.org/10.1016/S0022-0000(03)00026-6), with a bound that holds for most questions only.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import torch

from ...data import Passage, PrereadError
from ...indexer import IndexFormatError, PassageIndex
from ...reader import Packed, Reader, Span, SpanLogits, Window, WindowTable
from ...reader.codecs import Codec, round_trip
from ...reader.inference.window_table import table_of_passages
from ...reader.text.windows import TokenMap
from .blocks import block_starts
from .types import Candidate, CandidateSpans, ReadRequest, RequestedPassage

SPANS_PER_PASSAGE = 5
"""Number of spans of a passage that may become answers, as in GAR (Mao et al. 2021,
https://aclanthology.org/2021.acl-long.316)."""
FIRST_BATCH = 8
"""Passages of the first batch if reading may stop early. Each later batch doubles the number of
passages that have been read."""
_ROWS_AT_ONCE = 4096
"""Tokens that go through the lower layers at a time; they limit the memory."""
_ROWS_A_BLOCK = 8192
"""Tokens that go through the upper layers between two calls of ``before_block``."""
_NO_WINDOWS = WindowTable((), (), (), ())

OnStage = Callable[[str], None]
"""Called with the name of a stage when the stage is done."""
BeforeBlock = Callable[[], None]
"""Is called before each block of tokens is read; what it raises ends the reading."""


def _ignore(stage: str) -> None:
    """Measure no time."""


def batch_ends(n_passages: int, first: int = FIRST_BATCH) -> Iterator[int]:
    """The number of passages that have been read after each batch.

    Args:
        n_passages: Number of all passages.
        first: Number of passages of the first batch.
    """
    end = first
    while end < n_passages:
        yield end
        end *= 2
    yield n_passages


@dataclass(frozen=True, slots=True)
class RequestLogits:
    """The reader's logits for one request."""

    logits: SpanLogits
    """Logits of all windows of the passages that were read."""
    windows: WindowTable
    """Table of the same windows; the number of a passage is its position in the request."""
    n_read: int
    """Number of passages that were read, from the first of the request."""


class PassageReader:
    """Reads passages with questions, from stored or computed states.

    Attributes:
        reader: Runs the lower layers of questions and of passages without stored states, and the
            upper layers.
        index: Stores states; None if every passage comes with its text.
        codec: Decodes stored states. Computed states go through it too, so that a text has the same
            answers whether or not it is stored. None leaves computed states as they are.
    """

    def __init__(
        self, reader: Reader, index: PassageIndex | None = None, codec: Codec | None = None
    ) -> None:
        """Take a reader.

        Args:
            reader: The reader.
            index: The index with stored states, if there is one.
            codec: The codec of the index.
        """
        self.reader = reader
        self.index = index
        self.codec = codec

    def read(
        self,
        requests: Sequence[ReadRequest],
        *,
        stop_margin: float | None = None,
        spans_per_passage: int = SPANS_PER_PASSAGE,
        max_answer_length: int | None = None,
        on_stage: OnStage = _ignore,
        before_block: BeforeBlock | None = None,
    ) -> list[CandidateSpans]:
        """Find candidate spans.

        Args:
            requests: The requests, which are read together.
            stop_margin: Lead of the best span, in logits, at which the other passages of a question
                are left unread; None reads all passages at once.
            spans_per_passage: Maximum number of spans of each passage.
            max_answer_length: Longest span in wordpieces; by default that of the reader.
            on_stage: Called with ``fetch``, ``decode``, ``encode`` and ``read`` when each stage is
                done, once for each batch.
            before_block: Called before each block of tokens is read, a few hundred milliseconds of
                work on a CPU; raises to end the reading. By default all is read at once.

        Returns:
            The candidates of each request.
        """
        read = self.logits(
            requests, stop_margin=stop_margin, on_stage=on_stage, before_block=before_block
        )
        return [
            self.candidates(request, one, spans_per_passage, max_answer_length)
            for request, one in zip(requests, read, strict=True)
        ]

    def logits(
        self,
        requests: Sequence[ReadRequest],
        *,
        stop_margin: float | None = None,
        on_stage: OnStage = _ignore,
        before_block: BeforeBlock | None = None,
    ) -> list[RequestLogits]:
        """Compute logits without choosing spans.

        Args:
            requests: The requests, which are read together.
            stop_margin: Lead of the best span, in logits, at which the other passages of a question
                are left unread; None reads all passages at once.
            on_stage: Called with ``fetch``, ``decode``, ``encode`` and ``read`` when each stage is
                done, once for each batch.
            before_block: Called before each block of tokens is read, a few hundred milliseconds of
                work on a CPU; raises to end the reading. By default all is read at once.

        Returns:
            The logits of each request.
        """
        progress = [_Progress(request) for request in requests]
        if not progress:
            return []
        number = {q: n for n, q in enumerate(dict.fromkeys(r.question for r in requests))}
        questions: Packed | None = None
        longest = max(len(request.passages) for request in requests)
        for end in [longest] if stop_margin is None else batch_ends(longest):
            unfinished = [one for one in progress if not one.is_finished]
            if not unfinished:
                break
            parts = [one.request.passages[one.n_read : end] for one in unfinished]
            states = self._states(
                [passage for part in parts for passage in part], on_stage, before_block
            )
            asked = [number[one.request.question] for one in unfinished]
            numbers = [states.numbers_of(part) for part in parts]
            if questions is None:
                questions = self.reader.question_states(*number)
            for block in states.blocks(
                numbers, math.inf if before_block is None else _ROWS_A_BLOCK
            ):
                if before_block is not None:
                    before_block()
                to_read = [(asked[which], numbers[which][some]) for which, some in block]
                read = self.reader.logits_batch(questions, states.states, states.windows, to_read)
                for (which, some), (logits, windows) in zip(block, read, strict=True):
                    one, n_passages = unfinished[which], some.stop - some.start
                    scores = one.request.scores[one.n_read : one.n_read + n_passages]
                    _check_finite(logits)
                    one.add(logits, windows, n_passages)
                    if stop_margin is not None and not one.is_finished:
                        best = self.reader.spans.best(logits, windows, 1, scores)
                        one.stop_if_ahead(best, stop_margin)
            on_stage("read")
        return [one.logits() for one in progress]

    def candidates(
        self,
        request: ReadRequest,
        read: RequestLogits,
        spans_per_passage: int = SPANS_PER_PASSAGE,
        max_answer_length: int | None = None,
    ) -> CandidateSpans:
        """Find the best spans of each passage of a request in its logits.

        Args:
            request: The request.
            read: What `logits` returned for it.
            spans_per_passage: Maximum number of spans of each passage.
            max_answer_length: Longest span in wordpieces; by default that of the reader.

        Raises:
            IndexFormatError: If stored windows are not those of the passage's text.
        """
        if not read.windows.lengths:
            return CandidateSpans()
        passage = cache(lambda place: self.passage_of(request.passages[place]))
        tokens = cache(lambda place: self.reader.encoder.token_map(passage(place).text))
        _check_windows(read.windows, tokens)
        breaks = {n: block_starts(tokens(n)) for n in dict.fromkeys(read.windows.passage)}
        decoder = self.reader.spans
        spans = decoder.best_by_passage(
            read.logits,
            read.windows,
            spans_per_passage,
            request.scores[: read.n_read],
            max_answer_length=max_answer_length,
            tokens=tokens,
            breaks=read.windows.rows_of(breaks) if any(breaks.values()) else None,
        )
        margins = decoder.margins(read.logits, read.windows, max_answer_length=max_answer_length)
        places = dict.fromkeys(span.passage for span in spans)
        return CandidateSpans(
            [_located(span, tokens(span.passage)) for span in spans],
            {place: passage(place) for place in places},
            {place: margins[place] for place in places},
            read.n_read,
        )

    def passage_of(self, requested: RequestedPassage) -> Passage:
        """The passage whose text answers are cut from.

        Args:
            requested: A passage of a request.
        """
        if requested.passage is not None:
            return requested.passage
        assert self.index is not None and requested.ordinal is not None
        return self.index.passage(requested.ordinal)

    def _states(
        self,
        passages: Sequence[RequestedPassage],
        on_stage: OnStage,
        before_block: BeforeBlock | None,
    ) -> "_States":
        """The states of passages, each once: first the stored ones, then the computed ones."""
        stored = list(dict.fromkeys(p.ordinal for p in passages if p.ordinal is not None))
        texts = {_key(p): self.passage_of(p) for p in passages if p.ordinal is None}
        parts: list[Packed] = []
        windows = _NO_WINDOWS
        if stored:
            assert self.index is not None and self.codec is not None
            fetched = self.index.fetch(stored)
            on_stage("fetch")
            fetched.check(self.reader.config)
            parts.append(fetched.decode(self.codec, self.reader.device))
            windows = fetched.windows
            on_stage("decode")
        if texts:
            computed, others = self._computed(list(texts.values()), before_block)
            parts += computed
            windows = windows.followed_by(others, len(stored))
            on_stage("encode")
        number = {key: n for n, key in enumerate([*stored, *texts])}
        return _States(_joined(parts), windows, number)

    def _computed(
        self, passages: Sequence[Passage], before_block: BeforeBlock | None
    ) -> tuple[list[Packed], WindowTable]:
        """Compute states of passages that are not stored, as the codec would return them."""
        encoded = self.reader.encoder.encode_passages(
            [passage.text for passage in passages], [passage.title for passage in passages]
        )
        every = (window for windows in encoded for window in windows)
        computed = []
        for some in _batches(every):
            if before_block is not None:
                before_block()
            computed.append(self._through_codec(some))
        return computed, table_of_passages(encoded)

    def _through_codec(self, windows: Sequence[Window]) -> Packed:
        """Lower states of windows after the round trip through the codec."""
        states = self.reader.window_states(windows)
        if self.codec is None:
            return states
        return round_trip(self.codec, states, Packed.from_lists([w.token_ids for w in windows]))


class _Progress:
    """The part of a request that has been read."""

    def __init__(self, request: ReadRequest) -> None:
        self.request = request
        self.n_read = 0
        self.is_finished = not request.passages
        self._parts: list[SpanLogits] = []
        self._windows = _NO_WINDOWS
        self._best = -torch.inf

    def add(self, logits: SpanLogits, windows: WindowTable, n_passages: int) -> None:
        """Add the logits of the next passages."""
        self._parts.append(logits)
        self._windows = self._windows.followed_by(windows, self.n_read)
        self.n_read += n_passages
        self.is_finished = self.n_read == len(self.request.passages)

    def stop_if_ahead(self, best: Sequence[Span], margin: float) -> None:
        """Finish if no unread passage is likely to have a better span.

        Args:
            best: The best span of the last batch; empty if it has no text.
            margin: Least lead of the best span over the highest score of unread passages.
        """
        self._best = max([self._best, *(span.logit for span in best)])
        self.is_finished = self._best - max(self.request.scores[self.n_read :]) >= margin

    def logits(self) -> RequestLogits:
        """The logits of all passages that were read."""
        if not self._parts:
            nothing = SpanLogits(torch.empty(0), torch.empty(0), torch.empty(0, 2))
            return RequestLogits(nothing, _NO_WINDOWS, 0)
        parts = ((part.start, part.end, part.null) for part in self._parts)
        start, end, null = (torch.cat(kind) for kind in zip(*parts, strict=True))
        return RequestLogits(SpanLogits(start, end, null), self._windows, self.n_read)


@dataclass(frozen=True, slots=True)
class _States:
    """The states of some passages."""

    states: Packed
    windows: WindowTable
    number: dict[Hashable, int]
    """Number of a passage in the table by its `_key`."""

    def numbers_of(self, passages: Iterable[RequestedPassage]) -> list[int]:
        """The numbers of passages in the table."""
        return [self.number[_key(passage)] for passage in passages]

    def blocks(
        self, numbers: Sequence[Sequence[int]], most_rows: float
    ) -> Iterator[list[tuple[int, slice]]]:
        """Cut what is read into blocks of so many tokens.

        Args:
            numbers: For each request the numbers of its passages, by `numbers_of`.
            most_rows: Tokens of a block at most; a longer passage makes one of its own.

        Returns:
            For each block the places of its requests, with a range of each one's passages.
        """
        rows = [0] * len(self.number)
        for passage, length in zip(self.windows.passage, self.windows.lengths, strict=True):
            rows[passage] += length
        block: list[tuple[int, slice]] = []
        n_rows = 0
        for which, some in enumerate(numbers):
            first = 0
            for place, number in enumerate(some):
                if n_rows and n_rows + rows[number] > most_rows:
                    if place > first:
                        block.append((which, slice(first, place)))
                    yield block
                    block, n_rows, first = [], 0, place
                n_rows += rows[number]
            block.append((which, slice(first, len(some))))
        yield block


def _located(span: Span, tokens: TokenMap) -> Candidate:
    """A span of tokens as a span of characters."""
    start, end = tokens.char_span(span.first_token, span.last_token)
    text = tokens.text[start:end]
    return Candidate(span.passage, start, end, text, span.logit, span.probability)


def _check_windows(windows: WindowTable, tokens: Callable[[int], TokenMap]) -> None:
    """Refuse windows that are not those of their texts, as an index that somebody made up can have.

    Args:
        windows: Table of the windows that were read.
        tokens: Returns the text and tokens of a passage by its number.

    Raises:
        IndexFormatError: If a window begins before its text, or ends after it.
    """
    for length, prefix, first, passage in zip(
        windows.lengths, windows.n_prefix, windows.first_token, windows.passage, strict=True
    ):
        end, n_tokens = first + length - prefix - 1, len(tokens(passage).tokens)
        if first < 0 or end > n_tokens:
            raise IndexFormatError(
                f"stored windows: expected those of a passage of {n_tokens} tokens, found tokens "
                f"{first} to {end}, not those of its text. The index is damaged: build it again."
            )


def _check_finite(logits: SpanLogits) -> None:
    """Refuse logits that are no numbers, as stored states that somebody made up can give.

    Raises:
        PrereadError: If one is infinite or not a number.
    """
    if not all(bool(torch.isfinite(some).all()) for some in (logits.start, logits.end)):
        raise PrereadError(
            "expected finite logits, found others: the stored states or the reader's weights are "
            "damaged. Check the index (`preread verify`), and load the reader again."
        )


def _key(requested: RequestedPassage) -> Hashable:
    """A key that is equal for passages with the same states."""
    if requested.ordinal is not None:
        return requested.ordinal
    assert requested.passage is not None, "expected an ordinal or a text"
    return requested.passage.title, requested.passage.text


def _joined(parts: Sequence[Packed]) -> Packed:
    """The segments of all parts in one."""
    if len(parts) == 1:
        return parts[0]
    lengths = tuple(length for part in parts for length in part.lengths)
    return Packed(torch.cat([part.rows for part in parts]), lengths)


def _batches(windows: Iterable[Window]) -> Iterator[list[Window]]:
    """Windows in batches of at most `_ROWS_AT_ONCE` rows."""
    batch: list[Window] = []
    n_rows = 0
    for window in windows:
        if batch and n_rows + len(window.token_ids) > _ROWS_AT_ONCE:
            yield batch
            batch, n_rows = [], 0
        batch.append(window)
        n_rows += len(window.token_ids)
    if batch:
        yield batch
