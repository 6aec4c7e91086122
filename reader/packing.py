"""Packed rows: many segments laid end to end in one tensor, without padding.

The upper layers know positions only from the lower states, so packing does not change their
numbers::

    padded  [q q q p p . .]      packed  [q q q p p | q q q p p p p]
            [q q q p p p p]      lengths [5, 7]
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Movable:
    """A record whose tensors can be moved to a device, together with those of records in it."""

    def to(self, device: torch.device | str) -> Self:
        """A copy on a device.

        Args:
            device: For example ``cuda``.
        """
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        moved = {k: v.to(device) for k, v in own.items() if isinstance(v, Tensor | Movable)}
        return replace(self, **moved)


@dataclass(frozen=True, slots=True)
class Packed(Movable):
    """The rows of several segments, laid end to end."""

    rows: Tensor
    """Token ids, int64, shape ``(n_rows,)``; or states, float, shape ``(n_rows, hidden_size)``."""
    lengths: tuple[int, ...]
    """Number of rows of each segment; they add up to ``n_rows``."""

    def __post_init__(self) -> None:
        """Check that the lengths add up to the number of rows."""
        if sum(self.lengths) != self.rows.shape[0]:
            raise ValueError(
                f"packed rows: expected {sum(self.lengths)} rows, the sum of the lengths, "
                f"found {self.rows.shape[0]}"
            )

    def __len__(self) -> int:
        """Number of segments."""
        return len(self.lengths)

    @classmethod
    def from_lists(cls, segments: Sequence[Sequence[int]]) -> "Packed":
        """Pack lists of token ids, one segment for each list."""
        flat = [token for segment in segments for token in segment]
        return cls(torch.tensor(flat, dtype=torch.int64), tuple(len(s) for s in segments))

    def with_rows(self, rows: Tensor) -> "Packed":
        """The same segments with other rows, as many as before."""
        return Packed(rows, self.lengths)

    def offsets(self) -> Tensor:
        """First row of each segment, then ``n_rows``.

        Returns:
            Shape ``(n_segments + 1,)``, int64, on CPU.
        """
        return cumulative(self.lengths)

    def positions(self) -> Tensor:
        """Position of each row in its segment, from 0. Shape ``(n_rows,)``, int64."""
        return positions_of(self.lengths).to(self.rows.device)


def cumulative(lengths: Sequence[int]) -> Tensor:
    """Running sum that begins with 0. Shape ``(n + 1,)``, int64."""
    return torch.tensor([0, *lengths], dtype=torch.int64).cumsum(0)


def positions_of(lengths: Sequence[int]) -> Tensor:
    """Position of each row in its segment, from 0.

    Args:
        lengths: Number of rows of each segment.

    Returns:
        Shape ``(sum(lengths),)``, int64, on CPU.
    """
    counts = torch.tensor(lengths, dtype=torch.int64)
    starts = torch.repeat_interleave(cumulative(lengths)[:-1], counts)
    return torch.arange(int(counts.sum())) - starts


@dataclass(frozen=True, slots=True)
class PaddedLayout:
    """The place of each packed row in a padded tensor."""

    segment: Tensor
    """Number of each row's segment. Shape ``(n_rows,)``, int64."""
    position: Tensor
    """Position of each row in its segment, from 0. Shape ``(n_rows,)``, int64."""
    is_real: Tensor
    """True for rows, False for padding. Shape ``(n_segments, longest)``, bool."""

    def pad(self, rows: Tensor) -> Tensor:
        """Pad rows with zeros.

        Args:
            rows: Packed rows. Shape ``(n_rows, ...)``.

        Returns:
            Shape ``(n_segments, longest, ...)``.
        """
        padded = rows.new_zeros((*self.is_real.shape, *rows.shape[1:]))
        padded[self.segment, self.position] = rows
        return padded


@lru_cache(maxsize=4)
def padded_layout(lengths: tuple[int, ...], device: torch.device) -> PaddedLayout:
    """The padded layout of some segments. It is cached, since all layers of a pass use the same.

    Args:
        lengths: Number of rows of each segment.
        device: Device of the layout's tensors.

    Returns:
        A layout shared by all callers with the same arguments; do not change it.
    """
    with torch.inference_mode(False):  # training cannot use tensors made in inference mode
        counts = torch.tensor(lengths, dtype=torch.int64)
        segment = torch.repeat_interleave(torch.arange(len(lengths)), counts)
        is_real = torch.arange(max(lengths)) < counts[:, None]
        where = segment, positions_of(lengths), is_real
        return PaddedLayout(*(tensor.to(device) for tensor in where))


def batches_by_length(lengths: Sequence[int], rows_per_batch: int) -> Iterator[list[int]]:
    """Divide segments into batches of similar length, longest first.

    Args:
        lengths: Number of rows of each segment.
        rows_per_batch: Most rows of a batch. A longer segment is a batch by itself.

    Yields:
        The numbers of the segments of a batch. The same lengths always give the same batches.
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
