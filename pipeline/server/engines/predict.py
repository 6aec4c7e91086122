"""OpenSearch's own ``_predict`` addresses, for clients of ml-commons.

Source: ml-commons, REST predict action. The reply of a remote model is an object ``dataAsMap``.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from ...qa.types import ProvidedPassage
from ..handling import REFUSALS, IndexName, ServiceHere, do_job, note
from ..jobs import ReadJob
from ..schemas.fields import EXAMPLE_TEXT, Question
from .highlighter import HighlightReply, HighlightRequest, highlight
from .hits import HitsReply, HitsRequest, hits
from .shapes import EngineRequest, PassageText

router = APIRouter(prefix="/_plugins/_ml", responses=REFUSALS)
R = TypeVar("R", bound=EngineRequest)


class PredictRequest(EngineRequest):
    """Parameters, as a connector takes them."""

    parameters: Annotated[
        dict[str, Any],
        Field(
            description="With `inputs`, those of the semantic highlighter; otherwise `question`, "
            "`context` and `docid` of the hits of a search."
        ),
    ]


class RemoteOutput(BaseModel):
    """The output of a remote model."""

    name: Annotated[str, Field(description="Name of the output.")] = "response"
    dataAsMap: Annotated[
        HighlightReply | HitsReply,
        Field(description="The reply of the highlighter or of the hits."),
    ]


class RemoteResult(BaseModel):
    """The result of one call."""

    output: Annotated[list[RemoteOutput], Field(description="One output.")]
    status_code: Annotated[int, Field(description="HTTP status code of the call.")] = 200


class PredictReply(BaseModel):
    """A reply in the shape of a remote model's."""

    inference_results: Annotated[list[RemoteResult], Field(description="One result.")]


@router.post("/models/{index}/_predict", summary="OpenSearch: predict, remote model")
async def predict(
    index: IndexName, asked: PredictRequest, request: Request, service: ServiceHere
) -> PredictReply:
    """Answers like a remote model behind a connector to this server."""
    reply: HighlightReply | HitsReply
    if asked.parameters.get("inputs"):
        texts = _parse(HighlightRequest, asked.parameters)
        reply = await highlight(index, texts, request, service)
    else:
        fields = _parse(HitsRequest, asked.parameters)
        reply = await hits(index, fields, request, service)
    return PredictReply(inference_results=[RemoteResult(output=[RemoteOutput(dataAsMap=reply)])])


def _parse(kind: type[R], parameters: Mapping[str, Any]) -> R:
    """Parameters as a request of a kind; an error names the fields as they were sent."""
    try:
        return kind.model_validate(parameters)
    except ValidationError as error:
        places = [{**one, "loc": ("body", "parameters", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(places) from None


class QuestionAnsweringRequest(EngineRequest):
    """A question and the text that answers it."""

    question: Question
    context: Annotated[PassageText, Field(description="The text.", examples=[EXAMPLE_TEXT])]


class LocalOutput(BaseModel):
    """The output of a model inside the engine."""

    result: Annotated[str, Field(description="The answer; empty if the text is.")]


class LocalResult(BaseModel):
    """The result of one call."""

    output: Annotated[list[LocalOutput], Field(description="One output.")]


class QuestionAnsweringReply(BaseModel):
    """A reply in the shape of a model inside the engine."""

    inference_results: Annotated[list[LocalResult], Field(description="One result.")]


@router.post(
    "/_predict/question_answering/{index}", summary="OpenSearch: predict, question answering"
)
async def predict_answer(
    index: IndexName, asked: QuestionAnsweringRequest, request: Request, service: ServiceHere
) -> QuestionAnsweringReply:
    """Answers like a question answering model inside OpenSearch."""
    service.check_index(index)
    service.config.limits.check_question(asked.question)
    note(request, service, question=asked.question, n_passages=1)
    provided = ((ProvidedPassage(text=asked.context),),)
    job = ReadJob(index, (asked.question,), provided, n_answers=1)
    (answers,) = await do_job(job, request)
    output = LocalOutput(result=answers[0].answer.answer if answers else "")
    return QuestionAnsweringReply(inference_results=[LocalResult(output=[output])])
