"""OpenSearch's semantic highlighter with a remote model: the answer in each text is highlighted.

The highlighter fails the whole search if a highlight is empty, overlaps another or lies outside the
text, and it cuts Java strings. So a text has one highlight, or sentences in their order where the
request asks for them, in UTF-16 code units.

Source: neural-search, ``HighlightTagApplier`` and ``MLCommonsClientAccessor``.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Self, cast

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field

from ...qa.sentences import HighlightedSentence, ReadPassage, highlighted
from ...qa.types import Answer, ProvidedAnswer, ProvidedPassage
from ..handling import REFUSALS, IndexName, ServiceHere, do_job, note
from ..jobs import ReadSeveralJob, SentencesJob
from ..limits import MOST_ITEMS
from ..offsets import Offsets
from ..schemas import EXAMPLE_QUESTION, EXAMPLE_TEXT, Question, Text
from ..service import Service
from .shapes import EngineRequest, PassageText, utf16_span

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
    def of(cls, answer: Answer) -> Self:
        """Highlight an answer.

        Args:
            answer: The answer.
        """
        start, end = utf16_span(answer)
        return cls(start=start, end=end, text=answer.answer, score=answer.score)

    @classmethod
    def of_sentence(cls, found: HighlightedSentence) -> Self:
        """Highlight a sentence.

        Args:
            found: The sentence.
        """
        start, end = Offsets.UTF16.convert(found.passage, found.start, found.end)
        return cls(start=start, end=end, text=found.sentence, score=found.score)


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
    index: IndexName,
    asked: Annotated[HighlightRequest, Body()],
    request: Request,
    service: ServiceHere,
) -> HighlightReply:
    """Highlights the answers in texts. Texts that the index holds are read from stored states."""
    return await highlight_texts(index, asked, request, service)


async def highlight_texts(
    index: str, asked: HighlightRequest, request: Request, service: Service
) -> HighlightReply:
    """Make the reply of `highlight`.

    Args:
        index: Name of the index.
        asked: The questions and texts.
        request: The request, for its deadline and its log line.
        service: What answers.

    Raises:
        ServeError: If the request is refused.
    """
    service.check_index(index)
    limits = service.config.limits
    inputs = asked.inputs or [HighlightInput(question=asked.question, context=asked.context)]
    provided = tuple(ProvidedPassage(text=one.context) for one in inputs)
    limits.check_passages(provided, "inputs")
    for place, one in enumerate(inputs):
        name = f"inputs[{place}].question" if asked.inputs else "question"
        limits.check_question(one.question, name)
    note(request, service, question=inputs[0].question, n_passages=len(inputs))
    questions = tuple(one.question for one in inputs)
    if asked.highlight is Unit.SENTENCE:
        apart = tuple((one,) for one in provided)
        scoring = SentencesJob(index, questions, top_k=1, provided=apart)
        read = cast(list[list[ReadPassage]], await do_job(service.reading, scoring, request, None))
        found = [_sentences(passages) for passages in read]
    else:
        job = ReadSeveralJob(index, questions, provided, n_answers=1)
        answers = cast(
            list[list[ProvidedAnswer]], await do_job(service.reading, job, request, None)
        )
        found = [[Highlight.of(one.answer) for one in best] for best in answers]
    return HighlightReply(highlights=found if asked.inputs else found[0])


def _sentences(read: Sequence[ReadPassage]) -> list[Highlight]:
    """The sentences of a text that are likely to answer, in their order."""
    best = highlighted(read, n_sentences=MOST_ITEMS)
    return [Highlight.of_sentence(one) for one in sorted(best, key=lambda one: one.start)]
