"""The retriever of OpenSearch (``preread[opensearch]``)."""

from typing import Any

from ...indexer import PassageIndex
from .external import TIMEOUT_S, import_client
from .search_engine import SearchEngineRetriever, split_url


class OpenSearchRetriever(SearchEngineRetriever):
    """Finds passages with OpenSearch, through opensearch-py."""

    @classmethod
    def from_url(cls, index: PassageIndex, url: str) -> "OpenSearchRetriever":
        """Connect to the index of a URL.

        Args:
            index: An index whose passages have the identifiers of the engine.
            url: ``opensearch://user:password@host:port/index?id=…&text=…&ca_certs=…``; with
                ``opensearch+https://`` over TLS.

        Raises:
            PrereadError: If the URL is wrong, or opensearch-py is not installed.
        """
        connection, arguments = split_url(url)
        client = import_client("opensearchpy", "opensearch").OpenSearch(
            hosts=[connection["url"]],
            http_auth=connection["user"],
            ca_certs=connection["ca_certs"] or None,
            timeout=TIMEOUT_S,
        )
        return cls(index, client, **arguments)

    def _ask(self, query: dict[str, Any], size: int, source: list[str] | bool) -> Any:
        body = {"query": query, "size": size, "_source": source, "timeout": f"{TIMEOUT_S}s"}
        return self._client.search(index=self._name, body=body)

    def _errors(self) -> tuple[type[Exception], ...]:
        return (import_client("opensearchpy", "opensearch").OpenSearchException,)
