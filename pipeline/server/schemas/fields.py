"""Fields that requests share, and what all requests and replies have in common."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ....data import PrereadError
from ....indexer.bm25.searcher import MAX_K1
from ....indexer.filters import Filter, parse_filter
from ..limits import MOST_CONDITIONS
from ..offsets import Offsets
from ..retrieval import Retrieval, checked_filter

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
TopK = Annotated[int, Field(ge=1, description="Number of passages that are read.")]
NumAnswers = Annotated[
    int, Field(ge=1, description="Number of answers at most; no two are equal.", examples=[5])
]
PassageId = Annotated[str, Field(description="Identifier of the passage.", examples=["piano-1"])]
Title = Annotated[str, Field(description="Title of the passage, or empty.", examples=["Piano"])]
PassageText = Annotated[str, Field(description="Text of the passage.", examples=[EXAMPLE_TEXT])]
Start = Annotated[int, Field(description="Start in `passage`, in the unit of `offsets`.")]
End = Annotated[int, Field(description="End in `passage`, exclusive.")]
Place = Annotated[
    int,
    Field(description="Place of the passage among those that were found or provided, from 0."),
]
MetadataField = Annotated[
    dict[str, Any], Field(description="Fields of the passage besides its text.")
]
FromStore = Annotated[
    bool,
    Field(description="Whether stored states were read; if not, the text went through all layers."),
]
TookMs = Annotated[float, Field(description="Milliseconds in the server, waiting included.")]
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


def _parsed_filter(written: list[str]) -> Filter:
    """Conditions as they are written on a command line, parsed and checked."""
    if len(written) > MOST_CONDITIONS:
        raise ValueError(f"expected at most {MOST_CONDITIONS} conditions, found {len(written)}")
    try:
        parsed = parse_filter(written)
    except PrereadError as error:
        raise ValueError(str(error).removeprefix("filter: ").rstrip(".")) from None
    return checked_filter(parsed)


def _as_filter(value: object) -> object:
    """A list of conditions stands for the filter that it writes."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return _parsed_filter(value)
    return value


def _checked_conditions(written: list[str]) -> list[str]:
    """The conditions themselves, if they can be applied."""
    _parsed_filter(written)
    return written


FilterField = Annotated[
    Annotated[dict[str, Any], AfterValidator(checked_filter)] | None,
    BeforeValidator(_as_filter),
    Field(
        description="Conditions on the metadata of passages, all of which must hold: a value, a "
        "list of values, or an object of the operators eq, ne, gt, gte, lt, lte, in, nin and like. "
        'May also be a list such as `["page=3", "date>=2025"]`.',
        examples=[{"document": {"like": "faq/*"}, "page": [3, 4]}],
    ),
]


class Bm25Fields(Request):
    """Parameters of BM25."""

    k1: Annotated[
        float | None,
        Field(
            ge=0,
            le=MAX_K1,
            allow_inf_nan=False,
            description="BM25: saturation of a word's frequency. By default the server's.",
        ),
    ] = None
    b: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="BM25: penalty for long passages. By default the server's.",
        ),
    ] = None


class RetrievalFields(Bm25Fields):
    """How passages are found, in the body of a request."""

    filter: FilterField = None

    def retrieval(self) -> Retrieval:
        """How passages are found."""
        return Retrieval(self.filter, self.k1, self.b)


class RetrievalQuery(Bm25Fields):
    """How passages are found, in the address of a request."""

    filter: Annotated[
        list[str],
        AfterValidator(_checked_conditions),
        Field(
            description="Conditions on the metadata of passages, all of which must hold, such as "
            "`page=3`, `date>=2025` and `document~faq/*`.",
            examples=[["page=3"]],
        ),
    ] = []

    def retrieval(self) -> Retrieval:
        """How passages are found."""
        return Retrieval(_parsed_filter(self.filter) or None, self.k1, self.b)


class Reply(BaseModel):
    """The fields of every reply."""

    api: Annotated[str, Field(description="Version of this interface.")] = "v1"
    index: Annotated[str, Field(description="Name of the index.", examples=["my-index"])]
