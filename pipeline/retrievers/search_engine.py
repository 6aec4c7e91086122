"""What OpenSearch and Elasticsearch have in common: the query, and the shape of the reply."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from ...data import PrereadError
from ...indexer import PassageIndex
from .external import TIMEOUT_S, EngineError, ExternalRetriever, engine_error, take_options

_DEFAULTS = {"id": "_id", "text": "text,title", "ca_certs": ""}


class SearchEngineRetriever(ExternalRetriever):
    """Asks an engine with Elasticsearch's query language."""

    def __init__(
        self,
        index: PassageIndex,
        client: Any,
        name: str,
        *,
        id: str = "_id",
        text: Sequence[str] = ("text", "title"),
    ) -> None:
        """Use a client.

        Args:
            index: Holds passages under the engine's identifiers.
            client: The engine's own client.
            name: Index or alias of the engine.
            id: ``_id``, or the field of the passages' identifiers; ``a.b`` if it is inside another.
            text: Fields that are searched; ``title^2`` counts double.
        """
        super().__init__(index, f"{type(self).__name__} ({name}, {', '.join(text)})")
        self._client = client
        self._name = name
        self._id = id
        self._text = list(text)

    def find(self, query: str, k: int) -> Sequence[tuple[str, float]]:
        """Identifiers and scores; see the base class."""
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
        """The reply to a search."""

    @abstractmethod
    def _errors(self) -> tuple[type[Exception], ...]:
        """What the client raises when the engine cannot be asked."""

    def _identifier(self, hit: Mapping[str, Any]) -> str:
        """A hit's identifier.

        Raises:
            EngineError: If it has none.
        """
        if self._id == "_id":
            return str(hit["_id"])
        found: Any = hit.get("_source", {})
        for name in self._id.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
        if found is None:
            raise EngineError(
                f"{self.description}: expected a field {self._id!r} with the passage's identifier, "
                f"found none in document {hit['_id']!r}. Name the field by id=…, or leave it out "
                "to take _id."
            )
        return str(found)


def split_url(url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An engine's URL, taken apart.

    Args:
        url: ``engine://user:password@host:port/index?id=…&text=…&ca_certs=…``; ``engine+https://``
            speaks TLS.

    Returns:
        ``url``, ``user`` (user and password, or None) and ``ca_certs`` of the connection, and the
        arguments ``name``, ``id`` and ``text`` of a retriever.

    Raises:
        PrereadError: If no index is named, or an option is unknown.
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
