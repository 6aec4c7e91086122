"""Requests to an engine, as data and as text for its console."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from ....data import PrereadError

KEY_PLACEHOLDER = "THE-KEY"
"""Stands where the server's API key goes: keys do not belong on a command line."""


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """A request to the engine."""

    name: str
    method: str
    path: str
    body: dict[str, Any]
    about: str
    """What it does, and which of its words are to be replaced."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the engine reaches our server."""

    url: str
    """As the engine's own machines see it."""
    index: str
    """Name of an index that is served."""
    needs_key: bool = False

    def __post_init__(self) -> None:
        """Check.

        Raises:
            PrereadError: If it is no address.
        """
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PrereadError(
                f"--url: expected http://HOST:PORT or https://HOST, found {self.url!r}."
            )

    def endpoint(self, path: str) -> str:
        """A whole address below that of the index."""
        return f"{self.url.rstrip('/')}/v1/{self.index}/{path}"


def console_text(steps: Iterable[SetupRequest]) -> str:
    """Steps as the consoles of OpenSearch Dashboards and Kibana take them."""
    return "\n\n".join(
        f"# {step.name}: {step.about}\n{step.method} {step.path}\n"
        + json.dumps(step.body, indent=2, ensure_ascii=False)
        for step in steps
    )
