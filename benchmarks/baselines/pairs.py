"""Questions with windows of passages, as padded batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

Reading = Callable[[], list[Tensor]]
"""Reads pairs that were laid out before. For each pair the start and end logits of the window's
tokens, shape ``(n_window_tokens, 2)``, in the order of the pairs."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What is read together."""

    question: list[int]
    """Token ids, ``[CLS] … [SEP]``."""
    window: list[int]
    """Token ids, ``title [SEP] text [SEP]``."""

    def __len__(self) -> int:
        """Tokens of both."""
        return len(self.question) + len(self.window)


class Baseline(Protocol):
    """A way to read."""

    def prepare(self, pairs: Sequence[Pair]) -> Reading:
        """Lay pairs out; tokenising and padding are not timed."""


@dataclass(frozen=True, slots=True)
class PaddedBatch:
    """Pairs side by side, padding at the right."""

    numbers: list[int]
    """Which of the pairs they are."""
    ids: Tensor
    """Shape ``(n_pairs, n_tokens)``, int64; so have ``types`` and ``is_real``."""
    types: Tensor
    is_real: Tensor
    """True where there is no padding."""
    windows: list[slice]
    """Where each pair's window is."""


def padded_batches(pairs: Sequence[Pair], *, size: int, is_sorted: bool) -> list[PaddedBatch]:
    """Batches, in the order given or by length.

    Args:
        pairs: All of them.
        size: Most pairs of a batch.
        is_sorted: Whether pairs of like length come together.
    """
    order = list(range(len(pairs)))
    if is_sorted:
        order.sort(key=lambda number: len(pairs[number]))
    return [_padded(order[first : first + size], pairs) for first in range(0, len(order), size)]


def _padded(numbers: list[int], pairs: Sequence[Pair]) -> PaddedBatch:
    some = [pairs[number] for number in numbers]
    longest = max(map(len, some))
    ids, types = torch.zeros(2, len(some), longest, dtype=torch.int64)
    is_real = torch.zeros(len(some), longest, dtype=torch.bool)
    windows = []
    for row, pair in enumerate(some):
        first, end = len(pair.question), len(pair)
        ids[row, :end] = torch.tensor(pair.question + pair.window)
        types[row, first:end] = 1
        is_real[row, :end] = True
        windows.append(slice(first, end))
    return PaddedBatch(numbers, ids, types, is_real, windows)


def unpadded(batches: Sequence[PaddedBatch], logits: Sequence[Tensor]) -> list[Tensor]:
    """Logits of the windows, in the order of the pairs.

    Args:
        batches: What was read.
        logits: Of each batch. Shape ``(n_pairs, n_tokens, 2)``.
    """
    found: dict[int, Tensor] = {}
    for batch, of_batch in zip(batches, logits, strict=True):
        for number, window, rows in zip(batch.numbers, batch.windows, of_batch, strict=True):
            found[number] = rows[window]
    return [found[number] for number in sorted(found)]
