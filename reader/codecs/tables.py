"""Tables of numbers as signed bytes, a scale for each column."""

import torch
from torch import Tensor

_LARGEST = 127
_LEAST_SCALE = 2.0**-14
"""The smallest normal number of float16; below, its scale would lose digits."""


def to_int8(table: Tensor) -> tuple[Tensor, Tensor]:
    """Write a table as bytes.

    Args:
        table: Shape ``(…, n_rows, n_columns)``, float32.

    Returns:
        Signed bytes of the same shape, and what to multiply each column by: shape
        ``(…, n_columns)``, float16. A table that comes from `from_int8` gives what it was made of.
    """
    if table.numel():
        largest = table.abs().amax(-2)
    else:
        largest = table.new_zeros((*table.shape[:-2], table.shape[-1]))
    scales = (largest / _LARGEST).clamp(min=_LEAST_SCALE).half()
    steps = (table / scales.float().unsqueeze(-2)).round().clamp(-_LARGEST, _LARGEST)
    return steps.to(torch.int8), scales


def from_int8(steps: Tensor, scales: Tensor) -> Tensor:
    """The table that bytes stand for, exactly.

    Args:
        steps: Shape ``(…, n_rows, n_columns)``, int8.
        scales: Shape ``(…, n_columns)``, float16.

    Returns:
        Shape ``(…, n_rows, n_columns)``, float32.
    """
    return steps.float() * scales.float().unsqueeze(-2)


def rounded(table: Tensor) -> Tensor:
    """The nearest table that bytes can stand for."""
    return from_int8(*to_int8(table))
