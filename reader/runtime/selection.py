"""Choosing a runtime by name."""

from enum import StrEnum

import torch

from ..model import DeformerForQuestionAnswering
from .base import UpperRuntime
from .fused import FusedUpper


class Precision(StrEnum):
    """Number format in which the upper layers read."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    """Faster where the processor has instructions for it; logits keep about two digits."""


def load_runtime(model: DeformerForQuestionAnswering, precision: Precision) -> UpperRuntime:
    """A runtime of a model's upper layers.

    Args:
        model: On the device where it shall read.
        precision: Number format.
    """
    return FusedUpper(model, dtype=getattr(torch, precision.value))
