"""What a server says of a file, and why it says nothing."""

import re

from requests import Response
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from .partial import Version

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


def content_length(response: Response) -> int | None:
    """How many bytes the server announces, where it does."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else None


def content_range(response: Response) -> tuple[int | None, int | None]:
    """Where the answer starts and how many bytes the whole file has, as far as it is said."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    start, total = found.groups() if found else (None, None)
    return (
        int(start) if start is not None else None,
        int(total) if total is not None and total != "*" else None,
    )


def version_of(response: Response, url: str, total: int | None) -> Version:
    """What the server says of its file."""
    return Version(
        url=url,
        etag=response.headers.get("ETag"),
        last_modified=response.headers.get("Last-Modified"),
        size_bytes=total,
    )


def _cause(error: Exception) -> Exception:
    """The innermost error of those that requests and urllib3 wrapped."""
    inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
    return _cause(inner) if isinstance(inner, Exception) else error


def reason(error: Exception) -> str:
    """The cause in words."""
    cause = _cause(error)
    words = cause.args[0] if cause.args else None
    return words if isinstance(words, str) else str(cause)


def is_unreachable(error: Exception) -> bool:
    """Whether there was no connection at all: no network, no such host, no server on it."""
    return isinstance(_cause(error), NewConnectionError | ConnectTimeoutError)
