"""Fields that requests share, and what all requests and replies have in common."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ..offsets import Offsets

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


class Reply(BaseModel):
    """The fields of every reply."""

    api: Annotated[str, Field(description="Version of this interface.")] = "v1"
    index: Annotated[str, Field(description="Name of the index.", examples=["my-index"])]
