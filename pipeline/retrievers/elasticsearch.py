"""The retriever of Elasticsearch (``preread[elasticsearch]``)."""

from typing import Any

from ...indexer import PassageIndex
from .external import TIMEOUT_S, import_client
from .search_engine import SearchEngineRetriever, split_url


class ElasticsearchRetriever(SearchEngineRetriever):
    """Finds passages with Elasticsearch, through its own client."""

    @classmethod
    def from_url(cls, index: PassageIndex, url: str) -> "ElasticsearchRetriever":
        """Connect to the index of a URL.

        Args:
            index: An index whose passages have the identifiers of the engine.
            url: ``elasticsearch://user:password@host:port/index?id=…&text=…&ca_certs=…``; with
                ``elasticsearch+https://`` over TLS.

        Raises:
            PrereadError: If the URL is wrong, or the client is not installed.
        """
        connection, arguments = split_url(url)
        settings: dict[str, Any] = {"request_timeout": TIMEOUT_S}
        if connection["ca_certs"]:
            settings["ca_certs"] = connection["ca_certs"]
        client = import_client("elasticsearch", "elasticsearch").Elasticsearch(
            connection["url"], basic_auth=connection["user"], **settings
        )
        return cls(index, client, **arguments)

    def _ask(self, query: dict[str, Any], size: int, source: list[str] | bool) -> Any:
        return self._client.search(
            index=self._name, query=query, size=size, source=source, timeout=f"{TIMEOUT_S}s"
        )

    def _errors(self) -> tuple[type[Exception], ...]:
        package = import_client("elasticsearch", "elasticsearch")
        return package.ApiError, package.TransportError
