"""Dense vectors of passages: the sentence encoder, faiss files of its vectors, and their search."""

from typing import TYPE_CHECKING

from ...data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .base import VectorEncoder as VectorEncoder
    from .build import build_dense as build_dense
    from .build import remove_dense as remove_dense
    from .encoder import Pooling as Pooling
    from .encoder import SentenceEncoder as SentenceEncoder
    from .head_encoder import HeadEncoder as HeadEncoder
    from .kinds import VectorKind as VectorKind
    from .search import DenseSearcher as DenseSearcher

__getattr__, __dir__, __all__ = lazy_attributes(
    __name__,
    {
        "base": ("VectorEncoder",),
        "build": ("build_dense", "remove_dense"),
        "encoder": ("Pooling", "SentenceEncoder"),
        "head_encoder": ("HeadEncoder",),
        "kinds": ("VectorKind",),
        "search": ("DenseSearcher",),
    },
)
"""Names are imported at first use: vectors are copied and searched without loading transformers."""
