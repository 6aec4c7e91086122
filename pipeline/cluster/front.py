"""What clients ask: the interface of ``preread serve``, over an index in parts."""

import asyncio
import math
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from pydantic import BaseModel, Field

from ..server.errors import DeadlineError, NotFoundError
from ..server.handling import REFUSALS
from ..server.limits import Limits
from ..server.refusals import add_refusals
from ..server.schemas import AnswerReply, AnswerRequest, HealthReply
from .scatter_gather import AllPartitions, PartitionHandle


class Front:
    """Takes requests; a Ray Serve deployment's replica."""

    def __init__(
        self,
        name: str,
        partition_names: Sequence[str],
        deadline_s: float,
        limits: Limits,
        *partitions: PartitionHandle,
    ) -> None:
        """Take the parts.

        Args:
            name: Of the index, in addresses.
            partition_names: In the order of their passages.
            deadline_s: As of `AllPartitions`.
            limits: The most that one request may ask for.
            partitions: In the same order.
        """
        named = dict(zip(partition_names, partitions, strict=True))
        self._made = name, AllPartitions(named, deadline_s=deadline_s), limits

    def __serve_build_asgi_app__(self) -> FastAPI:  # noqa: PLW3201
        """What Ray Serve hands requests to."""
        return create_front(*self._made)


class FailedPartition(BaseModel):
    """A part whose passages are not in the answer."""

    part: Annotated[str, Field(examples=["part-00002-of-00003"])]
    error: Annotated[str, Field(examples=["TimeoutError"])]


class FederatedAnswerReply(AnswerReply):
    """Answers of all parts together, best first."""

    partial: Annotated[
        bool, Field(description="Whether a part did not answer in time; the others did then.")
    ]
    failed_parts: list[FailedPartition]


def create_front(name: str, partitions: AllPartitions, limits: Limits) -> FastAPI:
    """The application of a front.

    Args:
        name: Of the index, in addresses.
        partitions: What is asked.
        limits: The most that one request may ask for.
    """
    app = FastAPI(title="preread", version=version("preread"))

    @app.middleware("http")
    async def mark(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        request.state.started = time.monotonic()
        # Ray Serve's proxy names every request, and names it to the client.
        request.state.request_id = request.headers.get("x-request-id") or uuid.uuid4().hex
        return await go_on(request)

    async def answer(index: str, asked: AnswerRequest, request: Request) -> FederatedAnswerReply:
        if index != name:
            raise NotFoundError(f"no index {index!r} is served here; there is {name!r}.")
        limits.check_question(asked.question)
        limits.check_top_k(asked.top_k)
        limits.check_answers(asked.n_answers)
        timeout_s = min(limits.timeout_s, (asked.timeout_ms or math.inf) / 1000)
        asking = partitions.answer(asked.question, top_k=asked.top_k, n_answers=asked.n_answers)
        try:
            found = await asyncio.wait_for(asking, timeout_s)
        except TimeoutError:
            raise DeadlineError("the answer did not come in time. Ask for less.") from None
        took_ms = 1000 * (time.monotonic() - request.state.started)
        reply = AnswerReply.of(index, asked.question, found.result, asked.offsets, took_ms)
        return FederatedAnswerReply(
            **reply.model_dump(),
            partial=bool(found.failed),
            failed_parts=[FailedPartition(part=p, error=why) for p, why in found.failed.items()],
        )

    @app.post("/v1/{index}/answer", responses=REFUSALS, summary="Answer a question")
    async def posted(index: str, asked: AnswerRequest, request: Request) -> FederatedAnswerReply:
        return await answer(index, asked, request)

    @app.get("/v1/{index}/answer", responses=REFUSALS, summary="Answer a question")
    async def got(
        index: str, asked: Annotated[AnswerRequest, Query()], request: Request
    ) -> FederatedAnswerReply:
        return await answer(index, asked, request)

    @app.get("/health", summary="Whether this front works")
    async def health() -> HealthReply:
        return HealthReply(status="ok", indexes=[name])

    @app.get("/ready", summary="Whether all parts answer")
    async def ready(response: Response) -> dict[str, Any]:
        response.status_code = 503 if partitions.lost else 200
        return {"status": "partial" if partitions.lost else "ok", "lost": partitions.lost}

    add_refusals(app)
    return app
