"""What the retrievers of search engines share: they find passages by their identifiers."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from ...data import PrereadError
from ...data.io.redaction import redacted
from ...data.io.system_errors import first_line
from ...indexer import Hit, PassageIndex

_LOG = logging.getLogger(__name__)
_NAMED = 3
"""Number of identifiers that a warning names."""
TIMEOUT_S = 10
"""Seconds that an engine may take to answer."""


class EngineError(PrereadError):
    """A search engine cannot be reached, or its reply cannot be used."""


class ExternalRetriever(ABC):
    """Asks a search engine, and looks up its hits in an index.

    The engine gives identifiers and scores; states and texts come from the index. A hit that the
    index does not hold is left out with a warning.
    """

    def __init__(self, index: PassageIndex, description: str) -> None:
        """Take an index.

        Args:
            index: An index whose passages have the identifiers of the engine.
            description: Name of the engine in messages, without secrets.
        """
        self._index = index
        self.description = description

    @abstractmethod
    def find(self, query: str, k: int) -> Sequence[tuple[str, float]]:
        """Ask the engine for identifiers and scores of passages, best first.

        Args:
            query: Plain words.
            k: Maximum number of passages.

        Raises:
            EngineError: If the engine cannot be asked, or gives a passage no identifier.
        """

    def search(self, query: str, k: int) -> list[Hit]:
        """Find passages, best first, with the scores of the engine.

        Args:
            query: Plain words.
            k: Maximum number of passages.

        Raises:
            EngineError: If the engine cannot be asked.
        """
        hits: dict[int, Hit] = {}
        unknown: list[str] = []
        for passage_id, score in self.find(query, k):
            ordinals = self._index.find(passage_id)
            if not ordinals:
                unknown.append(passage_id)
            for ordinal in ordinals[:1]:
                hits.setdefault(ordinal, Hit(ordinal, score))
        if unknown:
            _LOG.warning(
                "%s found %d passages; %d of them, such as %s, are left out because %s does not "
                "hold them. Add them to the index, or check which field holds the identifiers.",
                self.description,
                len(hits) + len(unknown),
                len(unknown),
                ", ".join(map(repr, unknown[:_NAMED])),
                self._index.path,
            )
        return list(hits.values())


def take_options(url: str, defaults: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Separate preread's own options from the query of a URL.

    Args:
        url: ``scheme://…?name=value&…``
        defaults: The names of preread's options, and their default values.

    Returns:
        The URL without these options, and the value of each.
    """
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    # Spaces as %20: libpq takes a plus sign for itself.
    others = urlencode([pair for pair in given if pair[0] not in defaults], quote_via=quote)
    options = {**defaults, **{name: value for name, value in given if name in defaults}}
    return urlunsplit(parts._replace(query=others)), options


def import_client(module: str, extra: str) -> Any:
    """Import the client of an engine, which is an extra of preread.

    Args:
        module: Module of the client.
        extra: Name of the extra that installs it.

    Raises:
        PrereadError: If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise PrereadError(
            f"retriever: expected the package {module}, found none ({error}). Install it with "
            f"`pip install 'preread[{extra}]'`."
        ) from error


def engine_error(description: str, error: Exception) -> EngineError:
    """The error of an engine as one of preread's.

    Args:
        description: Name of the engine.
        error: The error of its client.
    """
    reason = redacted(first_line(error))
    return EngineError(
        f"{description}: could not be asked: {reason}. Check the URL, whether the engine runs, and "
        "whether the index or table exists."
    )
