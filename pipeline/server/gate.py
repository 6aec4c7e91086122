"""What every request passes on its way in and out.

RequestLog   gives the request an identifier, counts it, logs it, and replies to errors
Gate         refuses before the body is read: wrong host, no key, other site, no room, too large
HeadAsGet    answers HEAD like GET, without a body
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Container
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .auth import ApiKeys
from .errors import (
    ForbiddenError,
    InvalidRequestError,
    OverloadedError,
    RequestTooSlowError,
    ServeError,
    ShuttingDownError,
    TooLargeError,
    UnauthorizedError,
    error_body,
)
from .hosts import HostRules
from .limits import ServeConfig
from .logs import FACTS, log
from .metrics import Metrics
from .site import SITE_FILES

_LOG = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_OPEN_ROUTES = ("/health", "/ready", "/openapi.json", *SITE_FILES)
"""Routes that need no key: they say nothing about the indexes."""
_UNCOUNTED_ROUTES = ("/health", "/ready", "/metrics")
"""Routes that are answered however busy the server is, so that it can be watched."""
_REPEATED = frozenset({"filter"})
"""Parameters that an address may have several times: each is one condition more."""
_MOST_LENGTH_DIGITS = 15
_POLICY_VIOLATION = 1008
"""Code of a refused WebSocket (RFC 6455, section 7.4.1)."""


@dataclass(slots=True)
class Traffic:
    """Requests that have arrived and have no reply yet. Only the event loop changes it."""

    n_in_flight: int = 0
    """How many there are."""
    is_draining: bool = False
    """Whether the server accepts no more requests and finishes those that it has."""


class Guarded(Protocol):
    """What the gate must know of the service behind it."""

    config: ServeConfig
    """Limits and accepted hosts."""
    keys: ApiKeys
    """Keys of the clients that may ask."""
    metrics: Metrics
    """Where requests are counted."""
    traffic: Traffic
    """Requests in flight."""

    @property
    def indexes(self) -> Container[str]:
        """Names of the indexes that are served."""


@dataclass(slots=True)
class RequestLog:
    """Gives requests identifiers, counts and logs them, and replies to uncaught errors."""

    app: ASGIApp
    """The application that is wrapped."""
    service: Guarded
    """The service that it belongs to."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
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
            await self.app(scope, receive, send_marked)
        except ServeError as error:
            await _refusal(error, state["request_id"])(scope, receive, send_marked)
        except Exception:
            _LOG.exception("failed", extra={FACTS: {"request_id": state["request_id"]}})
            if not status:
                mistake = ServeError(
                    "the server failed at this request. Its log has the details under the "
                    "request's identifier."
                )
                await _refusal(mistake, state["request_id"])(scope, receive, send_marked)
        finally:
            self._write(scope, status, time.monotonic() - started)

    def _write(self, scope: Scope, status: int, seconds: float) -> None:
        """Count the request and log it. Its address is not logged: it may contain a question."""
        route = getattr(scope.get("route"), "path", "none")
        index = scope.get("path_params", {}).get("index", "")
        index = index if index in self.service.indexes else ""
        self.service.metrics.requests.labels(route, index, str(status)).inc()
        self.service.metrics.seconds.labels(route).observe(seconds)
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
    """Refuses the requests that may not or cannot be answered, before their bodies are read."""

    def __init__(self, app: ASGIApp, service: Guarded) -> None:
        """Wrap an application.

        Args:
            app: The application.
            service: The service that it belongs to.
        """
        self._app = app
        self._service = service
        self._has_keys = len(service.keys) > 0
        self._hosts = HostRules(service.config.allowed_hosts, has_keys=self._has_keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI), or raise a `ServeError` that refuses it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket, which no address here speaks
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        headers = Headers(scope=scope)
        self._check_client(scope["path"], headers)
        if scope["path"] in _UNCOUNTED_ROUTES:
            await self._app(scope, receive, send)
            return
        self._check_room()
        _check_query(scope["query_string"])
        limits = self._service.config.limits
        _check_size(headers.get("content-length"), limits.max_request_bytes)
        deadline = scope["state"]["started"] + limits.timeout_s
        body = _Body(receive, limits.max_request_bytes, deadline)
        traffic = self._service.traffic
        traffic.n_in_flight += 1
        self._service.metrics.in_flight.set(traffic.n_in_flight)
        try:
            await self._app(scope, body.receive, send)
        finally:
            traffic.n_in_flight -= 1
            self._service.metrics.in_flight.set(traffic.n_in_flight)

    def _check_client(self, path: str, headers: Headers) -> None:
        """Refuse another host's name, a missing key and, without keys, pages of other sites."""
        host = headers.get("host")
        if host is not None and not self._hosts.accept(host):
            raise ForbiddenError(
                "Host: expected an IP address, localhost or a name that was allowed, found another "
                "name. Start the server with --allowed-host NAME to allow it."
            )
        if path in _OPEN_ROUTES:
            return
        if self._has_keys:
            if not self._service.keys.admit(headers):
                raise UnauthorizedError
        elif self._hosts.is_foreign(headers):
            raise ForbiddenError(
                "expected a request of this server's own page or of a program, found one of "
                "another site's page. Have that site's server ask instead of the browser."
            )

    def _check_room(self) -> None:
        traffic = self._service.traffic
        if traffic.is_draining:
            raise ShuttingDownError("the server is shutting down. Try another, or later.")
        if traffic.n_in_flight >= self._service.config.max_in_flight:
            raise OverloadedError(
                f"{traffic.n_in_flight} requests are in flight, the most that may be. Try again "
                "later."
            )


@dataclass(slots=True)
class HeadAsGet:
    """Answers HEAD as GET, without the body (RFC 9110, section 9.3.2)."""

    app: ASGIApp
    """The application that is wrapped, whose routes know GET."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        scope["method"] = "GET"
        try:
            await self.app(scope, receive, send_head)
        finally:
            scope["method"] = "HEAD"


@dataclass(slots=True)
class _Body:
    """The body of a request, no larger and no slower than is allowed."""

    _receive: Receive
    _max_bytes: int
    _deadline: float
    _n_bytes: int = 0
    _is_whole: bool = False

    async def receive(self) -> Message:
        """The next part. Errors are HTTP exceptions: FastAPI would reply 400 to any other."""
        if self._is_whole:
            return await self._receive()
        try:
            left = self._deadline - time.monotonic()
            message = await asyncio.wait_for(self._receive(), max(0.0, left))
        except TimeoutError:
            slow = RequestTooSlowError("the body did not arrive in time. Send it again.")
            raise _as_http(slow) from None
        self._n_bytes += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._n_bytes > self._max_bytes:
            raise _as_http(_too_large(self._max_bytes))
        return message


def _check_query(query: bytes) -> None:
    """Refuse a query that is not UTF-8 or repeats a parameter: a part of it would be lost."""
    try:
        text = query.decode("ascii")
        unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as error:
        found = error.object[error.start]
        raise InvalidRequestError(
            "query", f"expected UTF-8 in the address, found byte {found:#04x}"
        ) from None
    seen: set[str] = set()
    for name, _ in parse_qsl(text, keep_blank_values=True):
        if name in seen and name not in _REPEATED:
            raise InvalidRequestError(name, "expected once in the address, found several times")
        seen.add(name)


def _check_size(content_length: str | None, max_bytes: int) -> None:
    """Refuse a large body by its header."""
    if content_length is None or not content_length.isdecimal():
        return
    if len(content_length) > _MOST_LENGTH_DIGITS or int(content_length) > max_bytes:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> TooLargeError:
    return TooLargeError(f"expected a body of at most {max_bytes:,} bytes. Send fewer passages.")


def _as_http(error: ServeError) -> HTTPException:
    return HTTPException(error.status, error)  # type: ignore[arg-type]  # `refusals` unpacks it


def _request_id(sent: str | None) -> str:
    """The client's identifier if it is fit for a log, or a new one."""
    return sent if sent and _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex


def _refusal(error: ServeError, request_id: str) -> Response:
    """A reply to an error that closes the connection, whose request may be unread."""
    headers = {"Connection": "close", **error.headers}
    return Response(error_body(error, request_id), error.status, headers, "application/json")
