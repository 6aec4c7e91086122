"""Refusals: what a client receives instead of an answer, always in the same JSON shape."""

import json
from typing import Any

from ...data import PrereadError


class ServeError(PrereadError):
    """A request that is refused.

    Attributes:
        status: HTTP status code.
        kind: A word that programs can compare; it is ``type`` in the JSON.
        headers: Headers of the reply.
    """

    status = 500
    kind = "internal_error"

    def __init__(self, message: str, *, headers: dict[str, str] | None = None) -> None:
        """Describe the problem.

        Args:
            message: What was expected, what was found and what to do.
            headers: Headers of the reply.
        """
        super().__init__(message)
        self.headers = headers or {}

    def to_dict(self) -> dict[str, Any]:
        """The value of ``error`` in the JSON."""
        return {"type": self.kind, "message": str(self)}


class InvalidRequestError(ServeError):
    """A field of the request has a wrong value."""

    status = 400
    kind = "invalid_request"

    def __init__(self, field: str, problem: str) -> None:
        """Name the field and the problem.

        Args:
            field: Name of the field, for example ``passages[3].text``.
            problem: What was expected and what was found, without a full stop.
        """
        super().__init__(f"{field}: {problem}.")
        self.field = field

    def to_dict(self) -> dict[str, Any]:
        """The value of ``error`` in the JSON, with the name of the field."""
        return {**ServeError.to_dict(self), "field": self.field}


class UnauthorizedError(ServeError):
    """The request has no key, or a wrong one."""

    status = 401
    kind = "unauthorized"

    def __init__(self) -> None:
        """Explain how to send a key."""
        super().__init__(
            "expected a key of this server. Send it as `Authorization: Bearer KEY` or "
            "`X-API-Key: KEY`.",
            headers={"WWW-Authenticate": "Bearer"},
        )


class ForbiddenError(ServeError):
    """The request comes from a page of another site, or names a host that is not this server."""

    status = 403
    kind = "forbidden"


class NotFoundError(ServeError):
    """There is no such index, passage or address."""

    status = 404
    kind = "not_found"


class RequestTooSlowError(ServeError):
    """The body did not arrive in time."""

    status = 408
    kind = "request_timeout"


class TooLargeError(ServeError):
    """The request has more bytes or more text than the server accepts."""

    status = 413
    kind = "request_too_large"


class ClientGoneError(ServeError):
    """The client closed the connection before the reply; nginx logs this as 499."""

    status = 499
    kind = "client_gone"


class DamagedIndexError(ServeError):
    """A file of the index has wrong bytes; the server's log names the file."""

    kind = "index_damaged"


class UnavailableError(ServeError):
    """The server cannot answer now; the header ``Retry-After`` says when to try again."""

    status = 503
    kind = "unavailable"

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        """Describe the problem.

        Args:
            message: Why the server cannot answer now.
            retry_after_s: Seconds until the client should try again; rounded, at least 1.
        """
        seconds = max(1, round(retry_after_s))
        super().__init__(message, headers={"Retry-After": str(seconds)})
        self.retry_after_s = seconds

    def to_dict(self) -> dict[str, Any]:
        """The value of ``error`` in the JSON, with the seconds to wait."""
        return {**ServeError.to_dict(self), "retry_after_s": self.retry_after_s}


class OverloadedError(UnavailableError):
    """Too many requests are waiting already."""

    kind = "overloaded"


class ShuttingDownError(UnavailableError):
    """The server is stopping and accepts no more requests."""

    kind = "shutting_down"


class DeadlineError(ServeError):
    """The answer was not ready in time."""

    status = 504
    kind = "deadline_exceeded"


def error_body(error: ServeError, request_id: str, **more: Any) -> bytes:
    """The body of a refusal, as JSON.

    Args:
        error: The refusal.
        request_id: Identifier of the request.
        more: More fields of ``error``.
    """
    content = {"error": {**error.to_dict(), **more}, "request_id": request_id}
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
