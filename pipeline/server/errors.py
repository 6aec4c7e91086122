"""What a client is told when it gets no answer: one JSON shape, whatever went wrong."""

from typing import Any

from ...data import PrereadError


class ServeError(PrereadError):
    """A request that is refused.

    Attributes:
        status: HTTP status code.
        kind: What went wrong, in a word that programs can compare (``type`` in the JSON).
        headers: Of the reply.
    """

    status = 500
    kind = "internal_error"

    def __init__(self, message: str, *, headers: dict[str, str] | None = None) -> None:
        """Say what is wrong."""
        super().__init__(message)
        self.headers = headers or {}

    def to_dict(self) -> dict[str, Any]:
        """The value of ``error``."""
        return {"type": self.kind, "message": str(self)}


class InvalidRequestError(ServeError):
    """A field of the request is not what it should be.

    Attributes:
        field: Its name, as ``passages[3].text``.
    """

    status = 400
    kind = "invalid_request"

    def __init__(self, field: str, problem: str) -> None:
        """Name the field."""
        super().__init__(f"{field}: {problem}.")
        self.field = field

    def to_dict(self) -> dict[str, Any]:
        """With the field."""
        return {**ServeError.to_dict(self), "field": self.field}


class UnauthorizedError(ServeError):
    """No key, or a wrong one."""

    status = 401
    kind = "unauthorized"

    def __init__(self) -> None:
        """Say how a key is sent."""
        super().__init__(
            "expected a key of this server. Send it as `Authorization: Bearer KEY` or "
            "`X-API-Key: KEY`.",
            headers={"WWW-Authenticate": "Bearer"},
        )


class NotFoundError(ServeError):
    """No such index, passage or address."""

    status = 404
    kind = "not_found"


class RequestTooSlowError(ServeError):
    """The body did not come in time."""

    status = 408
    kind = "request_timeout"


class TooLargeError(ServeError):
    """The body is larger than is taken."""

    status = 413
    kind = "request_too_large"


class ClientGoneError(ServeError):
    """Nobody waits for the answer; 499 is what nginx logs then."""

    status = 499
    kind = "client_gone"


class DamagedIndexError(ServeError):
    """A file of the index is not what was written; the server's log says which."""

    kind = "index_damaged"


class UnavailableError(ServeError):
    """Not now; after ``Retry-After`` seconds perhaps."""

    status = 503
    kind = "unavailable"

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        """Say why, and when to come back."""
        seconds = max(1, round(retry_after_s))
        super().__init__(message, headers={"Retry-After": str(seconds)})
        self.retry_after_s = seconds

    def to_dict(self) -> dict[str, Any]:
        """With the time to wait."""
        return {**ServeError.to_dict(self), "retry_after_s": self.retry_after_s}


class OverloadedError(UnavailableError):
    """More requests wait than are taken."""

    kind = "overloaded"


class ShuttingDownError(UnavailableError):
    """The server takes no more requests."""

    kind = "shutting_down"


class DeadlineError(ServeError):
    """The answer did not come in time."""

    status = 504
    kind = "deadline_exceeded"
