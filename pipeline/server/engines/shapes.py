"""What the requests of engines and the replies to them have in common."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ..limits import MOST_ITEMS
from ..schemas.fields import Question, Text


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
