"""Opening a retriever by its name."""

from collections.abc import Callable
from enum import StrEnum

from ...data import PrereadError
from ...data.io.redaction import redacted
from ...indexer import PassageIndex
from .base import Retriever
from .hybrid import HybridRetriever


class RetrieverName(StrEnum):
    """The retrievers that an index has itself."""

    BM25 = "bm25"
    """Finds words."""
    DENSE = "dense"
    """Finds meaning, with the vectors of ``preread dense``."""
    HYBRID = "hybrid"
    """Merges both by reciprocal rank fusion."""


def _postgres(index: PassageIndex, url: str) -> Retriever:
    from .postgres import PostgresRetriever

    return PostgresRetriever.from_url(index, url)


def _opensearch(index: PassageIndex, url: str) -> Retriever:
    from .opensearch import OpenSearchRetriever

    return OpenSearchRetriever.from_url(index, url)


def _elasticsearch(index: PassageIndex, url: str) -> Retriever:
    from .elasticsearch import ElasticsearchRetriever

    return ElasticsearchRetriever.from_url(index, url)


_ENGINES: dict[str, Callable[[PassageIndex, str], Retriever]] = {
    "postgresql": _postgres,
    "postgres": _postgres,
    "opensearch": _opensearch,
    "opensearch+https": _opensearch,
    "elasticsearch": _elasticsearch,
    "elasticsearch+https": _elasticsearch,
}
"""Search engines by the scheme of their URLs. Their clients are extras, imported when needed."""


def open_retriever(
    index: PassageIndex,
    name: str = RetrieverName.BM25,
    *,
    device: str = "cpu",
    allow_hub: bool | None = None,
) -> Retriever:
    """Open a retriever of an index.

    Args:
        index: An open index.
        name: A `RetrieverName`, or the URL of a search engine (``docs/guide/retrieval.md``).
        device: Device of the encoder of questions, for dense vectors.
        allow_hub: Whether an encoder that is in no folder here may be fetched from the Hugging Face
            hub; by default what ``$PREREAD_ALLOW_HUB`` says.

    Raises:
        PrereadError: If no retriever has the name, or it cannot be opened.
    """
    if name == RetrieverName.BM25:
        return index.bm25
    if name in (RetrieverName.DENSE, RetrieverName.HYBRID):
        from ...indexer.dense import DenseSearcher  # an encoder takes transformers

        dense = DenseSearcher(index, device=device, allow_hub=allow_hub)
        return dense if name == RetrieverName.DENSE else HybridRetriever(index.bm25, dense)
    scheme, is_url, _ = name.partition("://")
    if is_url and scheme in _ENGINES:
        return _ENGINES[scheme](index, name)
    schemes = ", ".join(f"{scheme}://…" for scheme in _ENGINES)
    raise PrereadError(
        f"retriever: expected one of {', '.join(RetrieverName)}, {schemes}; found "
        f"{without_password(name)!r}. Name one of these."
    )


def without_password(name: str) -> str:
    """The name of a retriever without a password, to be shown or stored.

    Args:
        name: A `RetrieverName`, or the URL of a search engine.
    """
    return redacted(name)
