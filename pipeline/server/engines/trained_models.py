"""Elasticsearch's ``_infer``, for clients of a question answering model.

Source: Elasticsearch's API specification, ``ml.infer_trained_model``, and
``QuestionAnsweringInferenceResults``.
"""

from collections.abc import Sequence
from typing import Annotated, Self

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from ...qa.types import Answer, ProvidedAnswer, ProvidedPassage
from ..handling import REFUSALS, IndexName, ServiceHere, do_job, note
from ..jobs import ReadJob
from ..limits import MOST_ITEMS
from ..offsets import Offsets
from ..schemas.fields import Question
from .shapes import EngineRequest, PassageText

router = APIRouter(responses=REFUSALS)
_PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
"""Elastic's clients refuse replies without it."""


class InferDocument(EngineRequest):
    """A text."""

    text_field: Annotated[PassageText, Field(description="The text.")]


class QuestionAnsweringConfig(EngineRequest):
    """How texts are read. `tokenization` is ignored, because an index has its own windows."""

    question: Question
    num_top_classes: Annotated[
        int, Field(ge=0, description="Number of answers in `top_classes`.")
    ] = 0
    max_answer_length: Annotated[
        int | None,
        Field(ge=1, description="Longest answer in wordpieces; by default the reader's."),
    ] = None


class InferenceConfig(EngineRequest):
    """The task. Question answering is the only one."""

    question_answering: Annotated[
        QuestionAnsweringConfig, Field(description="Its settings, the question among them.")
    ]


class InferRequest(EngineRequest):
    """Texts, and a question to each of them."""

    docs: Annotated[
        list[InferDocument],
        Field(min_length=1, max_length=MOST_ITEMS, description="The texts."),
    ]
    inference_config: Annotated[InferenceConfig, Field(description="The task.")]


class TopClass(BaseModel):
    """One of several answers."""

    answer: Annotated[str, Field(description="Words of the text.")]
    start_offset: Annotated[int, Field(description="Start in the text, in UTF-16 code units.")]
    end_offset: Annotated[int, Field(description="End in the text, exclusive.")]
    score: Annotated[float, Field(description="From 0 to 1, among the spans of this text.")]

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Make the field of an answer.

        Args:
            answer: The answer.
        """
        start, end = Offsets.UTF16.convert(answer.passage, answer.start, answer.end)
        return cls(answer=answer.answer, start_offset=start, end_offset=end, score=answer.score)


class InferResult(BaseModel):
    """The answer of a text. A text without words has an empty one."""

    predicted_value: Annotated[str, Field(description="Words of the text.")] = ""
    start_offset: Annotated[int, Field(description="Start in the text, in UTF-16 code units.")] = 0
    end_offset: Annotated[int, Field(description="End in the text, exclusive.")] = 0
    prediction_probability: Annotated[
        float, Field(description="From 0 to 1, among the spans of this text.")
    ] = 0.0
    top_classes: Annotated[
        list[TopClass] | None,
        Field(description="Answers, best first; absent unless `num_top_classes` is positive."),
    ] = None

    @classmethod
    def of(cls, answers: Sequence[ProvidedAnswer], num_top_classes: int) -> Self:
        """Make the result of a text.

        Args:
            answers: Its answers, best first.
            num_top_classes: How many answers go into ``top_classes``; 0 leaves it out.
        """
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
    """A result for each text."""

    inference_results: Annotated[list[InferResult], Field(description="In the order of the texts.")]


@router.post(
    "/_ml/trained_models/{index}/_infer",
    summary="Elasticsearch: infer trained model",
    response_model_exclude_none=True,
)
async def infer(
    index: IndexName,
    asked: InferRequest,
    request: Request,
    service: ServiceHere,
    response: Response,
) -> InferReply:
    """Answers like a question answering model in Elasticsearch, from each text by itself."""
    service.check_index(index)
    limits = service.config.limits
    wanted = asked.inference_config.question_answering
    limits.check_question(wanted.question)
    limits.check_answers(wanted.num_top_classes, "num_top_classes")
    provided = tuple(ProvidedPassage(text=one.text_field) for one in asked.docs)
    limits.check_passages(provided, "docs")
    note(request, service, question=wanted.question, n_passages=len(provided))
    job = ReadJob(
        index,
        (wanted.question,) * len(provided),
        tuple((one,) for one in provided),
        max(1, wanted.num_top_classes),
        wanted.max_answer_length,
    )
    found = await do_job(job, request)
    response.headers.update(_PRODUCT)
    return InferReply(
        inference_results=[InferResult.of(one, wanted.num_top_classes) for one in found]
    )
