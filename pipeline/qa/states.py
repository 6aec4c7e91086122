"""The states of the passages of requests: stored ones are fetched, others are computed."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch

from ...data import Passage
from ...indexer import PassageIndex
from ...reader import Packed, Reader, Window, WindowTable
from ...reader.codecs import Codec, round_trip
from ...reader.inference.window_table import table_of_passages
from .types import RequestedPassage

NO_WINDOWS = WindowTable((), (), (), ())
_ROWS_AT_ONCE = 4096
"""Tokens that go through the lower layers at a time; they limit the memory."""

OnStage = Callable[[str], None]
"""Called with the name of a stage when the stage is done."""
BeforeBlock = Callable[[], None]
"""Is called before each block of tokens is read; what it raises ends the reading."""


@dataclass(frozen=True, slots=True)
class PassageStates:
    """The states of some passages, each once."""

    states: Packed
    """States of all windows, one segment for each. Shape ``(n_rows, hidden_size)``, float32."""
    windows: WindowTable
    """Table of the same windows."""
    number: dict[Hashable, int]
    """Number of a passage in the table by its `_key`."""

    def numbers_of(self, passages: Iterable[RequestedPassage]) -> list[int]:
        """The numbers of passages in the table, in the same order.

        Args:
            passages: Some of the passages.
        """
        return [self.number[_key(passage)] for passage in passages]

    def blocks(
        self, numbers: Sequence[Sequence[int]], most_rows: float
    ) -> Iterator[list[tuple[int, slice]]]:
        """Divide pairs of requests and passages into blocks of a maximum number of tokens.

        Args:
            numbers: For each request the numbers of its passages, as `numbers_of` returns them.
            most_rows: Maximum number of tokens of a block. A longer passage is a block by itself.

        Yields:
            For each block the positions of its requests, each with a range of its passages.
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


@dataclass(frozen=True, slots=True)
class StateSource:
    """Finds the states of passages."""

    reader: Reader
    """Runs the lower layers of passages without stored states."""
    index: PassageIndex | None
    """Stores states; None if every passage comes with its text."""
    codec: Codec | None
    """Decodes stored states. Computed states go through it too, so that a text has the same answers
    whether or not it is stored. None leaves computed states as they are."""

    def passage_of(self, requested: RequestedPassage) -> Passage:
        """The passage whose text answers are cut from.

        Args:
            requested: A passage of a request.
        """
        if requested.passage is not None:
            return requested.passage
        assert self.index is not None and requested.ordinal is not None
        return self.index.passage(requested.ordinal)

    def states(
        self,
        passages: Sequence[RequestedPassage],
        on_stage: OnStage,
        before_block: BeforeBlock | None,
    ) -> PassageStates:
        """Fetch or compute the states of passages: first the stored ones, then the others.

        Args:
            passages: The passages; one that occurs twice has its states once.
            on_stage: Called with ``fetch``, ``decode`` and ``encode`` when each stage is done.
            before_block: Called before each block of tokens is encoded; it may raise to end that.

        Raises:
            IndexFormatError: If bytes of the index have changed since they were written.
        """
        stored = list(dict.fromkeys(p.ordinal for p in passages if p.ordinal is not None))
        texts = {_key(p): self.passage_of(p) for p in passages if p.ordinal is None}
        parts: list[Packed] = []
        windows = NO_WINDOWS
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
        return PassageStates(_joined(parts), windows, number)

    def _computed(
        self, passages: Sequence[Passage], before_block: BeforeBlock | None
    ) -> tuple[list[Packed], WindowTable]:
        """Compute states of passages that are not stored, as the codec would return them."""
        encoded = self.reader.encoder.windows_of(passages)
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
