"""Questions to an index, and their answers."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from ...qa.types import Answer, Result
from ..doubt import Doubt, Judgement, judge
from ..offsets import Offsets
from .fields import (
    EXAMPLE_TEXT,
    End,
    MinConfidence,
    NumAnswers,
    OffsetsField,
    PassageId,
    PassageText,
    Question,
    Reply,
    Request,
    RetrievalFields,
    RetrievalQuery,
    Start,
    TimeoutMs,
    Title,
    TookMs,
    TopK,
)


class QuestionRequest(Request):
    """A question to an index, whose retriever finds passages by itself."""

    question: Question
    top_k: TopK = 20
    n_answers: NumAnswers = 5
    min_confidence: MinConfidence = None
    offsets: OffsetsField = Offsets.CODEPOINT
    timeout_ms: TimeoutMs = None


class AnswerRequest(QuestionRequest, RetrievalFields):
    """A question to an index."""


class AnswerQuery(QuestionRequest, RetrievalQuery):
    """A question to an index, in an address."""


class SupportField(BaseModel):
    """A passage that contains an answer."""

    passage_id: Annotated[str, Field(description="Its identifier.", examples=["piano-1"])]
    title: Annotated[str, Field(description="Its title, or empty.")]
    start: Annotated[int, Field(description="Start of the answer there, always in code points.")]
    end: Annotated[int, Field(description="End of the answer there, exclusive.")]
    score: Annotated[float, Field(description="Share of the passage in the answer's score.")]


class AnswerField(BaseModel):
    """An answer and its place in a passage."""

    answer: Annotated[str, Field(description="`passage[start:end]`.", examples=["88"])]
    score: Annotated[
        float,
        Field(description="From 0 to 1; comparable among the answers to one question."),
    ]
    passage_id: PassageId
    title: Title
    start: Start
    end: End
    passage: PassageText
    confidence: Annotated[
        float | None,
        Field(
            description="Probability that the answer is right. Only the best answer has one, and "
            "only where the reader was calibrated."
        ),
    ]
    supporting: Annotated[
        list[SupportField],
        Field(description="All passages that contain this answer; the first is `passage`."),
    ]
    metadata: Annotated[
        dict[str, Any],
        Field(
            default_factory=dict,
            description="Fields of the passage besides its text.",
            examples=[{"document": "report.pdf", "page": 3}],
        ),
    ]

    @classmethod
    def fields_of(cls, answer: Answer, offsets: Offsets) -> dict[str, Any]:
        """The fields of an answer.

        Args:
            answer: The answer, with offsets in code points.
            offsets: Unit of the offsets in the reply.

        Returns:
            The keys of ``preread ask --json``.
        """
        start, end = offsets.convert(answer.passage, answer.start, answer.end)
        return {**answer.to_dict(), "start": start, "end": end}


class BestPassageField(BaseModel):
    """The passage that is most likely to help."""

    passage_id: Annotated[str, Field(description="Its identifier.", examples=["piano-1"])]
    title: Annotated[str, Field(description="Its title, or empty.", examples=["Piano"])]
    passage: Annotated[str, Field(description="Its text.", examples=[EXAMPLE_TEXT])]


class JudgedReply(Reply):
    """What a reply says about the best answer."""

    confidence: Annotated[
        float | None,
        Field(
            description="Probability that the best answer is right, also where it is held back; "
            "null where the reader was not calibrated or nothing was found."
        ),
    ]
    doubt: Annotated[
        Doubt | None,
        Field(
            description="Why the answers may not be right. `low_confidence`: they are held back. "
            "`list`, `yes_no`, `how_to`: quoted words can hardly answer such a question. Null: "
            "nothing speaks against them."
        ),
    ]
    best_passage: Annotated[
        BestPassageField | None,
        Field(description="The passage that is most likely to help; null where there is no doubt."),
    ]

    @staticmethod
    def judged(judgement: Judgement, answers: Sequence[Answer]) -> dict[str, Any]:
        """The fields of this class.

        Args:
            judgement: What is said about the answers.
            answers: The answers, best first, whether or not they are given.
        """
        best = answers[0] if answers and judgement.doubt else None
        return {
            "confidence": judgement.confidence,
            "doubt": judgement.doubt,
            "best_passage": best
            and BestPassageField(
                passage_id=best.passage_id, title=best.title, passage=best.passage
            ),
        }


class AnswerReply(JudgedReply):
    """Answers, best first. There are none if no passage shares a word with the question."""

    question: Annotated[str, Field(description="The question.")]
    answers: Annotated[list[AnswerField], Field(description="The answers, best first.")]
    offsets: OffsetsField
    took_ms: TookMs
    stage_ms: Annotated[
        dict[str, float],
        Field(
            description="Milliseconds of each stage. `wait` is the time until the reader was free, "
            "and what belongs to no other stage. The others are those of all questions that were "
            "read together.",
            examples=[{"wait": 5.2, "retrieve": 3.1, "read": 38.4}],
        ),
    ]

    @classmethod
    def of(
        cls,
        index: str,
        asked: QuestionRequest,
        result: Result,
        took_ms: float,
        default: float | None,
    ) -> Self:
        """Make the reply to a question.

        Args:
            index: Name of the index.
            asked: The request.
            result: What the library found; its timings are those of the batch.
            took_ms: Milliseconds since the request arrived.
            default: Least confidence of the server's answers; None where it was not set.

        Raises:
            InvalidRequestError: If the request has a least confidence and the reader was not
                calibrated.
        """
        stages = {stage: round(ms, 2) for stage, ms in result.timings.stages.items()}
        wait = round(max(0.0, took_ms - sum(stages.values())), 2)
        judgement = judge(asked.question, result.answers, asked.min_confidence, default)
        answers = result.answers if judgement.is_given else []
        return cls(
            index=index,
            question=asked.question,
            answers=[AnswerField(**AnswerField.fields_of(a, asked.offsets)) for a in answers],
            offsets=asked.offsets,
            took_ms=round(took_ms, 2),
            stage_ms={"wait": wait, **stages},
            **cls.judged(judgement, result.answers),
        )
