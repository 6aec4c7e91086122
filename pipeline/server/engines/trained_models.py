"""Elasticsearch's ``_infer``: clients of a question answering model ask this server unchanged.

Source: Elasticsearch's API specification, ``ml.infer_trained_model``, and
``QuestionAnsweringInferenceResults``.
"""

from collections.abc import Sequence
from typing import Annotated, Self, cast

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel, Field

from ...qa.types import Answer, ProvidedAnswer, ProvidedPassage
from ..handling import REFUSALS, IndexName, ServiceHere, do_job, note
from ..jobs import ReadSeveralJob
from ..schemas import Question
from .shapes import EngineRequest, PassageText, utf16_span

router = APIRouter(responses=REFUSALS)
_PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
"""Elastic's clients take no reply without it."""


class InferDocument(EngineRequest):
    """A text."""

    text_field: PassageText


class QuestionAnsweringConfig(EngineRequest):
    """How a text is read. `tokenization` is passed over: an index has windows of its own."""

    question: Question
    num_top_classes: Annotated[int, Field(ge=0, description="Answers in `top_classes`.")] = 0
    max_answer_length: Annotated[
        int | None, Field(ge=1, description="In wordpieces; by default the reader's.")
    ] = None


class InferenceConfig(EngineRequest):
    """The one task that there is."""

    question_answering: QuestionAnsweringConfig


class InferRequest(EngineRequest):
    """Texts, and a question to each of them."""

    docs: Annotated[list[InferDocument], Field(min_length=1, description="What is read.")]
    inference_config: InferenceConfig


class TopClass(BaseModel):
    """An answer of several."""

    answer: str
    start_offset: Annotated[int, Field(description="In UTF-16 code units.")]
    end_offset: Annotated[int, Field(description="Exclusive.")]
    score: float

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """From what the library gives."""
        start, end = utf16_span(answer)
        return cls(answer=answer.answer, start_offset=start, end_offset=end, score=answer.score)


class InferResult(BaseModel):
    """The answer of a text; empty, at 0 to 0, where it has none."""

    predicted_value: str = ""
    start_offset: Annotated[int, Field(description="In UTF-16 code units.")] = 0
    end_offset: Annotated[int, Field(description="Exclusive.")] = 0
    prediction_probability: Annotated[float, Field(description="Between 0 and 1.")] = 0.0
    top_classes: Annotated[
        list[TopClass] | None, Field(description="Best first, if they were asked for.")
    ] = None

    @classmethod
    def of(cls, answers: Sequence[ProvidedAnswer], num_top_classes: int) -> Self:
        """From what the library gives, best first."""
        classes = [TopClass.of(one.answer) for one in answers]
        top = classes[:num_top_classes] if num_top_classes else None
        if not classes:
            return cls(top_classes=top)
        return cls(
            predicted_value=classes[0].answer,
            start_offset=classes[0].start_offset,
            end_offset=classes[0].end_offset,
            prediction_probability=classes[0].score,
            top_classes=top,
        )


class InferReply(BaseModel):
    """A result for each text, in order."""

    inference_results: list[InferResult]


@router.post(
    "/_ml/trained_models/{index}/_infer",
    summary="Elasticsearch: infer trained model",
    response_model_exclude_none=True,
)
async def infer(
    index: IndexName,
    asked: Annotated[InferRequest, Body()],
    request: Request,
    service: ServiceHere,
    response: Response,
) -> InferReply:
    """As a question answering model in Elasticsearch, each text by itself."""
    service.check_index(index)
    limits = service.config.limits
    wanted = asked.inference_config.question_answering
    limits.check_question(wanted.question)
    limits.check_answers(wanted.num_top_classes, "num_top_classes")
    provided = tuple(ProvidedPassage(text=one.text_field) for one in asked.docs)
    limits.check_passages(provided, "docs")
    note(request, service, question=wanted.question, n_passages=len(provided))
    job = ReadSeveralJob(
        index,
        (wanted.question,) * len(provided),
        provided,
        max(1, wanted.num_top_classes),
        wanted.max_answer_length,
    )
    found = cast(list[list[ProvidedAnswer]], await do_job(service.reading, job, request, None))
    response.headers.update(_PRODUCT)
    return InferReply(
        inference_results=[InferResult.of(one, wanted.num_top_classes) for one in found]
    )
