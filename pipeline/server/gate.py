"""What every request passes, in and out.

RequestLog   gives the request its identifier, counts it, logs it, and replies to what went wrong
Gate         refuses before the body is read: no key, no room, shutting down, too large
"""

import asyncio
import json
import logging
import re
import time
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import (
    OverloadedError,
    RequestTooSlowError,
    ServeError,
    ShuttingDownError,
    TooLargeError,
    UnauthorizedError,
)
from .logs import FACTS, log
from .service import Service
from .site import SITE_FILES

_LOG = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_OPEN_ROUTES = ("/health", "/ready", "/openapi.json", *SITE_FILES)
"""Need no key: they say nothing of what is served."""
_UNCOUNTED_ROUTES = ("/health", "/ready", "/metrics")
"""Are replied to however busy the server is, so that it can be watched."""


class RequestLog:
    """Identifier, counts, log line, and the reply to errors that nobody else caught."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        """Wrap an application."""
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        state = scope.setdefault("state", {})
        state["started"] = started
        state["request_id"] = _request_id(Headers(scope=scope).get("x-request-id"))
        state["facts"] = {}
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = state["request_id"]
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except ServeError as error:
            await send_error(error, state["request_id"], send_marked)
        except Exception:
            _LOG.exception("failed", extra={FACTS: {"request_id": state["request_id"]}})
            if not status:
                mistake = ServeError("the server made a mistake. Its log has the request's id.")
                await send_error(mistake, state["request_id"], send_marked)
        finally:
            self._write(scope, status, time.monotonic() - started)

    def _write(self, scope: Scope, status: int, seconds: float) -> None:
        """Count the request and log it. Its address is not logged: a query may be in it."""
        route = getattr(scope.get("route"), "path", "none")
        index = scope.get("path_params", {}).get("index", "")
        index = index if index in self._service.indexes else ""
        self._service.metrics.replied(route, index, status, seconds)
        state = scope["state"]
        log(
            _LOG,
            logging.INFO,
            "request",
            request_id=state["request_id"],
            method=scope["method"],
            route=route,
            index=index,
            status=status,
            ms=round(1000 * seconds, 1),
            **state["facts"],
        )


class Gate:
    """Lets in what the server has the right and the room to answer."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        """Wrap an application."""
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["path"] not in _OPEN_ROUTES and not self._service.keys.admit(headers):
            raise UnauthorizedError
        if scope["path"] in _UNCOUNTED_ROUTES:
            await self._app(scope, receive, send)
            return
        self._check_room()
        limits = self._service.config.limits
        _check_size(headers.get("content-length"), limits.max_request_bytes)
        deadline = scope["state"]["started"] + limits.timeout_s
        body = _Body(receive, limits.max_request_bytes, deadline)
        traffic = self._service.traffic
        traffic.n_in_flight += 1
        self._service.metrics.in_flight(traffic.n_in_flight)
        try:
            await self._app(scope, body.receive, send)
        finally:
            traffic.n_in_flight -= 1
            self._service.metrics.in_flight(traffic.n_in_flight)

    def _check_room(self) -> None:
        traffic = self._service.traffic
        if traffic.is_draining:
            raise ShuttingDownError("the server is shutting down. Ask another, or later.")
        if traffic.n_in_flight >= self._service.config.max_in_flight:
            raise OverloadedError(
                f"{traffic.n_in_flight} requests are in flight, and no more may be. Try again "
                "later."
            )


class _Body:
    """A request's body, no larger and no slower than is allowed."""

    def __init__(self, receive: Receive, max_bytes: int, deadline: float) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._deadline = deadline
        self._n_bytes = 0
        self._is_whole = False

    async def receive(self) -> Message:
        """The next part. Errors are HTTP exceptions: FastAPI would reply 400 to any other."""
        if self._is_whole:
            return await self._receive()
        try:
            left = self._deadline - time.monotonic()
            message = await asyncio.wait_for(self._receive(), max(0.0, left))
        except TimeoutError:
            slow = RequestTooSlowError("the request's body did not come in time. Send it again.")
            raise _as_http(slow) from None
        self._n_bytes += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._n_bytes > self._max_bytes:
            raise _as_http(_too_large(self._max_bytes))
        return message


def _check_size(content_length: str | None, max_bytes: int) -> None:
    """Refuse by the header already."""
    if (
        content_length is not None
        and content_length.isdecimal()
        and int(content_length) > max_bytes
    ):
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> TooLargeError:
    return TooLargeError(f"expected a body of at most {max_bytes:,} bytes. Send fewer passages.")


def _as_http(error: ServeError) -> HTTPException:
    return HTTPException(error.status, error)  # type: ignore[arg-type]  # unpacked by `app`


def _request_id(given: str | None) -> str:
    """The client's, if it can stand in a log; a new one if not."""
    return given if given and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def error_body(error: ServeError, request_id: str, **more: Any) -> bytes:
    """An error as clients get it."""
    content = {"error": {**error.to_dict(), **more}, "request_id": request_id}
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


async def send_error(error: ServeError, request_id: str, send: Send) -> None:
    """Reply with an error. The connection is closed: its request may not have been read."""
    body = error_body(error, request_id)
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **error.headers,
    }
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
