"""Readers of pairs of texts with a label, and of questions with choices."""

from .dispatch import read_pairs
from .formats import PairFormat
from .race import read_choices

__all__ = ["PairFormat", "read_choices", "read_pairs"]
