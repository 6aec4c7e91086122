"""Passages that the client provides: answers from them, and their order."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, model_validator

from ...qa.types import ProvidedAnswer, ProvidedPassage
from ..doubt import judge
from ..limits import MOST_ITEMS, MOST_SCORE
from ..offsets import Offsets
from .answers import AnswerField, JudgedReply
from .fields import (
    EXAMPLE_TEXT,
    FromStore,
    MinConfidence,
    NumAnswers,
    OffsetsField,
    Question,
    Reply,
    Request,
    Text,
    TimeoutMs,
    TookMs,
)


class PassageField(Request):
    """A provided passage. It has an `id`, a `text`, or both."""

    id: Annotated[
        Text | None,
        Field(
            description="Identifier in the index; with a `text`, any label.",
            examples=["piano-1"],
        ),
    ] = None
    text: Annotated[
        Text | None,
        Field(
            description="Text of the passage. If the index holds the same text, its stored states "
            "are read; other text goes through all layers.",
            examples=[EXAMPLE_TEXT],
        ),
    ] = None
    title: Annotated[
        Text | None,
        Field(description="Title of the text. Stored states depend on it."),
    ] = None
    score: Annotated[
        float,
        Field(
            ge=-MOST_SCORE,
            le=MOST_SCORE,
            allow_inf_nan=False,
            description="Score of the engine that found the passage; counts as a BM25 score does.",
        ),
    ] = 0.0

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if self.id is None and self.text is None:
            raise ValueError("expected an id or a text, found neither")
        return self

    def to_provided(self) -> ProvidedPassage:
        """The passage as the library takes it."""
        return ProvidedPassage(self.id, self.text, self.title, self.score)


def as_passage(value: object) -> object:
    """A string stands for a passage with that text.

    Args:
        value: An item of a list of passages.
    """
    return {"text": value} if isinstance(value, str) else value


class ProvidedRequest(Request):
    """A question and provided passages, which may also be called `query` and `documents`."""

    question: Annotated[Question, Field(validation_alias=AliasChoices("question", "query"))]
    passages: Annotated[
        list[Annotated[PassageField, BeforeValidator(as_passage)]],
        Field(
            min_length=1,
            max_length=MOST_ITEMS,
            validation_alias=AliasChoices("passages", "documents"),
            description="Passages that are read, in any order; a string is the text of a passage.",
            examples=[[{"id": "piano-1"}, {"text": EXAMPLE_TEXT}]],
        ),
    ]
    timeout_ms: TimeoutMs = None

    def provided(self) -> tuple[ProvidedPassage, ...]:
        """The passages as the library takes them."""
        return tuple(passage.to_provided() for passage in self.passages)


class ReadRequest(ProvidedRequest):
    """A question, and the passages from which it is answered."""

    n_answers: NumAnswers = 5
    min_confidence: MinConfidence = None
    offsets: OffsetsField = Offsets.CODEPOINT


class RerankRequest(ProvidedRequest):
    """A question, and the passages that are put in order."""

    top_n: Annotated[
        int | None, Field(ge=1, description="Number of passages that are returned; by default all.")
    ] = None


class ReadAnswerField(AnswerField):
    """An answer, and the provided passage that it comes from."""

    place: Annotated[int, Field(description="Place of the passage in `passages`, from 0.")]
    from_store: FromStore


class ReadReply(JudgedReply):
    """Answers, best first. There are none if the passages have no text."""

    question: Annotated[str, Field(description="The question.")]
    answers: Annotated[list[ReadAnswerField], Field(description="The answers, best first.")]
    offsets: OffsetsField
    took_ms: TookMs

    @classmethod
    def of(
        cls,
        index: str,
        asked: ReadRequest,
        found: Sequence[ProvidedAnswer],
        took_ms: float,
        default: float | None,
    ) -> Self:
        """Make the reply to a question with provided passages.

        Args:
            index: Name of the index.
            asked: The request.
            found: Its answers, best first.
            took_ms: Milliseconds since the request arrived.
            default: Least confidence of the server's answers; None where it was not set.

        Raises:
            InvalidRequestError: If the request has a least confidence and the reader was not
                calibrated.
        """
        answers = [one.answer for one in found]
        judgement = judge(asked.question, answers, asked.min_confidence, default)
        return cls(
            index=index,
            question=asked.question,
            answers=[
                ReadAnswerField(
                    **AnswerField.fields_of(one.answer, asked.offsets),
                    place=one.place,
                    from_store=one.from_store,
                )
                for one in (found if judgement.is_given else ())
            ],
            offsets=asked.offsets,
            took_ms=took_ms,
            **cls.judged(judgement, answers),
        )


class RankedField(BaseModel):
    """How well one of the provided passages answers."""

    index: Annotated[int, Field(description="Place of the passage in `passages`, from 0.")]
    relevance_score: Annotated[
        float,
        Field(description="From 0 to 1; the scores of all provided passages add up to 1."),
    ]
    logit: Annotated[
        float | None,
        Field(description="Logit of the passage's best answer; null if the passage has no text."),
    ]
    passage_id: Annotated[
        str, Field(description="Identifier of the passage; empty if nobody gave one.")
    ]
    from_store: FromStore


class RerankReply(Reply):
    """The provided passages, best first."""

    results: Annotated[list[RankedField], Field(description="The passages, best first.")]
    took_ms: TookMs
