"""Elasticsearch's inference service ``custom``, task ``completion``: questions in, answers out.

The index finds the passages. The task ``rerank`` needs no address of its own, because requests to
`/v1/{index}/rerank` and its replies have the shape that it expects.

Source: Elasticsearch's API specification, ``inference.put_custom``.
"""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from ...qa.types import Result
from ..doubt import judge
from ..handling import REFUSALS, IndexName, ServiceHere, do_jobs, note
from ..jobs import AnswerJob
from ..offsets import Offsets
from ..schemas.answers import AnswerField
from ..schemas.fields import EXAMPLE_QUESTION
from .shapes import EngineRequest, QuestionList

router = APIRouter(responses=REFUSALS)


class CompletionRequest(EngineRequest):
    """Questions."""

    questions: Annotated[
        QuestionList,
        Field(
            description="The engine's input. A single question need not be a list.",
            examples=[[EXAMPLE_QUESTION]],
        ),
    ]
    top_k: Annotated[
        int, Field(ge=1, description="Number of passages that are read for each question.")
    ] = 20


class CompletionReply(BaseModel):
    """One answer to each question."""

    answers: Annotated[
        list[AnswerField],
        Field(
            description="In the order of the questions; empty where nothing was found, or the best "
            "answer has less than the server's least confidence."
        ),
    ]


_NOTHING = AnswerField(
    answer="",
    score=0.0,
    passage_id="",
    title="",
    start=0,
    end=0,
    passage="",
    confidence=None,
    metadata={},
    supporting=[],
)


@router.post("/v1/{index}/elasticsearch/completion", summary="Elasticsearch: completion")
async def completion(
    index: IndexName, asked: CompletionRequest, request: Request, service: ServiceHere
) -> CompletionReply:
    """Gives the best answer to each question, from passages that the index finds."""
    service.check_index(index)
    service.config.limits.check_questions(asked.questions)
    service.config.limits.check_top_k(asked.top_k)
    note(request, service, question=asked.questions[0], top_k=asked.top_k)
    jobs = [AnswerJob(index, question, asked.top_k, 1) for question in asked.questions]
    found = await do_jobs(jobs, request)
    pairs = zip(asked.questions, found, strict=True)
    default = service.config.min_confidence
    return CompletionReply(answers=[_best(question, one, default) for question, one in pairs])


def _best(question: str, result: Result, default: float | None) -> AnswerField:
    """The best answer to a question, or an empty one."""
    judgement = judge(question, result.answers, None, default)
    if not result.answers or not judgement.is_given:
        return _NOTHING.model_copy(update={"confidence": judgement.confidence})
    return AnswerField(**AnswerField.fields_of(result.answers[0], Offsets.UTF16))
