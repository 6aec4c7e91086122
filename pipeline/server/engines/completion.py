"""Elasticsearch's inference service ``custom``, task ``completion``: a question in, an answer out.

The index finds the passages. Task ``rerank`` needs no address of its own: `/v1/{index}/rerank`
takes and gives what it asks for.

Source: Elasticsearch's API specification, ``inference.put_custom``.
"""

from typing import Annotated, cast

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field

from ...qa.types import Result
from ..handling import REFUSALS, IndexName, ServiceHere, do_jobs, note
from ..jobs import AnswerJob
from ..offsets import Offsets
from ..schemas import AnswerField
from .shapes import EngineRequest, QuestionList

router = APIRouter(responses=REFUSALS)


class CompletionRequest(EngineRequest):
    """Questions; a lone one need not be a list."""

    questions: Annotated[QuestionList, Field(description="What the engine calls its input.")]
    top_k: Annotated[int, Field(ge=1, description="Passages that are read for each.")] = 20


class CompletionReply(BaseModel):
    """One answer for each question, in order; empty where nothing was found."""

    answers: list[AnswerField]


_NOTHING = AnswerField(
    answer="",
    score=0.0,
    passage_id="",
    title="",
    start=0,
    end=0,
    passage="",
    confidence=None,
    supporting=[],
)


@router.post("/v1/{index}/elasticsearch/completion", summary="Elasticsearch: completion")
async def completion(
    index: IndexName,
    asked: Annotated[CompletionRequest, Body()],
    request: Request,
    service: ServiceHere,
) -> CompletionReply:
    """The best answer to each question, from passages that the index finds."""
    service.check_index(index)
    service.config.limits.check_questions(asked.questions)
    service.config.limits.check_top_k(asked.top_k)
    note(request, service, question=asked.questions[0], top_k=asked.top_k)
    jobs = [AnswerJob(index, question, asked.top_k, 1) for question in asked.questions]
    found = cast(list[Result], await do_jobs(service.reading, jobs, request, None))
    return CompletionReply(
        answers=[
            AnswerField(**AnswerField.fields_of(result.answers[0], Offsets.UTF16))
            if result.answers
            else _NOTHING
            for result in found
        ]
    )
