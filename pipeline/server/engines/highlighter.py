"""OpenSearch's semantic highlighter with a remote model: the answer in each text is highlighted.

The highlighter fails the whole search if a highlight is empty, overlaps another or lies outside the
text, and it cuts Java strings. So a text has one highlight, or sentences in their order where the
request asks for them, in UTF-16 code units.

Source: neural-search, ``HighlightTagApplier`` and ``MLCommonsClientAccessor``.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Self

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from ...qa.sentences import HighlightedSentence, ReadPassage, highlighted
from ...qa.types import Answer, ProvidedPassage
from ..handling import REFUSALS, IndexName, ServiceHere, do_job, note
from ..jobs import ReadJob, SentencesJob
from ..limits import MOST_ITEMS
from ..offsets import Offsets
from ..schemas.fields import EXAMPLE_QUESTION, EXAMPLE_TEXT, Question, Text
from .shapes import EngineRequest, PassageText

router = APIRouter(responses=REFUSALS)


class HighlightInput(EngineRequest):
    """A question and the text in which its answer is highlighted."""

    question: Question
    context: Annotated[PassageText, Field(description="The text. An empty one gets no highlight.")]


class Unit(StrEnum):
    """What is highlighted."""

    ANSWER = "answer"
    """The best answer of each text."""
    SENTENCE = "sentence"
    """The sentences of each text that are likely to answer; there may be none."""


class HighlightRequest(EngineRequest):
    """One text, or several in `inputs`. The connector sends the unused fields empty."""

    question: Annotated[
        Text,
        Field(
            description="The question; ignored if there are `inputs`.", examples=[EXAMPLE_QUESTION]
        ),
    ] = ""
    context: Annotated[
        PassageText,
        Field(description="The text; ignored if there are `inputs`.", examples=[EXAMPLE_TEXT]),
    ] = ""
    inputs: Annotated[
        list[HighlightInput],
        Field(max_length=MOST_ITEMS, description="Questions and texts of a batch."),
    ] = []
    highlight: Annotated[
        Unit, Field(description="Whether answers or whole sentences are highlighted.")
    ] = Unit.ANSWER


class Highlight(BaseModel):
    """A highlight."""

    start: Annotated[int, Field(description="Its start, in UTF-16 code units.")]
    end: Annotated[int, Field(description="Its end, exclusive.")]
    text: Annotated[str, Field(description="The highlighted words.")]
    score: Annotated[float, Field(description="From 0 to 1, among the spans of this text.")]

    @classmethod
    def of(cls, found: Answer | HighlightedSentence) -> Self:
        """Highlight an answer or a sentence.

        Args:
            found: The answer or sentence.
        """
        start, end = Offsets.UTF16.convert(found.passage, found.start, found.end)
        text = found.passage[found.start : found.end]
        return cls(start=start, end=end, text=text, score=found.score)


class HighlightReply(BaseModel):
    """Highlights."""

    highlights: Annotated[
        list[Highlight] | list[list[Highlight]],
        Field(
            description="Highlights of the text; for a batch, a list of highlights for each text."
        ),
    ]


@router.post("/v1/{index}/opensearch/highlight", summary="OpenSearch: semantic highlighter")
async def highlight(
    index: IndexName, asked: HighlightRequest, request: Request, service: ServiceHere
) -> HighlightReply:
    """Highlights the answers in texts. Texts that the index holds are read from stored states."""
    service.check_index(index)
    limits = service.config.limits
    inputs = asked.inputs or [HighlightInput(question=asked.question, context=asked.context)]
    passages = [ProvidedPassage(text=one.context) for one in inputs]
    limits.check_passages(passages, "inputs")
    for place, one in enumerate(inputs):
        name = f"inputs[{place}].question" if asked.inputs else "question"
        limits.check_question(one.question, name)
    note(request, service, question=inputs[0].question, n_passages=len(inputs))
    questions = tuple(one.question for one in inputs)
    apart = tuple((one,) for one in passages)
    if asked.highlight is Unit.SENTENCE:
        scoring = SentencesJob(index, questions, top_k=1, passages=apart)
        read = await do_job(scoring, request)
        found = [_sentences(of_text) for of_text in read]
    else:
        job = ReadJob(index, questions, apart, n_answers=1)
        answers = await do_job(job, request)
        found = [[Highlight.of(one.answer) for one in best] for best in answers]
    return HighlightReply(highlights=found if asked.inputs else found[0])


def _sentences(read: Sequence[ReadPassage]) -> list[Highlight]:
    """The sentences of a text that are likely to answer, in their order."""
    best = highlighted(read, n_sentences=MOST_ITEMS)
    return [Highlight.of(one) for one in sorted(best, key=lambda one: one.start)]
