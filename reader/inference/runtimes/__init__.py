"""Runtimes of the upper layers: implementations that are faster than the model itself."""

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
