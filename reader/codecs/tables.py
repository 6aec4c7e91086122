"""Tables of numbers as signed bytes, with a scale for each column."""

import torch
from torch import Tensor

_LARGEST = 127
_LEAST_SCALE = 2.0**-14
"""The smallest normal number of float16. A smaller scale would lose digits."""


def to_int8(table: Tensor) -> tuple[Tensor, Tensor]:
    """Convert a table to bytes.

    Args:
        table: Shape ``(…, n_rows, n_columns)``, float32.

    Returns:
        Signed bytes of the same shape, and the scale of each column. Shape of the scales
        ``(…, n_columns)``, float16. A table from `from_int8` gives the bytes and scales that it was
        made from.
    """
    if table.numel():
        largest = table.abs().amax(-2)
    else:
        largest = table.new_zeros((*table.shape[:-2], table.shape[-1]))
    scales = (largest / _LARGEST).clamp(min=_LEAST_SCALE).half()
    steps = (table / scales.float().unsqueeze(-2)).round().clamp(-_LARGEST, _LARGEST)
    return steps.to(torch.int8), scales


def from_int8(steps: Tensor, scales: Tensor) -> Tensor:
    """Convert bytes to the table that they represent exactly.

    Args:
        steps: Shape ``(…, n_rows, n_columns)``, int8.
        scales: Shape ``(…, n_columns)``, float16.

    Returns:
        Shape ``(…, n_rows, n_columns)``, float32.
    """
    return steps.float() * scales.float().unsqueeze(-2)


def rounded(table: Tensor) -> Tensor:
    """The nearest table that bytes can represent."""
    return from_int8(*to_int8(table))
