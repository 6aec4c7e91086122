"""Replies to requests that are refused, wherever the refusal comes from."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from ...data import PrereadError
from ...indexer.errors import IndexAccessError, IndexFormatError, IndexMismatchError
from ..qa.lookup import UnknownPassageError
from ..retrievers.external import EngineError
from .errors import (
    DamagedIndexError,
    InvalidRequestError,
    NotFoundError,
    ServeError,
    UnavailableError,
    error_body,
)
from .logs import log

_LOG = logging.getLogger(__name__)
_MOST_SHOWN = 100
"""Characters of a header that a reply repeats."""
_MOST_PROBLEMS = 20
"""Wrong fields that a reply names, so that it is no larger than its request."""


def add_refusals(app: FastAPI) -> None:
    """Give all refusals of an application the same JSON shape.

    Args:
        app: The application. `RequestLog` gives its requests a ``state.request_id``.
    """
    for kind, handler in (
        (PrereadError, _refuse),
        (RequestValidationError, _refuse_fields),
        (HTTPException, _refuse_http),
    ):
        app.add_exception_handler(kind, handler)


async def _refuse(request: Request, error: Exception) -> Response:
    """Reply to a client's mistake, a damaged index, or an engine that does not answer."""
    if isinstance(error, UnknownPassageError):
        known: ServeError = NotFoundError(str(error))
        return _reply(request, known, field=f"passages[{error.place}].id")
    fault = fault_of_server(error, request.state.request_id)
    if fault is not None:
        return _reply(request, fault)
    if not isinstance(error, ServeError):
        error = InvalidRequestError("request", str(error).rstrip("."))
    return _reply(request, error)


def fault_of_server(error: Exception, request_id: str) -> ServeError | None:
    """What a client is told of an index or engine that fails; the log alone names files and hosts.

    Args:
        error: What was raised while a request was answered.
        request_id: Identifier of the request.

    Returns:
        The refusal; None where the fault is another.
    """
    about = {"request_id": request_id, "reason": str(error)}
    if isinstance(error, IndexFormatError):
        log(_LOG, logging.ERROR, "index damaged", **about)
        return DamagedIndexError("a file of the index is damaged. Tell its owner.")
    if isinstance(error, IndexAccessError | IndexMismatchError):
        log(_LOG, logging.ERROR, "index not readable", **about)
        return UnavailableError("the index cannot be read. Tell its owner.")
    if isinstance(error, EngineError):
        log(_LOG, logging.ERROR, "retriever failed", **about)
        return UnavailableError("the engine that finds passages does not answer. Try later.")
    return None


async def _refuse_fields(request: Request, error: Exception) -> Response:
    """Name the wrong fields without repeating their values."""
    assert isinstance(error, RequestValidationError)
    sent = request.headers.get("content-type", "")
    problems = [_problem(one, sent) for one in error.errors()[:_MOST_PROBLEMS]]
    first = InvalidRequestError(problems[0]["field"], problems[0]["message"])
    more: dict[str, Any] = {"details": problems} if len(problems) > 1 else {}
    return _reply(request, first, **more)


async def _refuse_http(request: Request, error: Exception) -> Response:
    """Reply to unknown addresses, methods that an address lacks, and refused bodies."""
    assert isinstance(error, HTTPException)
    if isinstance(error.detail, ServeError):
        return _reply(request, error.detail)
    if isinstance(error.__cause__, UnicodeDecodeError | RecursionError):  # of reading the body
        return _reply(request, InvalidRequestError("body", _fault_of_body(error.__cause__)))
    known = ServeError(f"{error.detail}. See /docs for the interface.")
    known.status = error.status_code
    known.kind = {400: "invalid_request", 404: "not_found", 405: "method_not_allowed"}.get(
        error.status_code, "http_error"
    )
    known.headers = dict(error.headers or {})
    return _reply(request, known)


def _reply(request: Request, error: ServeError, **more: object) -> Response:
    body = error_body(error, request.state.request_id, **more)
    return Response(body, error.status, error.headers, "application/json")


def _name(place: Sequence[str | int]) -> str:
    """``("body", "passages", 3, "text")`` as ``passages[3].text``."""
    name = ""
    for part in place[1:]:
        name += f"[{part}]" if isinstance(part, int) else f".{part}"
    return name.lstrip(".") or "body"


def _fault_of_body(error: UnicodeDecodeError | RecursionError) -> str:
    """What is wrong with a body that is no text, or nested too deeply."""
    if isinstance(error, RecursionError):
        return "expected JSON of fewer levels"
    return f"expected JSON in UTF-8, found byte {error.object[error.start]:#04x}"


def _is_json(content_type: str) -> bool:
    name = content_type.split(";")[0].strip().lower()
    return name == "application/json" or name.endswith("+json")


def _problem(error: Mapping[str, Any], content_type: str) -> dict[str, str]:
    """A problem that pydantic found, with field and message in the style of our own refusals."""
    if tuple(error["loc"]) == ("body",) and error["input"] and not _is_json(content_type):
        found = repr(content_type[:_MOST_SHOWN]) if content_type else "none"
        message = f"expected the header Content-Type: application/json, found {found}"
        return {"field": "body", "message": message}
    if error["type"] == "json_invalid":  # its place is a character, not a field
        return {"field": "body", "message": f"expected JSON ({error['ctx']['error']})"}
    message = error["msg"].removeprefix("Value error, ").rstrip(".")
    return {"field": _name(error["loc"]), "message": message[:1].lower() + message[1:]}
