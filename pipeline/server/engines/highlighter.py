"""OpenSearch's semantic highlighter with a remote model: the answer is what is marked.

The highlighter throws the whole search away if a mark is empty, overlaps another or lies outside
the text, and it cuts a Java string. So there is one mark a text, in UTF-16 code units.

Source: neural-search, ``HighlightTagApplier`` and ``MLCommonsClientAccessor``.
"""

from typing import Annotated, Self, cast

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field

from ...qa.types import Answer, ProvidedAnswer, ProvidedPassage
from ..handling import REFUSALS, IndexName, ServiceHere, do_job, note
from ..jobs import ReadSeveralJob
from ..schemas import Question, Text
from ..service import Service
from .shapes import EngineRequest, PassageText, utf16_span

router = APIRouter(responses=REFUSALS)


class HighlightInput(EngineRequest):
    """A question and the text in which its answer is marked."""

    question: Question
    context: Annotated[PassageText, Field(description="Nothing is marked in an empty one.")]


class HighlightRequest(EngineRequest):
    """One text, or several in `inputs`: the connector leaves empty what it is not given."""

    question: Annotated[Text, Field(description="Not read where there are `inputs`.")] = ""
    context: Annotated[PassageText, Field(description="As `question`.")] = ""
    inputs: Annotated[list[HighlightInput], Field(description="Texts of a batch.")] = []


class Highlight(BaseModel):
    """A mark."""

    start: Annotated[int, Field(description="In UTF-16 code units.")]
    end: Annotated[int, Field(description="Exclusive.")]
    text: Annotated[str, Field(description="What is marked.")]
    score: Annotated[float, Field(description="Between 0 and 1, among the spans of this text.")]

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """The mark of an answer."""
        start, end = utf16_span(answer)
        return cls(start=start, end=end, text=answer.answer, score=answer.score)


class HighlightReply(BaseModel):
    """Marks of the one text; or, for a batch, a list of marks for each text, in order."""

    highlights: list[Highlight] | list[list[Highlight]]


@router.post("/v1/{index}/opensearch/highlight", summary="OpenSearch: semantic highlighter")
async def highlight(
    index: IndexName,
    asked: Annotated[HighlightRequest, Body()],
    request: Request,
    service: ServiceHere,
) -> HighlightReply:
    """Where in texts the answers stand. Texts that the index knows are read from its states."""
    return await highlight_texts(index, asked, request, service)


async def highlight_texts(
    index: str, asked: HighlightRequest, request: Request, service: Service
) -> HighlightReply:
    """What `highlight` replies."""
    service.check_index(index)
    limits = service.config.limits
    inputs = asked.inputs or [HighlightInput(question=asked.question, context=asked.context)]
    provided = tuple(ProvidedPassage(text=one.context) for one in inputs)
    limits.check_passages(provided, "inputs")
    for place, one in enumerate(inputs):
        name = f"inputs[{place}].question" if asked.inputs else "question"
        limits.check_question(one.question, name)
    note(request, service, question=inputs[0].question, n_passages=len(inputs))
    job = ReadSeveralJob(
        index,
        tuple(one.question for one in inputs),
        provided,
        n_answers=1,
    )
    answers = cast(list[list[ProvidedAnswer]], await do_job(service.reading, job, request, None))
    marks = [[Highlight.of(one.answer) for one in best] for best in answers]
    return HighlightReply(highlights=marks if asked.inputs else marks[0])
