"""Retrievers: BM25, dense vectors, both combined, or a search engine."""

from typing import TYPE_CHECKING

from ...data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .base import BatchRetriever as BatchRetriever
    from .base import Retriever as Retriever
    from .base import search_many as search_many
    from .fusion import convex_fusion as convex_fusion
    from .hybrid import HybridRetriever as HybridRetriever
    from .names import RetrieverName as RetrieverName
    from .rerank import RerankRetriever as RerankRetriever
    from .selection import open_retriever as open_retriever

__getattr__, __dir__, __all__ = lazy_attributes(
    __name__,
    {
        "base": ("BatchRetriever", "Retriever", "search_many"),
        "fusion": ("convex_fusion",),
        "hybrid": ("HybridRetriever",),
        "names": ("RetrieverName",),
        "rerank": ("RerankRetriever",),
        "selection": ("open_retriever",),
    },
)
"""Names are imported at first use: the default of an index is known without loading PyTorch."""
