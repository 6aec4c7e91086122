"""Runtimes of the upper layers: the same numbers as the model's, sooner."""

from .base import Kernels, UpperRuntime
from .fused import FusedUpper
from .plain import PlainUpper
from .selection import Precision, Runtime, check_choice, load_runtime

__all__ = [
    "FusedUpper",
    "Kernels",
    "PlainUpper",
    "Precision",
    "Runtime",
    "UpperRuntime",
    "check_choice",
    "load_runtime",
]
