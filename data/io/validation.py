"""Parsing of JSON that a pydantic model describes."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ..errors import PrereadError
from .json_records import shorten

_Model = TypeVar("_Model")


def parse_json(kind: type[_Model], text: str | bytes, where: str, remedy: str) -> _Model:
    """Parse JSON and check every field.

    Args:
        kind: The pydantic model, or pydantic dataclass.
        text: The JSON.
        where: The file, with the line number where it has several lines, for the error.
        remedy: What to do about an error, as a whole sentence.

    Returns:
        The model's object.

    Raises:
        PrereadError: If the text is not JSON, or a field is missing, unknown or of another type.
            The error names the first such field, what was expected there and what was found.
    """
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        raise _refused(error, where, remedy) from error


def validate(kind: TypeAdapter[_Model], content: object, where: str, remedy: str) -> _Model:
    """An object from what `json` read, every field checked.

    Args:
        kind: Checks what the JSON describes.
        content: The JSON's value.
        where: The file, and the line where it has several, for the message of an error.
        remedy: What a person should do about an error; a whole sentence.

    Raises:
        PrereadError: If a field is missing, unknown or of another type; the message names the first
            such field, what was expected of it and what was found.
    """
    try:
        return kind.validate_python(content)
    except ValidationError as error:
        raise _refused(error, where, remedy) from error


def _refused(error: ValidationError, where: str, remedy: str) -> PrereadError:
    first = error.errors(include_url=False)[0]
    return PrereadError(f"{where}: {_problem(first)}. {remedy}")


def _problem(error: Mapping[str, Any]) -> str:
    """Put pydantic's error into the words of this package."""
    if error["type"] == "json_invalid":
        return f"expected JSON, found something else ({error['ctx']['error']})"
    if error["type"] == "value_error":  # our own check, in our own words
        return f"{_name(error['loc'])}{error['ctx']['error']}"
    found = shorten(error["input"])
    expected = error["msg"].removeprefix("Input should be ")
    if error["type"] == "missing":
        expected, found = "a value", "none"
    elif error["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        expected = "no field of this name"
    elif error["type"] in ("too_short", "too_long"):
        limits = error["ctx"]
        wanted = limits.get("min_length", limits.get("max_length"))
        expected, found = f"{wanted} items", str(limits["actual_length"])
    elif error["type"] == "string_pattern_mismatch":
        expected = f"text of the form {error['ctx']['pattern']}"
    elif expected.startswith(("greater", "less")):
        expected = f"a number {expected}"
    return f"{_name(error['loc'])}expected {expected}, found {found}"


def _name(place: tuple[str | int, ...]) -> str:
    """Write ``("vectors", "confidence_weights", 1)`` as ``vectors.confidence_weights[1]: ``."""
    name = ""
    for part in place:
        name += f"[{part}]" if isinstance(part, int) else f".{part}"
    return f"{name.lstrip('.')}: " if name else ""
