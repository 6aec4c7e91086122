"""Reading the headers of a response, and the causes of connection errors."""

import re

from requests import Response
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from ..io.redaction import redacted
from .partial import Version

_NUMBER = "[0-9]{1,24}"
"""Python refuses to read numbers of more than 4,300 digits, which a server may send."""
_CONTENT_LENGTH = re.compile(_NUMBER)
_CONTENT_RANGE = re.compile(rf"bytes (?:({_NUMBER})-{_NUMBER}|\*)/({_NUMBER}|\*)")


def content_length(response: Response) -> int | None:
    """Bytes that the server announces; None where it does not.

    Args:
        response: Its answer.
    """
    text = response.headers.get("Content-Length", "")
    return int(text) if _CONTENT_LENGTH.fullmatch(text) else None


def content_range(response: Response) -> tuple[int | None, int | None]:
    """The first byte of a partial response, and the size of the whole file; None where not given.

    Args:
        response: The server's answer.
    """
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    start, total = found.groups() if found else (None, None)
    return (
        int(start) if start is not None else None,
        int(total) if total is not None and total != "*" else None,
    )


def version_of(response: Response, url: str, total: int | None) -> Version:
    """The server's description of its file.

    Args:
        response: Its answer.
        url: The file's address, without credentials.
        total: How many bytes it has, where that is known.
    """
    return Version(
        url=url,
        etag=response.headers.get("ETag"),
        last_modified=response.headers.get("Last-Modified"),
        size_bytes=total,
    )


def _cause(error: Exception) -> Exception:
    """The innermost of the errors that requests and urllib3 wrap in each other."""
    inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
    return _cause(inner) if isinstance(inner, Exception) else error


def reason(error: Exception) -> str:
    """The cause of an error in words.

    Args:
        error: Of requests or urllib3.
    """
    cause = _cause(error)
    words = cause.args[0] if cause.args else None
    return redacted(words if isinstance(words, str) else str(cause))


def is_unreachable(error: Exception) -> bool:
    """Whether there was no connection at all: no network, no such host, no server on it.

    Args:
        error: Of requests or urllib3.
    """
    return isinstance(_cause(error), NewConnectionError | ConnectTimeoutError)
