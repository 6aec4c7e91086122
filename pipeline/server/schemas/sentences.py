"""Sentences that answer, pruned passages, and quotations."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field

from ...qa.quotes import DEFAULT_MIN_SIMILARITY, QuoteMatch
from ...qa.sentences import (
    DEFAULT_MIN_SCORE,
    DEFAULT_THRESHOLD,
    Context,
    HighlightedSentence,
    PrunedContexts,
    ReadPassage,
)
from ...qa.types import ProvidedPassage
from ..limits import MOST_ITEMS, MOST_TOKENS
from ..offsets import Offsets
from .fields import (
    EXAMPLE_TEXT,
    End,
    FromStore,
    MetadataField,
    OffsetsField,
    PassageId,
    PassageText,
    Place,
    Question,
    Reply,
    RetrievalFields,
    Start,
    Text,
    TimeoutMs,
    Title,
    TookMs,
)
from .provided import PassageField, as_passage

ProvidedPassages = Annotated[
    list[Annotated[PassageField, BeforeValidator(as_passage)]],
    Field(max_length=MOST_ITEMS),
]
NumSentences = Annotated[
    int, Field(ge=1, le=MOST_ITEMS, description="Number of sentences at most.")
]
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
MinScore = Annotated[_Share, Field(description="Least score of a sentence, from 0 to 1.")]
Threshold = Annotated[
    _Share, Field(description="Least score of a sentence that is kept; 0 keeps all.")
]
MaxTokens = Annotated[
    int | None,
    Field(
        ge=1,
        le=MOST_TOKENS,
        description="Tokens of all sentences together, in the reader's wordpieces, at most.",
    ),
]
NumMatches = Annotated[int, Field(ge=1, le=MOST_ITEMS, description="Number of matches at most.")]
MinSimilarity = Annotated[_Share, Field(description="Least similarity of a match, from 0 to 1.")]


class PassagesRequest(RetrievalFields):
    """Passages that are found or provided."""

    passages: Annotated[
        ProvidedPassages | None,
        Field(
            validation_alias=AliasChoices("passages", "documents"),
            description="Passages that are read; a string is the text of a passage. Without them, "
            "`top_k` passages are found.",
            examples=[[{"id": "piano-1"}, {"text": EXAMPLE_TEXT}]],
        ),
    ] = None
    top_k: Annotated[int, Field(ge=1, description="Number of passages that are found.")] = 20
    offsets: OffsetsField = Offsets.CODEPOINT
    timeout_ms: TimeoutMs = None

    def provided(self) -> tuple[ProvidedPassage, ...] | None:
        """The passages as the library takes them; None if they are to be found."""
        if self.passages is None:
            return None
        return tuple(passage.to_provided() for passage in self.passages)


class SentencesRequest(PassagesRequest):
    """A question, and the passages whose sentences are scored."""

    question: Annotated[Question, Field(validation_alias=AliasChoices("question", "query"))]


class SentenceHighlightRequest(SentencesRequest):
    """A question whose answering sentences are wanted."""

    n_sentences: NumSentences = 5
    min_score: MinScore = DEFAULT_MIN_SCORE


class PruneRequest(SentencesRequest):
    """A question for which passages are pruned."""

    threshold: Threshold = DEFAULT_THRESHOLD
    max_tokens: MaxTokens = None


class QuoteRequest(PassagesRequest):
    """A quotation or statement."""

    quote: Annotated[Text, Field(description="The quotation.", examples=["has 88 keys"])]
    question: Annotated[
        Question | None,
        Field(
            description="A question that the quotation is said to answer; the reader then tells "
            "what it answers from the passage of each match."
        ),
    ] = None
    n_matches: NumMatches = 5
    min_similarity: MinSimilarity = DEFAULT_MIN_SIMILARITY


class PlacedField(BaseModel):
    """A stretch of a passage."""

    passage_id: PassageId
    title: Title
    start: Start
    end: End
    passage: PassageText
    place: Place
    metadata: MetadataField

    @classmethod
    def of(cls, found: HighlightedSentence | QuoteMatch, offsets: Offsets) -> Self:
        """Make the field of a sentence, or of a match of a quotation.

        Args:
            found: The sentence or match, with offsets in code points.
            offsets: Unit of the offsets in the reply.
        """
        start, end = offsets.convert(found.passage, found.start, found.end)
        return cls(**{**found.to_dict(), "start": start, "end": end})


class SentenceField(PlacedField):
    """A sentence that answers."""

    sentence: Annotated[str, Field(description="`passage[start:end]`.", examples=[EXAMPLE_TEXT])]
    score: Annotated[
        float, Field(description="From 0 to 1; comparable among the sentences of a question.")
    ]
    from_store: FromStore


class SentenceHighlightReply(Reply):
    """Sentences, best first."""

    question: Annotated[str, Field(description="The question.")]
    sentences: Annotated[list[SentenceField], Field(description="The sentences, best first.")]
    offsets: OffsetsField
    took_ms: TookMs

    @classmethod
    def of(
        cls,
        index: str,
        asked: SentenceHighlightRequest,
        found: Sequence[HighlightedSentence],
        took_ms: float,
    ) -> Self:
        """Make the reply to a question.

        Args:
            index: Name of the index.
            asked: The request.
            found: Its sentences, best first.
            took_ms: Milliseconds since the request arrived.
        """
        return cls(
            index=index,
            question=asked.question,
            sentences=[SentenceField.of(one, asked.offsets) for one in found],
            offsets=asked.offsets,
            took_ms=took_ms,
        )


class KeptSentenceField(BaseModel):
    """A sentence that was kept."""

    start: Annotated[int, Field(description="Start in the passage, in the unit of `offsets`.")]
    end: Annotated[int, Field(description="End in the passage, exclusive.")]
    score: Annotated[float, Field(description="From 0 to 1.")]
    n_tokens: Annotated[int, Field(description="Its wordpieces.")]


class ContextField(BaseModel):
    """A passage pruned to sentences that may answer."""

    text: Annotated[
        str,
        Field(description="The sentences that were kept, with `…` where others were left out."),
    ]
    passage_id: PassageId
    title: Title
    place: Place
    sentences: Annotated[
        list[KeptSentenceField], Field(description="The sentences, in the order of the text.")
    ]
    metadata: MetadataField

    @classmethod
    def of(cls, context: Context, passage: str, offsets: Offsets) -> Self:
        """Make the field of a pruned passage.

        Args:
            context: The pruned passage, with offsets in code points.
            passage: The whole text of the passage.
            offsets: Unit of the offsets in the reply.
        """
        fields = asdict(context)
        for one in fields["sentences"]:
            one["start"], one["end"] = offsets.convert(passage, one["start"], one["end"])
        return cls(**fields)


class PruneReply(Reply):
    """Pruned passages, in the order in which they were found or provided."""

    question: Annotated[str, Field(description="The question.")]
    contexts: Annotated[
        list[ContextField], Field(description="The passages with a sentence that was kept.")
    ]
    n_tokens: Annotated[int, Field(description="Wordpieces of the sentences that were kept.")]
    n_tokens_read: Annotated[int, Field(description="Wordpieces of the sentences of all passages.")]
    offsets: OffsetsField
    took_ms: TookMs

    @classmethod
    def of(
        cls,
        index: str,
        asked: PruneRequest,
        read: Sequence[ReadPassage],
        left: PrunedContexts,
        took_ms: float,
    ) -> Self:
        """Make the reply to a question.

        Args:
            index: Name of the index.
            asked: The request.
            read: The passages that were read.
            left: What is left of them.
            took_ms: Milliseconds since the request arrived.
        """
        texts = {one.place: one.passage.text for one in read}
        return cls(
            index=index,
            question=asked.question,
            contexts=[
                ContextField.of(one, texts[one.place], asked.offsets) for one in left.contexts
            ],
            n_tokens=left.n_tokens,
            n_tokens_read=left.n_tokens_read,
            offsets=asked.offsets,
            took_ms=took_ms,
        )


class MatchField(PlacedField):
    """A stretch of a passage that is, or is like, the quotation."""

    text: Annotated[str, Field(description="`passage[start:end]`.")]
    similarity: Annotated[
        float,
        Field(description="From 0 to 1: 1 less the edits between both, per character."),
    ]
    is_exact: Annotated[
        bool,
        Field(description="Whether both are alike but for case, white space and typography."),
    ]
    answer: Annotated[
        str | None,
        Field(description="What the reader answers to the question from the passage."),
    ]
    agreement: Annotated[
        float | None,
        Field(description="Probability that the answer to the question lies within the stretch."),
    ]


class QuoteReply(Reply):
    """Where the quotation stands; no matches if it is not there."""

    quote: Annotated[str, Field(description="The quotation.")]
    matches: Annotated[list[MatchField], Field(description="The most similar first.")]
    offsets: OffsetsField
    took_ms: TookMs

    @classmethod
    def of(
        cls, index: str, asked: QuoteRequest, found: Sequence[QuoteMatch], took_ms: float
    ) -> Self:
        """Make the reply to a quotation.

        Args:
            index: Name of the index.
            asked: The request.
            found: Its matches, the most similar first.
            took_ms: Milliseconds since the request arrived.
        """
        return cls(
            index=index,
            quote=asked.quote,
            matches=[MatchField.of(one, asked.offsets) for one in found],
            offsets=asked.offsets,
            took_ms=took_ms,
        )
