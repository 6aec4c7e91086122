"""Dense vectors of passages: a sentence encoder, and faiss files of what it makes."""

from typing import TYPE_CHECKING

from ...data.lazy import lazy_attributes

if TYPE_CHECKING:
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

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "DenseSearcher": "search",
        "Pooling": "encoder",
        "SentenceEncoder": "encoder",
        "VectorKind": "vectors",
        "build_dense": "build",
        "remove_dense": "build",
    },
)
"""Imported when first used: vectors are taken from index to index without what makes them."""
