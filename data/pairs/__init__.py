"""Pairs of texts with a label, and questions with choices: the paper's other tasks."""

from .dispatch import read_pairs
from .formats import PairFormat
from .race import read_choices

__all__ = ["PairFormat", "read_choices", "read_pairs"]
