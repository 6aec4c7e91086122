"""What the requests of engines and the replies to them have in common."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ...qa.types import Answer
from ..limits import MOST_ITEMS
from ..offsets import Offsets
from ..schemas import Question, Text


class EngineRequest(BaseModel):
    """A request of an engine. Unknown fields are ignored, because engines add some."""

    model_config = ConfigDict(extra="ignore")


def _as_list(value: object) -> object:
    """A single value stands for a list of one."""
    return value if isinstance(value, list | tuple) else [value]


def _or_empty(value: object) -> object:
    """A field that a document lacks is sent as null."""
    return "" if value is None else value


PassageText = Annotated[Text, BeforeValidator(_or_empty)]
QuestionList = Annotated[list[Question], BeforeValidator(_as_list), Field(max_length=MOST_ITEMS)]
TextList = Annotated[list[PassageText], BeforeValidator(_as_list), Field(max_length=MOST_ITEMS)]


def utf16_span(answer: Answer) -> tuple[int, int]:
    """The place of an answer in its passage, in UTF-16 code units.

    Args:
        answer: The answer, with offsets in code points.

    Returns:
        Start and end, exclusive.
    """
    return Offsets.UTF16.convert(answer.passage, answer.start, answer.end)
