"""Dense vectors of passages: the sentence encoder, faiss files of its vectors, and their search."""

from typing import TYPE_CHECKING

from ...data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .base import VectorEncoder
    from .build import build_dense, remove_dense
    from .encoder import Pooling, SentenceEncoder
    from .head_encoder import HeadEncoder
    from .kinds import VectorKind
    from .search import DenseSearcher

__all__ = [
    "DenseSearcher",
    "HeadEncoder",
    "Pooling",
    "SentenceEncoder",
    "VectorEncoder",
    "VectorKind",
    "build_dense",
    "remove_dense",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "DenseSearcher": "search",
        "HeadEncoder": "head_encoder",
        "Pooling": "encoder",
        "SentenceEncoder": "encoder",
        "VectorEncoder": "base",
        "VectorKind": "kinds",
        "build_dense": "build",
        "remove_dense": "build",
    },
)
"""Names are imported at first use: vectors are copied and searched without loading transformers."""
