"""The parameters of BM25 for one request."""

from dataclasses import replace

from ...data import PrereadError
from ...indexer import Bm25Parameters, Bm25Searcher
from .base import Retriever, describe
from .hybrid import HybridRetriever
from .rerank import RerankRetriever


def with_bm25_parameters(retriever: Retriever, parameters: Bm25Parameters | None) -> Retriever:
    """A retriever whose BM25 has other parameters.

    Args:
        retriever: BM25, or a combination of retrievers of which one is BM25.
        parameters: Parameters of the formula; None leaves the retriever as it is.

    Raises:
        PrereadError: If the retriever has no BM25 of its own.
    """
    if parameters is None:
        return retriever
    if isinstance(retriever, Bm25Searcher):
        return retriever.with_parameters(parameters)
    if isinstance(retriever, RerankRetriever):
        return replace(retriever, bm25=retriever.bm25.with_parameters(parameters))
    if isinstance(retriever, HybridRetriever):
        if any(isinstance(one, Bm25Searcher) for one in retriever.retrievers):
            return retriever.with_bm25_parameters(parameters)
    raise PrereadError(
        f"k1 and b: expected a retriever that uses BM25, found {describe(retriever)}. Leave them "
        "out."
    )
