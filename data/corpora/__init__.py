"""Readers of corpora, one module for each format."""

from .detection import detect_corpus_format
from .dispatch import read_corpus
from .formats import CorpusFormat

__all__ = ["CorpusFormat", "detect_corpus_format", "read_corpus"]
