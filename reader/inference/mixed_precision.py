"""Which number format the matrix products of training use."""

from enum import StrEnum

import torch

from .number_formats import multiplies_bfloat16


class MixedPrecision(StrEnum):
    """Number format of activations; weights and their updates stay in float32."""

    AUTO = "auto"
    """bfloat16 where the device has instructions for it, else float32."""
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


def uses_bfloat16(precision: MixedPrecision, device: torch.device) -> bool:
    """Whether training on a device runs in bfloat16."""
    if precision is MixedPrecision.AUTO:
        return multiplies_bfloat16(device)
    return precision is MixedPrecision.BFLOAT16
