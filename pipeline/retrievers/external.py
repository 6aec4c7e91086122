"""What engines outside of preread have in common: they find passages by their identifiers."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from ...data import PrereadError
from ...indexer import Hit, PassageIndex

_LOG = logging.getLogger(__name__)
_NAMED = 3
"""Identifiers that a warning names."""
TIMEOUT_S = 10
"""How long an engine may take to answer."""


class EngineError(PrereadError):
    """An engine does not do what is asked of it."""


class ExternalRetriever(ABC):
    """Asks an engine, and looks up in an index what it finds.

    The passages' states are those of the index; of the engine only identifiers and scores are
    taken. What it finds and the index does not hold is left out, and a warning says so.
    """

    def __init__(self, index: PassageIndex, description: str) -> None:
        """Remember the index.

        Args:
            index: Holds passages under the engine's identifiers.
            description: Names the engine in messages; without secrets.
        """
        self._index = index
        self.description = description

    @abstractmethod
    def find(self, query: str, k: int) -> Sequence[tuple[str, float]]:
        """Identifiers and scores of at most ``k`` passages, best first.

        Raises:
            EngineError: If the engine cannot be asked.
        """

    def search(self, query: str, k: int) -> list[Hit]:
        """Find passages.

        Args:
            query: Plain words.
            k: How many passages at most.

        Returns:
            Hits, best first, with the engine's scores.

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
                "%s found %d passages, %d of which %s does not hold, such as %s; they are left "
                "out. Add them to the index, or check which field holds the identifiers.",
                self.description,
                len(hits) + len(unknown),
                len(unknown),
                self._index.path,
                ", ".join(map(repr, unknown[:_NAMED])),
            )
        return list(hits.values())


def take_options(url: str, defaults: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Take options that are ours out of a URL's query.

    Args:
        url: ``scheme://…?name=value&…``
        defaults: Names and what they are when the URL does not say.

    Returns:
        The URL without them, and their values.
    """
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    # Spaces as %20: libpq takes a plus sign for itself.
    others = urlencode([pair for pair in given if pair[0] not in defaults], quote_via=quote)
    options = {**defaults, **{name: value for name, value in given if name in defaults}}
    return urlunsplit(parts._replace(query=others)), options


def import_client(module: str, extra: str) -> Any:
    """An engine's client, which is an extra.

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
    """An engine's error as ours."""
    reason = (str(error).strip() or repr(error)).splitlines()[0]
    return EngineError(
        f"{description}: could not be asked: {reason}. Check the URL, that the engine runs, and "
        "that what is searched there exists."
    )
