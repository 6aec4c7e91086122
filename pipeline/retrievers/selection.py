"""Opening a retriever by its name."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...data import PrereadError
from ...data.io.json_records import shorten
from ...data.io.redaction import redacted
from ...indexer import IndexMismatchError, PassageIndex
from .base import Retriever
from .elasticsearch import ElasticsearchRetriever
from .hybrid import HybridRetriever
from .names import RetrieverName, default_retriever
from .opensearch import OpenSearchRetriever
from .postgres import PostgresRetriever

if TYPE_CHECKING:
    from ...reader import Reader

_LOG = logging.getLogger(__name__)
_BY_VECTORS = (RetrieverName.DENSE, RetrieverName.HYBRID, RetrieverName.BM25_RERANK)
_ENGINES: dict[str, Callable[[PassageIndex, str], Retriever]] = {
    "postgresql": PostgresRetriever.from_url,
    "postgres": PostgresRetriever.from_url,
    "opensearch": OpenSearchRetriever.from_url,
    "opensearch+https": OpenSearchRetriever.from_url,
    "elasticsearch": ElasticsearchRetriever.from_url,
    "elasticsearch+https": ElasticsearchRetriever.from_url,
}
"""Search engines by the scheme of their URLs. Their clients are extras, imported when needed."""


def open_retriever(
    index: PassageIndex,
    name: str = RetrieverName.AUTO,
    *,
    reader: "Reader | None" = None,
    device: str = "cpu",
    allow_hub: bool | None = None,
) -> Retriever:
    """Open a retriever of an index.

    Args:
        index: An open index.
        name: A `RetrieverName`, or the URL of a search engine (``docs/guide/retrieval.md``).
        reader: The reader of the index, whose retrieval head may encode questions; by default it is
            loaded if it is needed.
        device: Device of the encoder of questions, for dense vectors, if it is loaded here.
        allow_hub: Whether an encoder that is in no folder here may be fetched from the Hugging Face
            hub; by default what ``$PREREAD_ALLOW_HUB`` says.

    Raises:
        PrereadError: If no retriever has the name, or it cannot be opened.
    """
    if name == RetrieverName.AUTO:
        chosen = default_retriever(index.manifest.dense)
        try:
            return open_retriever(index, chosen, reader=reader, device=device, allow_hub=allow_hub)
        except IndexMismatchError as error:
            _LOG.warning("%s Until then, BM25 finds passages.", error)
            return index.bm25
    if name == RetrieverName.BM25:
        return index.bm25
    if name in _BY_VECTORS:
        return _by_vectors(index, name, reader, device, allow_hub)
    scheme, is_url, _ = name.partition("://") if isinstance(name, str) else ("", "", "")
    if is_url and scheme in _ENGINES:
        return _ENGINES[scheme](index, name)
    schemes = ", ".join(f"{scheme}://…" for scheme in _ENGINES)
    found = repr(redacted(name)) if isinstance(name, str) else shorten(name)
    raise PrereadError(
        f"retriever: expected one of {', '.join(RetrieverName)}, {schemes}; found {found}. Name "
        "one of these."
    )


def _by_vectors(
    index: PassageIndex, name: str, reader: "Reader | None", device: str, allow_hub: bool | None
) -> Retriever:
    """A retriever that uses the vectors of the index."""
    from ...indexer.dense import DenseSearcher  # imports PyTorch and faiss
    from .rerank import RerankRetriever

    dense = DenseSearcher(index, reader=reader, device=device, allow_hub=allow_hub)
    if name == RetrieverName.DENSE:
        return dense
    if name == RetrieverName.HYBRID:
        return HybridRetriever(index.bm25, dense)
    return RerankRetriever(index.bm25, dense)
