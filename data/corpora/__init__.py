"""Corpora, one module for each format."""

from .detection import detect_corpus_format
from .formats import CorpusFormat
from .reading import read_corpus

__all__ = ["CorpusFormat", "detect_corpus_format", "read_corpus"]
