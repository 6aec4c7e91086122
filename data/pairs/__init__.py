"""Pairs of texts with a label, and questions with choices: the paper's other tasks."""

from .formats import PairFormat
from .race import read_choices
from .reading import read_pairs

__all__ = ["PairFormat", "read_choices", "read_pairs"]
