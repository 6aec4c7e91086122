"""Runtimes of the upper layers: the same numbers as the model's, sooner."""

from .base import UpperRuntime
from .fused import FusedUpper
from .plain import PlainUpper
from .selection import Precision, load_runtime

__all__ = ["FusedUpper", "PlainUpper", "Precision", "UpperRuntime", "load_runtime"]
