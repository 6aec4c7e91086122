"""Parsing of JSON and TOML that a pydantic model describes."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
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

    Raises:
        PrereadError: If the text is not JSON, or a field is missing, unknown or of another type.
            The error names the first such field, what was expected there and what was found.
    """
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        raise _refused(error, where, remedy) from error


def read_toml(kind: type[_Model], path: Path, remedy: str) -> _Model:
    """Read a TOML file and check every field.

    Args:
        kind: The pydantic model, or pydantic dataclass.
        path: The file.
        remedy: What to do about an error, as a whole sentence.

    Raises:
        PrereadError: If the file cannot be read, is not TOML, or a field is missing, unknown or of
            another type. The error names the first such field, what was expected there and what was
            found.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = f"could not read it: {error.strerror}"
        raise PrereadError(f"{path}: expected a TOML file, {reason}. {remedy}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = f"found something else ({error})"
        raise PrereadError(f"{path}: expected TOML, {reason}. {remedy}") from error
    # As JSON, strict types still take a list for a tuple and a string for an enumeration.
    return parse_json(kind, json.dumps(content, default=str), str(path), remedy)


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
