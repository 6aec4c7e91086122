"""Dense vectors of passages: the sentence encoder, faiss files of its vectors, and their search."""

from typing import TYPE_CHECKING

from ...data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .build import build_dense, remove_dense
    from .encoder import Pooling, SentenceEncoder
    from .kinds import VectorKind
    from .search import DenseSearcher

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
        "VectorKind": "kinds",
        "build_dense": "build",
        "remove_dense": "build",
    },
)
"""Names are imported at first use: vectors are copied and searched without loading transformers."""
