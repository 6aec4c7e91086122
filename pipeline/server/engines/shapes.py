"""What requests of engines, and replies to them, have in common."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from ...qa.types import Answer
from ..offsets import Offsets
from ..schemas import Question, Text


class EngineRequest(BaseModel):
    """A request of an engine: what it adds of its own accord is passed over."""

    model_config = ConfigDict(extra="ignore")


def _as_list(value: object) -> object:
    """One thing stands for a list of it."""
    return value if isinstance(value, list | tuple) else [value]


def _or_empty(value: object) -> object:
    """A field that a document does not have comes as null."""
    return "" if value is None else value


PassageText = Annotated[Text, BeforeValidator(_or_empty)]
QuestionList = Annotated[list[Question], BeforeValidator(_as_list)]
TextList = Annotated[list[PassageText], BeforeValidator(_as_list)]


def utf16_span(answer: Answer) -> tuple[int, int]:
    """Where an answer stands in its passage, as a Java string counts."""
    return Offsets.UTF16.convert(answer.passage, answer.start, answer.end)
