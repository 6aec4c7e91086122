"""OpenSearch (``preread[opensearch]``)."""

from typing import Any

from ...indexer import PassageIndex
from .external import TIMEOUT_S, import_client
from .search_engine import SearchEngineRetriever, split_url


class OpenSearchRetriever(SearchEngineRetriever):
    """Asks OpenSearch through opensearch-py."""

    @classmethod
    def from_url(cls, index: PassageIndex, url: str) -> "OpenSearchRetriever":
        """Connect to what a URL names.

        Args:
            index: Holds passages under the engine's identifiers.
            url: ``opensearch://…``; see `split_url`.

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
