"""What requests and replies look like; the OpenAPI document is made of it."""

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
from .offsets import Offsets

_EXAMPLE_QUESTION = "How many keys does a modern piano have?"
_EXAMPLE_TEXT = "A modern concert grand has 88 keys and more than 200 strings."


class Request(BaseModel):
    """A request: unknown fields are refused, for they are mostly misspelt ones."""

    model_config = ConfigDict(extra="forbid")


def _check_text(value: str) -> str:
    """Refuse half a surrogate pair: JSON can spell it, but it is no character."""
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("expected text, found half of a UTF-16 surrogate pair")
    return value


Text = Annotated[str, AfterValidator(_check_text)]
Question = Annotated[
    Text,
    Field(
        description="Any text. Words beyond the reader's longest question are not read.",
        examples=[_EXAMPLE_QUESTION],
    ),
]
NumAnswers = Annotated[
    int, Field(ge=1, description="Answers at most; no two are equal.", examples=[5])
]
OffsetsField = Annotated[
    Offsets,
    Field(
        description="What `start` and `end` count: code points (Python), or UTF-16 code units "
        "(Java, JavaScript)."
    ),
]
TimeoutMs = Annotated[
    int | None,
    Field(ge=1, description="Time for this request, if less than the server's limit."),
]


class AnswerRequest(Request):
    """A question to an index."""

    question: Question
    top_k: Annotated[int, Field(ge=1, description="Passages that are read.")] = 20
    n_answers: NumAnswers = 5
    offsets: OffsetsField = Offsets.CODEPOINT
    timeout_ms: TimeoutMs = None


class SearchRequest(Request):
    """A search in an index, as pyserini's server takes it."""

    query: Annotated[Text, Field(description="Plain words.", examples=["longest river"])]
    hits: Annotated[int, Field(ge=1, description="Passages that are returned.")] = 10
    parse: Annotated[
        bool,
        Field(description="Whether `doc` is an object; if not, it is the JSON text of the record."),
    ] = True
    timeout_ms: TimeoutMs = None


class DocRequest(Request):
    """How a passage is returned."""

    parse: Annotated[bool, Field(description="As in a search.")] = True
    timeout_ms: TimeoutMs = None


class PassageField(Request):
    """A passage to be read. It has an `id`, a `text`, or both."""

    id: Annotated[
        Text | None,
        Field(
            description="Its identifier in the index; where there is a text too, any label.",
            examples=["piano-1"],
        ),
    ] = None
    text: Annotated[
        Text | None,
        Field(
            description="Read from stored states if the index has the same text; in full if not.",
            examples=[_EXAMPLE_TEXT],
        ),
    ] = None
    title: Annotated[
        Text | None, Field(description="Of the text; stored states were made with the title.")
    ] = None
    score: Annotated[
        float,
        Field(
            allow_inf_nan=False,
            description="Of the engine that found it; weighs in as BM25's score does.",
        ),
    ] = 0.0

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        """Refuse a passage of nothing."""
        if self.id is None and self.text is None:
            raise ValueError("expected an id or a text, found neither")
        return self

    def to_provided(self) -> ProvidedPassage:
        """As the library takes it."""
        return ProvidedPassage(self.id, self.text, self.title, self.score)


def _as_passage(value: object) -> object:
    """A string stands for a passage of that text."""
    return {"text": value} if isinstance(value, str) else value


class ProvidedRequest(Request):
    """A question and passages; `query` and `documents` are other names for them."""

    question: Annotated[Question, Field(validation_alias=AliasChoices("question", "query"))]
    passages: Annotated[
        list[Annotated[PassageField, BeforeValidator(_as_passage)]],
        Field(
            min_length=1,
            validation_alias=AliasChoices("passages", "documents"),
            description="What is read, in any order; a string is a passage's text.",
            examples=[[{"id": "piano-1"}, {"text": _EXAMPLE_TEXT}]],
        ),
    ]
    timeout_ms: TimeoutMs = None

    def provided(self) -> tuple[ProvidedPassage, ...]:
        """The passages as the library takes them."""
        return tuple(passage.to_provided() for passage in self.passages)


class ReadRequest(ProvidedRequest):
    """A question, and the passages it is read with."""

    n_answers: NumAnswers = 5
    offsets: OffsetsField = Offsets.CODEPOINT


class RerankRequest(ProvidedRequest):
    """A question, and the passages to be put in order."""

    top_n: Annotated[
        int | None, Field(ge=1, description="How many are returned; all by default.")
    ] = None


class Reply(BaseModel):
    """What every reply has."""

    api: Annotated[str, Field(description="Version of this interface.")] = "v1"
    index: Annotated[str, Field(description="Name of the index.", examples=["wiki"])]


class SupportField(BaseModel):
    """A passage that an answer stands in."""

    passage_id: Annotated[str, Field(examples=["piano-1"])]
    title: str
    start: Annotated[int, Field(description="Offset into that passage, in code points always.")]
    end: Annotated[int, Field(description="Exclusive.")]
    score: Annotated[float, Field(description="What the passage is worth for the answer.")]


class AnswerField(BaseModel):
    """An answer and where it stands."""

    answer: Annotated[str, Field(description="`passage[start:end]`.", examples=["88"])]
    score: Annotated[
        float,
        Field(description="Between 0 and 1; compares with other answers to the same question."),
    ]
    passage_id: Annotated[str, Field(examples=["piano-1"])]
    title: Annotated[str, Field(description="Of the passage, or empty.", examples=["Piano"])]
    start: Annotated[int, Field(description="Offset into `passage`, in the unit of `offsets`.")]
    end: Annotated[int, Field(description="Exclusive.")]
    passage: Annotated[str, Field(description="Text of the passage.", examples=[_EXAMPLE_TEXT])]
    confidence: Annotated[
        float | None,
        Field(
            description="Probability that the answer is right; of the best one only, and null "
            "where the reader's was not fitted."
        ),
    ]
    supporting: Annotated[
        list[SupportField],
        Field(description="All passages that give this answer, that of `passage` first."),
    ]
    metadata: Annotated[
        dict[str, Any],
        Field(
            description="What is known of the passage besides its text.",
            examples=[{"document": "report.pdf", "page": 3}],
        ),
    ]

    @classmethod
    def fields_of(cls, answer: Answer, offsets: Offsets) -> dict[str, Any]:
        """The keys of ``preread ask --json``, in other units if need be."""
        start, end = offsets.convert(answer.passage, answer.start, answer.end)
        return {**answer.to_dict(), "start": start, "end": end}


class AnswerReply(Reply):
    """Answers, best first; none where no passage shares a word with the question."""

    question: str
    answers: list[AnswerField]
    offsets: OffsetsField
    took_ms: Annotated[float, Field(description="In the server, waiting included.")]
    stage_ms: Annotated[
        dict[str, float],
        Field(
            description="Where that time went. `wait` is for the reader, and for what is in no "
            "other stage; the rest is of all questions that were read together.",
            examples=[{"wait": 5.2, "retrieve": 3.1, "read": 38.4}],
        ),
    ]

    @classmethod
    def of(
        cls, index: str, question: str, result: Result, offsets: Offsets, took_ms: float
    ) -> Self:
        """From what the library gives.

        Args:
            index: Name of the index.
            question: As it was asked.
            result: Its timings are of the batch.
            offsets: Unit of the offsets.
            took_ms: From the request to now.
        """
        stages = {stage: round(ms, 2) for stage, ms in result.timings.stages.items()}
        wait = round(max(0.0, took_ms - sum(stages.values())), 2)
        return cls(
            index=index,
            question=question,
            answers=[AnswerField(**AnswerField.fields_of(a, offsets)) for a in result.answers],
            offsets=offsets,
            took_ms=round(took_ms, 2),
            stage_ms={"wait": wait, **stages},
        )


class ReadAnswerField(AnswerField):
    """An answer, and which of the given passages it is from."""

    place: Annotated[int, Field(description="Place in `passages`, from 0.")]
    from_store: Annotated[
        bool, Field(description="Whether stored states were used; if not, it was read in full.")
    ]

    @classmethod
    def of(cls, provided: ProvidedAnswer, offsets: Offsets) -> Self:
        """From what the library gives."""
        fields = cls.fields_of(provided.answer, offsets)
        return cls(**fields, place=provided.place, from_store=provided.from_store)


class ReadReply(Reply):
    """Answers, best first; none where the passages have no text."""

    question: str
    answers: list[ReadAnswerField]
    offsets: OffsetsField
    took_ms: float


class RankedField(BaseModel):
    """How well one of the given passages answers."""

    index: Annotated[int, Field(description="Place in `passages`, from 0.")]
    relevance_score: Annotated[
        float, Field(description="Between 0 and 1; those of all passages given add up to 1.")
    ]
    logit: Annotated[
        float | None, Field(description="Of the passage's best answer; null if it has no text.")
    ]
    passage_id: Annotated[str, Field(description="Empty where neither side knows one.")]
    from_store: Annotated[bool, Field(description="As in a reply to `read`.")]

    @classmethod
    def of(cls, ranked: RankedPassage) -> Self:
        """From what the library gives."""
        return cls(
            index=ranked.place,
            relevance_score=ranked.relevance,
            logit=ranked.logit,
            passage_id=ranked.passage_id,
            from_store=ranked.from_store,
        )


class RerankReply(Reply):
    """The given passages, best first."""

    results: list[RankedField]
    took_ms: float


class DocField(BaseModel):
    """A passage."""

    title: str
    text: str

    @classmethod
    def of(cls, passage: Passage, parse: bool) -> "DocField | str":
        """As pyserini gives a document back, parsed or as the record that was indexed."""
        if parse:
            return cls(title=passage.title, text=passage.text)
        record = {"id": passage.passage_id, "contents": contents_of(passage)}
        return json.dumps(record, ensure_ascii=False)


class CandidateField(BaseModel):
    """A passage that was found."""

    docid: Annotated[str, Field(examples=["piano-1"])]
    score: Annotated[float, Field(description="Of what found it, BM25 by default.")]
    rank: Annotated[int, Field(ge=1)]
    doc: DocField | str
    metadata: Annotated[
        dict[str, Any], Field(description="What is known of the passage besides its text.")
    ]

    @classmethod
    def of(cls, found: FoundPassage, parse: bool) -> Self:
        """From what the library gives."""
        doc = DocField.of(found.passage, parse)
        return cls(
            docid=found.passage.passage_id,
            score=found.score,
            rank=found.rank,
            doc=doc,
            metadata=found.passage.shown_metadata(),
        )


class QueryField(BaseModel):
    """What was searched for."""

    text: str


class SearchReply(Reply):
    """Passages, best first."""

    query: QueryField
    candidates: list[CandidateField]

    @classmethod
    def of(cls, index: str, query: str, found: Sequence[FoundPassage], *, parse: bool) -> Self:
        """From what the library gives."""
        candidates = [CandidateField.of(passage, parse) for passage in found]
        return cls(index=index, query=QueryField(text=query), candidates=candidates)


class DocReply(Reply):
    """A passage."""

    docid: str
    doc: DocField | str


class ServedField(BaseModel):
    """An index that is served."""

    name: Annotated[str, Field(description="As in addresses.", examples=["wiki"])]
    n_passages: int


class LimitsField(BaseModel):
    """The most that one request may ask for."""

    question_chars: int
    top_k: int
    n_answers: int
    passages: int


class IndexesReply(BaseModel):
    """What is served."""

    api: Annotated[str, Field(description="Version of this interface.")] = "v1"
    indexes: list[ServedField]
    limits: LimitsField


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: Annotated[str, Field(examples=["passages[3].text"])]
    message: str


class ErrorField(BaseModel):
    """What went wrong."""

    type: Annotated[
        str, Field(description="A word that programs can compare.", examples=["invalid_request"])
    ]
    message: Annotated[str, Field(description="What was expected, what was found, what to do.")]
    field: Annotated[str | None, Field(description="Which field of the request.")] = None
    details: Annotated[
        list[FieldProblem] | None, Field(description="All fields at fault, if several.")
    ] = None
    retry_after_s: Annotated[int | None, Field(description="As the header Retry-After.")] = None


class ErrorReply(BaseModel):
    """Every reply that is no success."""

    error: ErrorField
    request_id: Annotated[str, Field(description="As the header X-Request-ID.")]


class HealthReply(BaseModel):
    """How a server is."""

    status: Annotated[str, Field(examples=["ok"])]
    indexes: Annotated[list[str], Field(description="Names that are served.")]
