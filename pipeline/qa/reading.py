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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import torch

from ...data import Passage
from ...indexer import PassageIndex
from ...reader import Packed, Reader, Span, SpanLogits, WindowTable
from ...reader.codecs import Codec
from ...reader.text.token_map import TokenMap
from .blocks import block_starts
from .checks import check_finite, check_windows
from .states import NO_WINDOWS, BeforeBlock, OnStage, StateSource
from .types import Candidate, CandidateSpans, ReadRequest, RequestedPassage

SPANS_PER_PASSAGE = 5
"""Number of spans of a passage that may become answers, as in GAR (Mao et al. 2021,
https://aclanthology.org/2021.acl-long.316)."""
FIRST_BATCH = 8
"""Passages of the first batch if reading may stop early. Each later batch doubles the number of
passages that have been read."""
_ROWS_A_BLOCK = 8192
"""Tokens that go through the upper layers between two calls of ``before_block``."""


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
    """Reads passages with questions, from stored or computed states."""

    def __init__(
        self, reader: Reader, index: PassageIndex | None = None, codec: Codec | None = None
    ) -> None:
        """Take a reader.

        Args:
            reader: Runs the lower layers of questions, and the upper layers.
            index: Stores states; None if every passage comes with its text.
            codec: Decodes stored states. Computed states go through it too, so that a text has the
                same answers whether or not it is stored. None leaves computed states as they are.
        """
        self.reader = reader
        self.index = index
        self._source = StateSource(reader, index, codec)

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
        """Find the candidate spans of each request.

        Args:
            requests: The requests, which are read together.
            stop_margin: Lead of the best span, in logits, at which the other passages of a question
                are left unread; None reads all passages at once.
            spans_per_passage: Maximum number of spans of each passage.
            max_answer_length: Longest span in wordpieces; by default that of the reader.
            on_stage: Called with ``fetch``, ``decode``, ``encode`` and ``read`` when each stage is
                done, once for each batch.
            before_block: Called before each block of tokens is read; raises to end the reading.
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
        """Compute the logits of each request, without choosing spans.

        Args:
            requests: The requests, which are read together.
            stop_margin: Lead of the best span, in logits, at which the other passages of a question
                are left unread; None reads all passages at once.
            on_stage: Called with ``fetch``, ``decode``, ``encode`` and ``read`` when each stage is
                done, once for each batch.
            before_block: Called before each block of tokens is read; raises to end the reading.
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
            states = self._source.states(
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
                    check_finite(logits)
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
        known = read.windows.text_token_ids()
        tokens = cache(
            lambda place: self.reader.encoder.token_map(passage(place).text, known.get(place, ()))
        )
        check_windows(read.windows, tokens)
        breaks = {n: block_starts(tokens(n)) for n in dict.fromkeys(read.windows.passage)}
        decoder = self.reader.spans
        margins = decoder.margins(read.logits, read.windows, max_answer_length=max_answer_length)
        spans = decoder.best_by_passage(
            read.logits,
            read.windows,
            spans_per_passage,
            request.scores[: read.n_read],
            max_answer_length=max_answer_length,
            tokens=tokens,
            breaks=read.windows.rows_of(breaks) if any(breaks.values()) else None,
            margins=margins,
        )
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
        return self._source.passage_of(requested)


class _Progress:
    """The part of a request that has been read."""

    def __init__(self, request: ReadRequest) -> None:
        self.request = request
        self.n_read = 0
        self.is_finished = not request.passages
        self._parts: list[SpanLogits] = []
        self._windows = NO_WINDOWS
        self._best = -torch.inf

    def add(self, logits: SpanLogits, windows: WindowTable, n_passages: int) -> None:
        """Add the logits of the next passages."""
        self._parts.append(logits)
        self._windows = self._windows.followed_by(windows, self.n_read)
        self.n_read += n_passages
        self.is_finished = self.n_read == len(self.request.passages)

    def stop_if_ahead(self, best: Sequence[Span], margin: float) -> None:
        """Finish if the best span leads the highest score of unread passages by the margin."""
        self._best = max([self._best, *(span.logit for span in best)])
        self.is_finished = self._best - max(self.request.scores[self.n_read :]) >= margin

    def logits(self) -> RequestLogits:
        """The logits of all passages that were read."""
        if not self._parts:
            nothing = SpanLogits(torch.empty(0), torch.empty(0), torch.empty(0, 2))
            return RequestLogits(nothing, NO_WINDOWS, 0)
        parts = ((part.start, part.end, part.null) for part in self._parts)
        start, end, null = (torch.cat(kind) for kind in zip(*parts, strict=True))
        return RequestLogits(SpanLogits(start, end, null), self._windows, self.n_read)


def _located(span: Span, tokens: TokenMap) -> Candidate:
    """A span of tokens as a span of characters."""
    start, end = tokens.char_span(span.first_token, span.last_token)
    text = tokens.text[start:end]
    return Candidate(span.passage, start, end, text, span.logit, span.probability)
