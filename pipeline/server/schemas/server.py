"""What is served, refusals, and the state of the server."""

from typing import Annotated

from pydantic import BaseModel, Field


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


class ExamplesReply(BaseModel):
    """Questions that an index should answer."""

    index: Annotated[str, Field(description="Name of the index.", examples=["my-index"])]
    questions: Annotated[
        list[str],
        Field(description="The questions; none if passages have no titles, or are not English."),
    ]


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
