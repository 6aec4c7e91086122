"""Requests to a search engine, as data and as text for its console."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from ....data import PrereadError

KEY_PLACEHOLDER = "THE-KEY"
"""Placeholder for the API key of the preread server: keys do not belong on a command line."""


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """A request to a search engine."""

    name: str
    method: str
    path: str
    body: dict[str, Any]
    about: str
    """What the request does, and which placeholders to replace."""

    def to_dict(self) -> dict[str, Any]:
        """Convert to a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Address at which a search engine reaches the preread server."""

    url: str
    """URL of the server, as the machines of the engine see it."""
    index: str
    """Name of an index on the server."""
    needs_key: bool = False
    """Whether the server requires an API key."""

    def __post_init__(self) -> None:
        """Check the URL.

        Raises:
            PrereadError: If it is not an HTTP or HTTPS URL.
        """
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PrereadError(
                f"--url: expected http://HOST:PORT or https://HOST, found {self.url!r}."
            )

    def endpoint(self, path: str) -> str:
        """URL of an address of the index.

        Args:
            path: Path after the name of the index.
        """
        return f"{self.url.rstrip('/')}/v1/{self.index}/{path}"


def console_text(steps: Iterable[SetupRequest]) -> str:
    """Requests as text for the consoles of OpenSearch Dashboards and Kibana.

    Args:
        steps: The requests.
    """
    return "\n\n".join(
        f"# {step.name}: {step.about}\n{step.method} {step.path}\n"
        + json.dumps(step.body, indent=2, ensure_ascii=False)
        for step in steps
    )
