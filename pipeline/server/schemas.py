"""The shapes of requests and replies, from which the OpenAPI document is made."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from ...data import Passage
from ...indexer.bm25.indexer import contents_of
from ..qa.types import Answer, ProvidedAnswer, ProvidedPassage, RankedPassage, Result
from ..retrievers.search import FoundPassage
from .doubt import Doubt, Judgement, judge
from .limits import MOST_ITEMS, MOST_SCORE
from .offsets import Offsets

EXAMPLE_QUESTION = "How many keys does a modern piano have?"
EXAMPLE_TEXT = "A modern concert grand has 88 keys and more than 200 strings."


class Request(BaseModel):
    """A request. Unknown fields are refused, because most of them are misspelt."""

    model_config = ConfigDict(extra="forbid")


def _check_text(value: str) -> str:
    """Refuse half of a surrogate pair, which JSON can spell but which is no character."""
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("expected text, found half of a UTF-16 surrogate pair")
    return value


Text = Annotated[str, AfterValidator(_check_text)]
Question = Annotated[
    Text,
    Field(
        description="Any text. The reader ignores words beyond its longest question.",
        examples=[EXAMPLE_QUESTION],
    ),
]
NumAnswers = Annotated[
    int, Field(ge=1, description="Number of answers at most; no two are equal.", examples=[5])
]
OffsetsField = Annotated[
    Offsets,
    Field(
        description="Unit of `start` and `end`: code points (Python) or UTF-16 code units (Java, "
        "JavaScript)."
    ),
]
TimeoutMs = Annotated[
    int | None,
    Field(ge=1, description="Milliseconds for this request; the server's limit holds as well."),
]
MinConfidence = Annotated[
    float | None,
    Field(
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Probability of being right below which no answer is given. By default the "
        "server's; 0 gives every answer.",
    ),
]


class AnswerRequest(Request):
    """A question to an index."""

    question: Question
    top_k: Annotated[int, Field(ge=1, description="Number of passages that are read.")] = 20
    n_answers: NumAnswers = 5
    min_confidence: MinConfidence = None
    offsets: OffsetsField = Offsets.CODEPOINT
    timeout_ms: TimeoutMs = None


class SearchRequest(Request):
    """A search in an index, with the fields of pyserini's server."""

    query: Annotated[Text, Field(description="Plain words.", examples=["longest river"])]
    hits: Annotated[int, Field(ge=1, description="Number of passages that are returned.")] = 10
    parse: Annotated[
        bool,
        Field(description="Whether `doc` is an object; if not, it is the JSON text of the record."),
    ] = True
    timeout_ms: TimeoutMs = None


class DocRequest(Request):
    """The form in which a passage is returned."""

    parse: Annotated[
        bool,
        Field(description="Whether `doc` is an object; if not, it is the JSON text of the record."),
    ] = True
    timeout_ms: TimeoutMs = None


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
        """Refuse a passage without content."""
        if self.id is None and self.text is None:
            raise ValueError("expected an id or a text, found neither")
        return self

    def to_provided(self) -> ProvidedPassage:
        """The passage as the library takes it."""
        return ProvidedPassage(self.id, self.text, self.title, self.score)


def _as_passage(value: object) -> object:
    """A string stands for a passage with that text."""
    return {"text": value} if isinstance(value, str) else value


class ProvidedRequest(Request):
    """A question and provided passages, which may also be called `query` and `documents`."""

    question: Annotated[Question, Field(validation_alias=AliasChoices("question", "query"))]
    passages: Annotated[
        list[Annotated[PassageField, BeforeValidator(_as_passage)]],
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


class Reply(BaseModel):
    """The fields of every reply."""

    api: Annotated[str, Field(description="Version of this interface.")] = "v1"
    index: Annotated[str, Field(description="Name of the index.", examples=["my-index"])]


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
    passage_id: Annotated[
        str, Field(description="Identifier of the passage.", examples=["piano-1"])
    ]
    title: Annotated[str, Field(description="Title of the passage, or empty.", examples=["Piano"])]
    start: Annotated[int, Field(description="Start in `passage`, in the unit of `offsets`.")]
    end: Annotated[int, Field(description="End in `passage`, exclusive.")]
    passage: Annotated[str, Field(description="Text of the passage.", examples=[EXAMPLE_TEXT])]
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
    took_ms: Annotated[float, Field(description="Milliseconds in the server, waiting included.")]
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
        cls, index: str, asked: AnswerRequest, result: Result, took_ms: float, default: float | None
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


class ReadAnswerField(AnswerField):
    """An answer, and the provided passage that it comes from."""

    place: Annotated[int, Field(description="Place of the passage in `passages`, from 0.")]
    from_store: Annotated[
        bool,
        Field(description="Whether stored states were read; if not, the text went through all "
        "layers."),
    ]  # fmt: skip

    @classmethod
    def of(cls, provided: ProvidedAnswer, offsets: Offsets) -> Self:
        """Make the field of an answer.

        Args:
            provided: The answer and its passage.
            offsets: Unit of the offsets.
        """
        fields = cls.fields_of(provided.answer, offsets)
        return cls(**fields, place=provided.place, from_store=provided.from_store)


class ReadReply(JudgedReply):
    """Answers, best first. There are none if the passages have no text."""

    question: Annotated[str, Field(description="The question.")]
    answers: Annotated[list[ReadAnswerField], Field(description="The answers, best first.")]
    offsets: OffsetsField
    took_ms: Annotated[float, Field(description="Milliseconds in the server, waiting included.")]

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
                ReadAnswerField.of(one, asked.offsets)
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
    from_store: Annotated[
        bool,
        Field(description="Whether stored states were read; if not, the text went through all "
        "layers."),
    ]  # fmt: skip

    @classmethod
    def of(cls, ranked: RankedPassage) -> Self:
        """Make the field of a passage.

        Args:
            ranked: The passage and its rank.
        """
        return cls(
            index=ranked.place,
            relevance_score=ranked.relevance,
            logit=ranked.logit,
            passage_id=ranked.passage_id,
            from_store=ranked.from_store,
        )


class RerankReply(Reply):
    """The provided passages, best first."""

    results: Annotated[list[RankedField], Field(description="The passages, best first.")]
    took_ms: Annotated[float, Field(description="Milliseconds in the server, waiting included.")]


class DocField(BaseModel):
    """A passage."""

    title: Annotated[str, Field(description="Its title, or empty.")]
    text: Annotated[str, Field(description="Its text.")]

    @classmethod
    def of(cls, passage: Passage, parse: bool) -> "DocField | str":
        """Make a document as pyserini's server returns it.

        Args:
            passage: The passage.
            parse: Whether it is an object; if not, it is the JSON text of the record.
        """
        if parse:
            return cls(title=passage.title, text=passage.text)
        record = {"id": passage.passage_id, "contents": contents_of(passage)}
        return json.dumps(record, ensure_ascii=False)


class CandidateField(BaseModel):
    """A passage that was found."""

    docid: Annotated[str, Field(description="Its identifier.", examples=["piano-1"])]
    score: Annotated[float, Field(description="Score of the retriever.")]
    rank: Annotated[int, Field(ge=1, description="Its rank, from 1.")]
    doc: Annotated[DocField | str, Field(description="The passage, as an object or as JSON text.")]
    metadata: Annotated[
        dict[str, Any], Field(description="Fields of the passage besides its text.")
    ]

    @classmethod
    def of(cls, found: FoundPassage, parse: bool) -> Self:
        """Make the field of a passage.

        Args:
            found: The passage and its rank.
            parse: Whether ``doc`` is an object; if not, it is the JSON text of the record.
        """
        doc = DocField.of(found.passage, parse)
        return cls(
            docid=found.passage.passage_id,
            score=found.score,
            rank=found.rank,
            doc=doc,
            metadata=found.passage.shown_metadata(),
        )


class QueryField(BaseModel):
    """A query."""

    text: Annotated[str, Field(description="Its words.")]


class SearchReply(Reply):
    """Passages, best first."""

    query: Annotated[QueryField, Field(description="The query.")]
    candidates: Annotated[list[CandidateField], Field(description="The passages, best first.")]

    @classmethod
    def of(cls, index: str, query: str, found: Sequence[FoundPassage], *, parse: bool) -> Self:
        """Make the reply to a search.

        Args:
            index: Name of the index.
            query: The query.
            found: The passages, best first.
            parse: Whether ``doc`` is an object; if not, it is the JSON text of the record.
        """
        candidates = [CandidateField.of(passage, parse) for passage in found]
        return cls(index=index, query=QueryField(text=query), candidates=candidates)


class DocReply(Reply):
    """A passage."""

    docid: Annotated[str, Field(description="Its identifier.")]
    doc: Annotated[DocField | str, Field(description="The passage, as an object or as JSON text.")]


class ServedField(BaseModel):
    """An index that is served."""

    name: Annotated[str, Field(description="Its name, as in addresses.", examples=["my-index"])]
    n_passages: Annotated[int, Field(description="How many passages it has.")]
    retriever: Annotated[
        str, Field(description="What finds its passages.", examples=["bm25", "hybrid"])
    ]


class LimitsField(BaseModel):
    """The most that one request may ask for."""

    question_chars: Annotated[int, Field(description="Characters of a question.")]
    top_k: Annotated[int, Field(description="Passages retrieved for a question.")]
    n_answers: Annotated[int, Field(description="Answers to a question.")]
    passages: Annotated[int, Field(description="Provided passages.")]
    provided_tokens: Annotated[
        int, Field(description="Tokens of provided text that the index does not hold.")
    ]


class IndexesReply(BaseModel):
    """The indexes that are served."""

    api: Annotated[str, Field(description="Version of this interface.")] = "v1"
    indexes: Annotated[list[ServedField], Field(description="The indexes.")]
    limits: Annotated[LimitsField, Field(description="The most that one request may ask for.")]


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: Annotated[str, Field(description="Its name.", examples=["passages[3].text"])]
    message: Annotated[str, Field(description="What was expected.")]


class ErrorField(BaseModel):
    """What is wrong with the request, or with the server."""

    type: Annotated[
        str, Field(description="A word that programs can compare.", examples=["invalid_request"])
    ]
    message: Annotated[str, Field(description="What was expected, what was found and what to do.")]
    field: Annotated[str | None, Field(description="Name of the wrong field.")] = None
    details: Annotated[
        list[FieldProblem] | None, Field(description="The wrong fields, where there are several.")
    ] = None
    retry_after_s: Annotated[
        int | None, Field(description="Seconds to wait; the header Retry-After has them as well.")
    ] = None


class ErrorReply(BaseModel):
    """The reply to a request that is refused."""

    error: Annotated[ErrorField, Field(description="What is wrong.")]
    request_id: Annotated[
        str,
        Field(description="Identifier of the request; the header X-Request-ID has it as well."),
    ]


class HealthReply(BaseModel):
    """The state of a server."""

    status: Annotated[str, Field(description="`ok`, `broken` or `shutting_down`.", examples=["ok"])]
    indexes: Annotated[
        list[str] | None,
        Field(description="Names of the indexes; absent if a key is needed and was not sent."),
    ] = None
