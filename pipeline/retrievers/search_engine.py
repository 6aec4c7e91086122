"""What the retrievers of OpenSearch and Elasticsearch share: the query and the reply."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from typing_extensions import override

from ...data import PrereadError
from ...indexer import PassageIndex
from .external import TIMEOUT_S, EngineError, ExternalRetriever, engine_error, take_options

_DEFAULTS = {"id": "_id", "text": "text,title", "ca_certs": ""}


class SearchEngineRetriever(ExternalRetriever):
    """Finds passages with an engine that has Elasticsearch's query language."""

    def __init__(
        self,
        index: PassageIndex,
        client: Any,
        name: str,
        *,
        id: str = "_id",
        text: Sequence[str] = ("text", "title"),
    ) -> None:
        """Take a client.

        Args:
            index: An index whose passages have the identifiers of the engine.
            client: The client of the engine.
            name: Name of the engine's index, or an alias.
            id: ``_id``, or the field that holds identifiers; ``a.b`` is field ``b`` inside ``a``.
            text: Fields to search; ``title^2`` counts double.
        """
        super().__init__(index, f"{type(self).__name__} ({name}, {', '.join(text)})")
        self._client = client
        self._name = name
        self._id = id
        self._text = list(text)

    @override
    def find(self, query: str, k: int) -> Sequence[tuple[str, float]]:
        wanted = {"multi_match": {"query": query, "fields": self._text}}
        source = [self._id] if self._id != "_id" else False
        try:
            reply = self._ask(wanted, k, source)
        except self._errors() as error:
            raise engine_error(self.description, error) from error
        if reply["timed_out"]:  # the hits are those of some shards only
            raise EngineError(
                f"{self.description}: expected all hits within {TIMEOUT_S} seconds, found only "
                "some. Ask again, or give the engine more time and memory."
            )
        return [(self._identifier(hit), float(hit["_score"])) for hit in reply["hits"]["hits"]]

    @abstractmethod
    def _ask(self, query: dict[str, Any], size: int, source: list[str] | bool) -> Any:
        """Send a query to the engine and return its reply."""

    @abstractmethod
    def _errors(self) -> tuple[type[Exception], ...]:
        """The exceptions of the client."""

    def _identifier(self, hit: Mapping[str, Any]) -> str:
        if self._id == "_id":
            return str(hit["_id"])
        found: Any = hit.get("_source", {})
        for name in self._id.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
        if found is None:
            raise EngineError(
                f"{self.description}: expected a field {self._id!r} with the passage's identifier, "
                f"found none in document {hit['_id']!r}. Name the field by id=…, or leave id out "
                "to use _id."
            )
        return str(found)


def split_url(url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parse the URL of an engine.

    Args:
        url: ``engine://user:password@host:port/index?id=…&text=…&ca_certs=…``; with
            ``engine+https://`` over TLS.

    Returns:
        ``url``, ``user`` (user and password, or None) and ``ca_certs`` of the connection; and the
        arguments ``name``, ``id`` and ``text`` of a retriever.

    Raises:
        PrereadError: If the URL names no index, or an option is unknown.
    """
    rest, options = take_options(url, _DEFAULTS)
    parts = urlsplit(rest)
    name = unquote(parts.path.strip("/"))
    if not parts.hostname or not name or "/" in name or parts.query:
        raise PrereadError(
            f"retriever: expected {parts.scheme}://host:port/index, and no options but "
            f"{', '.join(_DEFAULTS)}; found host {parts.hostname!r}, index {name!r}, other options "
            f"{parts.query!r}."
        )
    scheme = "https" if parts.scheme.endswith("+https") else "http"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    connection = {
        "url": f"{scheme}://{host}:{parts.port or 9200}",
        "user": user,
        "ca_certs": options["ca_certs"],
    }
    fields = [field.strip() for field in options["text"].split(",") if field.strip()]
    return connection, {"name": name, "id": options["id"], "text": fields}
