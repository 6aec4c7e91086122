"""What the handlers of all addresses share: the service, its workers, and notes for the log."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from concurrent.futures import Future
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Path, Request

from .errors import ClientGoneError, DeadlineError
from .jobs import Job
from .schemas.server import ErrorReply
from .service import Service

T = TypeVar("T")

REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorReply, "description": "The request must be changed."},
    "5XX": {
        "model": ErrorReply,
        "description": "The server is busy (503, with Retry-After) or was too slow (504).",
    },
}
IndexName = Annotated[
    str, Path(description="Name of an index that is served.", examples=["my-index"])
]


def service_of(request: Request) -> Service:
    """The service that the application was made with.

    Args:
        request: A request to the application.
    """
    return cast(Service, request.app.state.service)


ServiceHere = Annotated[Service, Depends(service_of)]


async def do_job(job: Job[T], request: Request, timeout_ms: int | None = None) -> T:
    """Have a worker do the only job of a request, and return its result.

    Args:
        job: The job.
        request: The request.
        timeout_ms: Milliseconds that the client asked for; None is the server's limit.

    Raises:
        DeadlineError: If it takes too long.
        ClientGoneError: If the client closes the connection.
        ServeError: If the worker refuses the job or fails at it.
    """
    (result,) = await do_jobs([job], request, timeout_ms)
    return result


async def do_jobs(
    jobs: Sequence[Job[T]], request: Request, timeout_ms: int | None = None
) -> list[T]:
    """Have workers do the jobs of a request while the client waits, and return the results.

    Args:
        jobs: Any number of jobs.
        request: The request.
        timeout_ms: Milliseconds that the client asked for; None is the server's limit.

    Raises:
        DeadlineError: If it takes too long.
        ClientGoneError: If the client closes the connection.
        ServeError: If the worker refuses a job or fails at it.
    """
    service = service_of(request)
    deadline = service.deadline(request.state.started, timeout_ms)
    return await results_of(service, jobs, deadline, _disconnect(request))


async def results_of(
    service: Service,
    jobs: Sequence[Job[T]],
    deadline: float,
    client_gone: Awaitable[None] | None = None,
) -> list[T]:
    """Have workers do jobs until a deadline, and return the results.

    Args:
        service: The service of the workers.
        jobs: Any number of jobs.
        deadline: When the results are no longer wanted, by ``time.monotonic``.
        client_gone: Ends when nobody waits for the results any more.

    Raises:
        DeadlineError: If it takes too long.
        ClientGoneError: If ``client_gone`` ends first.
        ServeError: If the worker refuses a job or fails at it.
    """
    submitted: list[Future[T]] = []
    gone = asyncio.ensure_future(_never() if client_gone is None else client_gone)
    try:
        for job in jobs:
            submitted.append(service.worker_of(job).submit(job, deadline))
        results = asyncio.gather(*map(asyncio.wrap_future, submitted), return_exceptions=True)
        await asyncio.wait(
            (results, gone),
            timeout=max(0.0, deadline - time.monotonic()),
            return_when=asyncio.FIRST_COMPLETED,
        )
        if results.done():
            return _unless_late(results.result())
        if gone.done():
            raise ClientGoneError("the client closed the connection.")
        raise _late()
    finally:
        gone.cancel()
        for future in submitted:
            future.cancel()  # drops the job, or has it given up


def _unless_late(results: Sequence[T | BaseException]) -> list[T]:
    """The results if all are there. A worker cancels the futures of jobs that it drops as late."""
    for result in results:
        if isinstance(result, asyncio.CancelledError):
            raise _late()
        if isinstance(result, BaseException):
            raise result
    return cast(list[T], results)


def _late() -> DeadlineError:
    return DeadlineError("the answer was not ready in time. Ask for less, or try again later.")


async def _disconnect(request: Request) -> None:
    """Return when the client closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _never() -> None:
    await asyncio.Event().wait()


def note(request: Request, service: Service, *, question: str, **facts: object) -> None:
    """Add fields to the request's log line.

    Args:
        request: The request.
        service: Its settings say whether questions are logged.
        question: The question.
        **facts: Other fields.
    """
    request.state.facts.update(facts)
    if service.config.log_questions:
        request.state.facts["question"] = question


def took_ms(request: Request) -> float:
    """Milliseconds since a request arrived.

    Args:
        request: The request.
    """
    started: float = request.state.started
    return round(1000 * (time.monotonic() - started), 2)
