"""What clients ask: the interface of ``preread serve``, over an index in partitions."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from pydantic import BaseModel, Field

from ..server.app import guarded_app
from ..server.auth import ApiKeys
from ..server.errors import DeadlineError, NotFoundError
from ..server.gate import Traffic
from ..server.handling import REFUSALS, IndexName, took_ms
from ..server.limits import ServeConfig
from ..server.metrics import Metrics
from ..server.schemas.answers import AnswerQuery, AnswerReply, AnswerRequest
from ..server.schemas.server import HealthReply
from ..server.site import description_site
from .scatter_gather import AllPartitions, PartitionHandle


@dataclass(slots=True)
class FrontService:
    """What the gate must know of a front, and what answers."""

    name: str
    """Name of the index, as in addresses."""
    partitions: AllPartitions
    """What is asked."""
    config: ServeConfig
    """Limits, accepted hosts and the least confidence."""
    keys: ApiKeys
    """Keys of the clients that may ask."""
    metrics: Metrics = field(default_factory=Metrics)
    traffic: Traffic = field(default_factory=Traffic)

    @property
    def indexes(self) -> tuple[str]:
        """Names of the indexes that are served."""
        return (self.name,)


class Front:
    """Takes requests; a replica of a Ray Serve deployment."""

    def __init__(
        self,
        name: str,
        partition_names: Sequence[str],
        deadline_s: float,
        config: ServeConfig,
        keys: ApiKeys,
        *partitions: PartitionHandle,
    ) -> None:
        """Take the partitions.

        Args:
            name: Name of the index, as in addresses.
            partition_names: Names of the partitions, in the order of their passages.
            deadline_s: Seconds that a partition may take to search, and again to read.
            config: Limits, accepted hosts and the least confidence.
            keys: Keys of the clients that may ask.
            partitions: The partitions, in the same order.
        """
        named = dict(zip(partition_names, partitions, strict=True))
        all_of_them = AllPartitions(named, deadline_s=deadline_s)
        self._service = FrontService(name, all_of_them, config, keys)

    def __serve_build_asgi_app__(self) -> FastAPI:  # noqa: PLW3201
        """The application to which Ray Serve passes requests."""
        return create_front(self._service)


class FailedPartition(BaseModel):
    """A partition whose passages are not in the answer."""

    part: Annotated[str, Field(description="Its name.", examples=["part-00002-of-00003"])]
    error: Annotated[str, Field(description="Why it did not answer.", examples=["TimeoutError"])]


class FederatedAnswerReply(AnswerReply):
    """Answers of all partitions together, best first."""

    partial: Annotated[
        bool, Field(description="Whether a partition is missing because it did not answer in time.")
    ]
    failed_parts: Annotated[
        list[FailedPartition], Field(description="The partitions that are missing.")
    ]


def create_front(service: FrontService) -> FastAPI:
    """Make the application of a front.

    Args:
        service: What answers.
    """
    app = guarded_app(service)
    app.include_router(description_site)
    partitions, config = service.partitions, service.config

    async def answer(
        index: str, asked: AnswerRequest | AnswerQuery, request: Request
    ) -> FederatedAnswerReply:
        if index != service.name:
            raise NotFoundError(f"index: expected {service.name}.")
        limits = config.limits
        limits.check_question(asked.question)
        limits.check_top_k(asked.top_k)
        limits.check_answers(asked.n_answers)
        timeout_s = min(1000 * limits.timeout_s, asked.timeout_ms or math.inf) / 1000
        asking = partitions.answer(
            asked.question,
            top_k=asked.top_k,
            n_answers=asked.n_answers,
            retrieval=asked.retrieval(),
        )
        try:
            found = await asyncio.wait_for(asking, timeout_s)
        except TimeoutError:
            raise DeadlineError("the answer was not ready in time. Ask for less.") from None
        reply = AnswerReply.of(index, asked, found.result, took_ms(request), config.min_confidence)
        return FederatedAnswerReply(
            **reply.model_dump(),
            partial=bool(found.failed),
            failed_parts=[FailedPartition(part=p, error=why) for p, why in found.failed.items()],
        )

    @app.post("/v1/{index}/answer", responses=REFUSALS, summary="Answer a question")
    async def posted(
        index: IndexName, asked: AnswerRequest, request: Request
    ) -> FederatedAnswerReply:
        """Finds passages in all partitions, reads them from their stored states, and answers."""
        return await answer(index, asked, request)

    @app.get("/v1/{index}/answer", responses=REFUSALS, summary="Answer a question")
    async def got(
        index: IndexName, asked: Annotated[AnswerQuery, Query()], request: Request
    ) -> FederatedAnswerReply:
        """The same, with the fields in the address, for trying it out."""
        return await answer(index, asked, request)

    @app.get("/health", summary="Whether this front works", response_model_exclude_none=True)
    async def health(request: Request) -> HealthReply:
        """Status 200 while the process works."""
        may_know = service.keys.admit(request.headers)
        return HealthReply(status="ok", indexes=[service.name] if may_know else None)

    @app.get("/ready", summary="Whether all partitions answer")
    async def ready(request: Request, response: Response) -> dict[str, Any]:
        """Status 200 while all partitions answer, 503 while one is missing."""
        lost = partitions.lost
        response.status_code = 503 if lost else 200
        said: dict[str, Any] = {"status": "partial" if lost else "ok"}
        return {**said, "lost": lost} if service.keys.admit(request.headers) else said

    return app
