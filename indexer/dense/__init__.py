"""Dense vectors of passages: a sentence encoder, and faiss files of what it makes."""

from .build import build_dense, remove_dense
from .encoder import Pooling, SentenceEncoder
from .search import DenseSearcher
from .vectors import VectorKind

__all__ = [
    "DenseSearcher",
    "Pooling",
    "SentenceEncoder",
    "VectorKind",
    "build_dense",
    "remove_dense",
]
