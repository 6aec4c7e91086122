"""OpenSearch's ``ml_inference`` response processor: the hits of a search, all in one request.

The processor gives each hit its part of a list that is as long as the hits are many; ``best`` goes
to the search response's ``ext``.

Source: ml-commons, ``MLInferenceSearchResponseProcessor``.
"""

from typing import Annotated, Self, cast

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, BeforeValidator, Field

from ...qa.types import ProvidedAnswer, ProvidedPassage
from ..errors import InvalidRequestError
from ..handling import REFUSALS, IndexName, ServiceHere, do_job, note
from ..jobs import EachJob
from ..schemas import Question, Text
from ..service import Service
from .shapes import EngineRequest, TextList, utf16_span

router = APIRouter(responses=REFUSALS)


def _as_ids(value: object) -> object:
    """Identifiers may be numbers in the engine, and may be missing."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [str(one) if isinstance(one, int) else one for one in values]


class HitsRequest(EngineRequest):
    """A question, and fields of the hits, as lists in the order of the hits."""

    question: Question
    context: Annotated[TextList, Field(description="Texts; a lone one need not be a list.")] = []
    docid: Annotated[
        list[Text | None],
        BeforeValidator(_as_ids),
        Field(description="Identifiers. Without texts, those of the index."),
    ] = []

    def provided(self) -> tuple[ProvidedPassage, ...]:
        """The hits as the library takes them.

        Raises:
            InvalidRequestError: If there are none, or the lists are not of one length.
        """
        if not self.context and not self.docid:
            raise InvalidRequestError("context", "expected texts of hits, found none")
        if self.context and self.docid and len(self.context) != len(self.docid):
            problem = f"expected {len(self.context)} identifiers, one a text, found "
            raise InvalidRequestError("docid", f"{problem}{len(self.docid)}")
        if not self.context:
            return tuple(ProvidedPassage(passage_id=one) for one in self.docid)
        ids = self.docid or [None] * len(self.context)
        return tuple(
            ProvidedPassage(passage_id=one, text=text)
            for one, text in zip(ids, self.context, strict=True)
        )


class HitAnswer(BaseModel):
    """The best answer of a hit; without text it is empty, at 0 to 0."""

    answer: Annotated[str, Field(examples=["88"])] = ""
    score: Annotated[float, Field(description="Between 0 and 1; those of all hits compare.")] = 0.0
    start: Annotated[int, Field(description="In UTF-16 code units.")] = 0
    end: Annotated[int, Field(description="Exclusive.")] = 0
    docid: Annotated[str, Field(description="As it was sent, or the index's own.")] = ""
    from_store: Annotated[bool, Field(description="Whether stored states were used.")] = False

    @classmethod
    def of(cls, provided: ProvidedAnswer) -> Self:
        """From what the library gives."""
        start, end = utf16_span(provided.answer)
        return cls(
            answer=provided.answer.answer,
            score=provided.answer.score,
            start=start,
            end=end,
            docid=provided.answer.passage_id,
            from_store=provided.from_store,
        )


class HitsReply(BaseModel):
    """Answers of all hits, in their order, and the best of them."""

    answers: list[HitAnswer]
    best: Annotated[HitAnswer, Field(description="The one of the highest score.")]


@router.post("/v1/{index}/opensearch/hits", summary="OpenSearch: ml_inference on search hits")
async def hits(
    index: IndexName,
    asked: Annotated[HitsRequest, Body()],
    request: Request,
    service: ServiceHere,
) -> HitsReply:
    """The best answer of every hit, their scores comparing with each other."""
    return await answer_hits(index, asked, request, service)


async def answer_hits(
    index: str, asked: HitsRequest, request: Request, service: Service
) -> HitsReply:
    """What `hits` replies."""
    service.check_index(index)
    provided = asked.provided()
    service.config.limits.check_question(asked.question)
    service.config.limits.check_passages(provided)
    note(request, service, question=asked.question, n_passages=len(provided))
    job = EachJob(index, asked.question, provided)
    found = cast(list[ProvidedAnswer | None], await do_job(service.reading, job, request, None))
    answers = [
        HitAnswer.of(one) if one else HitAnswer(docid=passage.passage_id or "")
        for one, passage in zip(found, provided, strict=True)
    ]
    return HitsReply(answers=answers, best=max(answers, key=lambda one: one.score))
