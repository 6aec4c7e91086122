"""OpenSearch's own ``_predict`` addresses: clients of ml-commons ask this server unchanged.

Source: ml-commons, REST predict action; a remote model's reply is an object ``dataAsMap``.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, cast

from fastapi import APIRouter, Body, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from ...qa.types import ProvidedAnswer, ProvidedPassage
from ..handling import REFUSALS, IndexName, ServiceHere, do_job, note
from ..jobs import ReadJob
from ..schemas import Question
from .highlighter import HighlightReply, HighlightRequest, highlight_texts
from .hits import HitsReply, HitsRequest, answer_hits
from .shapes import EngineRequest, PassageText

router = APIRouter(prefix="/_plugins/_ml", responses=REFUSALS)
R = TypeVar("R", bound=EngineRequest)


class PredictRequest(EngineRequest):
    """Parameters as a connector would take them."""

    parameters: Annotated[
        dict[str, Any],
        Field(
            description="Of the semantic highlighter, where `inputs` is among them; "
            "else `question`, `context`, `docid`, as for the hits of a search."
        ),
    ]


class RemoteOutput(BaseModel):
    """What a remote model answered."""

    name: str = "response"
    dataAsMap: HighlightReply | HitsReply


class RemoteResult(BaseModel):
    """Of one call."""

    output: list[RemoteOutput]
    status_code: int = 200


class PredictReply(BaseModel):
    """As of a remote model."""

    inference_results: list[RemoteResult]


@router.post("/models/{index}/_predict", summary="OpenSearch: predict, remote model")
async def predict(
    index: IndexName,
    asked: Annotated[PredictRequest, Body()],
    request: Request,
    service: ServiceHere,
) -> PredictReply:
    """As a remote model behind a connector to this server would answer."""
    reply: HighlightReply | HitsReply
    if asked.parameters.get("inputs"):
        texts = _parse(HighlightRequest, asked.parameters)
        reply = await highlight_texts(index, texts, request, service)
    else:
        fields = _parse(HitsRequest, asked.parameters)
        reply = await answer_hits(index, fields, request, service)
    return PredictReply(inference_results=[RemoteResult(output=[RemoteOutput(dataAsMap=reply)])])


def _parse(kind: type[R], parameters: Mapping[str, Any]) -> R:
    """Parameters as a request of a kind.

    Raises:
        RequestValidationError: If they are not; it names the fields as they were sent.
    """
    try:
        return kind.model_validate(parameters)
    except ValidationError as error:
        places = [{**one, "loc": ("body", "parameters", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(places) from None


class QuestionAnsweringRequest(EngineRequest):
    """A question and the text with its answer."""

    question: Question
    context: Annotated[PassageText, Field(description="What is read.")]


class LocalOutput(BaseModel):
    """What a model of the engine's own answered."""

    result: Annotated[str, Field(description="The answer; empty where the text is.")]


class LocalResult(BaseModel):
    """Of one call."""

    output: list[LocalOutput]


class QuestionAnsweringReply(BaseModel):
    """As of a model of the engine's own."""

    inference_results: list[LocalResult]


@router.post(
    "/_predict/question_answering/{index}", summary="OpenSearch: predict, question answering"
)
async def predict_answer(
    index: IndexName,
    asked: Annotated[QuestionAnsweringRequest, Body()],
    request: Request,
    service: ServiceHere,
) -> QuestionAnsweringReply:
    """As a question answering model that runs inside OpenSearch would answer."""
    service.check_index(index)
    service.config.limits.check_question(asked.question)
    note(request, service, question=asked.question, n_passages=1)
    job = ReadJob(index, asked.question, (ProvidedPassage(text=asked.context),), n_answers=1)
    answers = cast(list[ProvidedAnswer], await do_job(service.reading, job, request, None))
    output = LocalOutput(result=answers[0].answer.answer if answers else "")
    return QuestionAnsweringReply(inference_results=[LocalResult(output=[output])])
