"""Packed sequences: many segments laid end to end, without padding.

Upper layers see positions only through the lower states, so that packing changes no number:

    padded  [q q q p p . .]      packed  [q q q p p | q q q p p p p]
            [q q q p p p p]      lengths [5, 7]
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows of several segments, end to end."""

    rows: Tensor
    """Shape ``(n_rows, ...)``: token ids (int64) or states (float)."""
    lengths: tuple[int, ...]
    """Rows of each segment; their sum is ``n_rows``."""

    def __post_init__(self) -> None:
        """Check that the lengths add up.

        Raises:
            ValueError: If they do not.
        """
        if sum(self.lengths) != self.rows.shape[0]:
            raise ValueError(
                f"packed segments have {sum(self.lengths)} rows by their lengths, "
                f"but {self.rows.shape[0]} rows were given"
            )

    def __len__(self) -> int:
        """Number of segments."""
        return len(self.lengths)

    @classmethod
    def from_lists(cls, segments: Sequence[Sequence[int]]) -> "Packed":
        """Pack lists of token ids."""
        flat = [token for segment in segments for token in segment]
        return cls(torch.tensor(flat, dtype=torch.int64), tuple(len(s) for s in segments))

    def with_rows(self, rows: Tensor) -> "Packed":
        """The same segments with other values."""
        return Packed(rows, self.lengths)

    def to(self, device: torch.device | str) -> "Packed":
        """The same segments on a device."""
        return Packed(self.rows.to(device), self.lengths)

    def offsets(self) -> Tensor:
        """First row of each segment, and the end. Shape ``(n_segments + 1,)``, int64, on CPU."""
        return cumulative(self.lengths)

    def positions(self) -> Tensor:
        """Position of each row in its own segment, from 0. Shape ``(n_rows,)``, int64."""
        return positions_of(self.lengths).to(self.rows.device)


def cumulative(lengths: Sequence[int]) -> Tensor:
    """Running sum with a leading 0. Shape ``(n + 1,)``, int64."""
    return torch.tensor([0, *lengths], dtype=torch.int64).cumsum(0)


def positions_of(lengths: Sequence[int]) -> Tensor:
    """Position of each row in its own segment. Shape ``(sum(lengths),)``, int64."""
    counts = torch.tensor(lengths, dtype=torch.int64)
    starts = torch.repeat_interleave(cumulative(lengths)[:-1], counts)
    return torch.arange(int(counts.sum())) - starts


@dataclass(frozen=True, slots=True)
class PaddedLayout:
    """Where packed rows lie once they are padded."""

    segment: Tensor
    """Of each row. Shape ``(n_rows,)``, int64; so has ``position``, its place in the segment."""
    position: Tensor
    is_real: Tensor
    """True where there is no padding. Shape ``(n_segments, longest)``, bool."""

    def pad(self, rows: Tensor) -> Tensor:
        """Lay rows out. Shapes ``(n_rows, ...)`` to ``(n_segments, longest, ...)``."""
        padded = rows.new_zeros((*self.is_real.shape, *rows.shape[1:]))
        padded[self.segment, self.position] = rows
        return padded


@lru_cache(maxsize=4)
def padded_layout(lengths: tuple[int, ...], device: torch.device) -> PaddedLayout:
    """The layout of some segments; all layers of a pass have the same.

    Args:
        lengths: Rows of each segment.
        device: Where it is needed.

    Returns:
        A layout that later passes over segments of these lengths share; nobody may change it.
    """
    with torch.inference_mode(False):  # or training could not use one that reading made
        counts = torch.tensor(lengths, dtype=torch.int64)
        segment = torch.repeat_interleave(torch.arange(len(lengths)), counts)
        is_real = torch.arange(max(lengths)) < counts[:, None]
        where = segment, positions_of(lengths), is_real
        return PaddedLayout(*(tensor.to(device) for tensor in where))


def batches_by_length(lengths: Sequence[int], rows_per_batch: int) -> Iterator[list[int]]:
    """Cut windows into batches of like length, longest first.

    Args:
        lengths: Rows of each window.
        rows_per_batch: Most rows of a batch; a longer window makes a batch of its own.

    Yields:
        Numbers of the windows of a batch; the same for the same lengths.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    batch: list[int] = []
    rows = 0
    for number in order:
        if batch and rows + lengths[number] > rows_per_batch:
            yield batch
            batch, rows = [], 0
        batch.append(number)
        rows += lengths[number]
    if batch:
        yield batch
