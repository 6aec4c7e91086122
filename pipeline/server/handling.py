"""What the handlers of all addresses share: the service, its workers, and notes for the log."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Path, Request

from .batching import BatchWorker
from .errors import ClientGoneError, DeadlineError
from .schemas import ErrorReply
from .service import Service

T = TypeVar("T")

REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorReply, "description": "The request cannot be answered as it is."},
    "5XX": {"model": ErrorReply, "description": "Not now (503, with Retry-After), not in time."},
}
IndexName = Annotated[str, Path(description="Name of an index that is served.")]


def service_of(request: Request) -> Service:
    """What the application was made with."""
    return cast(Service, request.app.state.service)


ServiceHere = Annotated[Service, Depends(service_of)]


async def do_job(
    worker: BatchWorker[Any, T], job: object, request: Request, timeout_ms: int | None
) -> T:
    """Have a job done; see `do_jobs`."""
    (result,) = await do_jobs(worker, [job], request, timeout_ms)
    return result


async def do_jobs(
    worker: BatchWorker[Any, T], jobs: Sequence[object], request: Request, timeout_ms: int | None
) -> list[T]:
    """Have the jobs of a request done, as long as somebody waits for them.

    Args:
        worker: Who does them.
        jobs: Any number.
        request: Whose they are.
        timeout_ms: What the client asked for.

    Returns:
        The result of each.

    Raises:
        DeadlineError: If it takes too long.
        ClientGoneError: If the client hangs up.
        ServeError: If the worker does not take one, or cannot do it.
    """
    deadline = service_of(request).deadline(request.state.started, timeout_ms)
    submitted: list[Future[T]] = []
    gone = asyncio.create_task(_disconnect(request))
    try:
        for job in jobs:
            submitted.append(worker.submit(job, deadline))
        results = asyncio.gather(*map(asyncio.wrap_future, submitted), return_exceptions=True)
        await asyncio.wait(
            (results, gone),
            timeout=max(0.0, deadline - time.monotonic()),
            return_when=asyncio.FIRST_COMPLETED,
        )
        if results.done():
            return _unless_late(results.result())
        if gone.done():
            raise ClientGoneError("the client hung up.")
        raise _late()
    finally:
        gone.cancel()
        for future in submitted:
            future.cancel()  # takes the job out, if it still waits


def _unless_late(results: Sequence[T | BaseException]) -> list[T]:
    """The results, if all are there. A worker cancels what it has thrown away as too late."""
    for result in results:
        if isinstance(result, asyncio.CancelledError):
            raise _late()
        if isinstance(result, BaseException):
            raise result
    return cast(list[T], results)


def _late() -> DeadlineError:
    return DeadlineError("the answer did not come in time. Ask for less, or try again later.")


async def _disconnect(request: Request) -> None:
    """Return when the client hangs up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def note(request: Request, service: Service, *, question: str, **facts: object) -> None:
    """Fields of the request's log line."""
    request.state.facts.update(facts)
    if service.config.log_questions:
        request.state.facts["question"] = question


def took_ms(request: Request) -> float:
    """Milliseconds since the request came."""
    started: float = request.state.started
    return round(1000 * (time.monotonic() - started), 2)
