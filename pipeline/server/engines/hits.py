"""OpenSearch's ``ml_inference`` response processor: all hits of a search in one request.

The processor gives each hit its item of a list that has one for each hit; ``best`` goes to ``ext``
of the search response.

Source: ml-commons, ``MLInferenceSearchResponseProcessor``.
"""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, BeforeValidator, Field

from ...qa.types import ProvidedAnswer, ProvidedPassage
from ..errors import InvalidRequestError
from ..handling import REFUSALS, IndexName, ServiceHere, do_job, note
from ..jobs import EachJob
from ..limits import MOST_ITEMS
from ..offsets import Offsets
from ..schemas.fields import EXAMPLE_TEXT, Question, Text
from .shapes import EngineRequest, TextList

router = APIRouter(responses=REFUSALS)


def _as_ids(value: object) -> object:
    """Identifiers may be numbers in the engine, or absent."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [str(one) if isinstance(one, int) else one for one in values]


class HitsRequest(EngineRequest):
    """A question, and the fields of the hits as lists in their order."""

    question: Question
    context: Annotated[
        TextList,
        Field(
            description="Texts of the hits. A single text need not be a list.",
            examples=[[EXAMPLE_TEXT]],
        ),
    ] = []
    docid: Annotated[
        list[Text | None],
        BeforeValidator(_as_ids),
        Field(
            max_length=MOST_ITEMS,
            description="Identifiers of the hits. Without texts they must be in the index.",
        ),
    ] = []

    def provided(self) -> tuple[ProvidedPassage, ...]:
        """The hits as the library takes them.

        Raises:
            InvalidRequestError: If there are no hits, or the lists have different lengths.
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
    """The best answer of a hit. A hit without text has an empty one."""

    answer: Annotated[str, Field(description="Words of the text.", examples=["88"])] = ""
    score: Annotated[
        float, Field(description="From 0 to 1; comparable among the hits of a request.")
    ] = 0.0
    start: Annotated[int, Field(description="Start in the text, in UTF-16 code units.")] = 0
    end: Annotated[int, Field(description="End in the text, exclusive.")] = 0
    docid: Annotated[
        str, Field(description="Identifier as it was sent; without one, the index's.")
    ] = ""
    from_store: Annotated[bool, Field(description="Whether stored states were read.")] = False


class HitsReply(BaseModel):
    """The answers of all hits, and the best of them."""

    answers: Annotated[list[HitAnswer], Field(description="In the order of the hits.")]
    best: Annotated[HitAnswer, Field(description="The answer with the highest score.")]


@router.post("/v1/{index}/opensearch/hits", summary="OpenSearch: ml_inference on search hits")
async def hits(
    index: IndexName, asked: HitsRequest, request: Request, service: ServiceHere
) -> HitsReply:
    """Gives the best answer of each hit, with scores that are comparable."""
    service.check_index(index)
    provided = asked.provided()
    service.config.limits.check_question(asked.question)
    service.config.limits.check_passages(provided)
    note(request, service, question=asked.question, n_passages=len(provided))
    job = EachJob(index, asked.question, provided)
    found = await do_job(job, request)
    answers = [
        _hit_answer(one) if one else HitAnswer(docid=passage.passage_id or "")
        for one, passage in zip(found, provided, strict=True)
    ]
    return HitsReply(answers=answers, best=max(answers, key=lambda one: one.score))


def _hit_answer(provided: ProvidedAnswer) -> HitAnswer:
    """The answer of a hit, as the processor takes it."""
    answer = provided.answer
    start, end = Offsets.UTF16.convert(answer.passage, answer.start, answer.end)
    return HitAnswer(
        answer=answer.answer,
        score=answer.score,
        start=start,
        end=end,
        docid=answer.passage_id,
        from_store=provided.from_store,
    )
