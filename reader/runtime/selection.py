"""Choosing a runtime by name."""

from enum import StrEnum

import torch

from ..layers import TransformerLayer
from ..model import DeformerForQuestionAnswering
from .base import UpperRuntime
from .fused import FusedUpper
from .plain import PlainUpper


class Precision(StrEnum):
    """Number format in which the upper layers read."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    """Faster where the processor has instructions for it; logits keep about two digits."""


def load_runtime(model: DeformerForQuestionAnswering, precision: Precision) -> UpperRuntime:
    """A runtime of a model's upper layers: the fused one, where it knows their kind.

    Args:
        model: On the device where it shall read.
        precision: Number format.
    """
    is_fusible = all(isinstance(layer, TransformerLayer) for layer in model.layers)
    runtime = FusedUpper if is_fusible else PlainUpper
    return runtime(model, dtype=getattr(torch, precision.value))
