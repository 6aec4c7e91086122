"""Fields of JSON records, checked: each function takes one field or says what is wrong with it."""

import math
from collections.abc import Collection

from ..errors import DataError
from ..records import Metadata
from .json_records import JsonObject, as_json_object, shorten
from .policy import SourceLocation


def check_unicode(text: str, name: str, location: SourceLocation) -> str:
    r"""The text, when it can be written as UTF-8.

    Raises:
        DataError: If it holds half of a surrogate pair, as the JSON escape ``"\ud800"`` alone does.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise location.error(
            f"expected {name!r} to be Unicode text, found half of a surrogate pair "
            f"({text[error.start]!r}). Write the whole character."
        ) from error
    return text


def take_text(record: JsonObject, name: str, location: SourceLocation) -> str:
    """A field that must hold text which is not blank.

    Raises:
        DataError: If the field is missing, of another type, or blank.
    """
    if name not in record:
        raise location.error(f"expected the field {name!r}, found {_fields(record)}. Add it.")
    value = record[name]
    if not isinstance(value, str):
        raise _wrong_type(name, "a string", value, location)
    if not value.strip():
        raise location.error(
            f"expected text in {name!r}, found it empty. Fill it or drop the record."
        )
    return check_unicode(value, name, location)


def take_optional_text(record: JsonObject, name: str, location: SourceLocation) -> str:
    """A field that may hold text; empty where it is absent or null."""
    value = record.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong_type(name, "a string", value, location)
    return check_unicode(value, name, location)


def take_optional_id(
    record: JsonObject, names: tuple[str, ...], location: SourceLocation
) -> str | None:
    """The identifier, a string or a whole number, under the first of ``names`` that is there."""
    for name in names:
        value = record.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _wrong_type(name, "a string or a whole number", value, location)
        if not str(value).strip():
            raise location.error(f"expected an identifier in {name!r}, found it empty. Fill it.")
        return check_unicode(str(value), name, location)
    return None


def take_id(record: JsonObject, name: str, location: SourceLocation) -> str:
    """An identifier that must be there.

    Raises:
        DataError: If it is missing, empty, or neither a string nor a whole number.
    """
    value = take_optional_id(record, (name,), location)
    if value is None:
        raise location.error(f"expected the field {name!r}, found {_fields(record)}. Add it.")
    return value


def take_texts(record: JsonObject, name: str, location: SourceLocation) -> tuple[str, ...]:
    """A field that may hold a list of strings; empty where it is absent or null."""
    value = record.get(name)
    return () if value is None else as_texts(value, name, location)


def as_texts(value: object, name: str, location: SourceLocation) -> tuple[str, ...]:
    """The value as strings, none of them blank.

    Raises:
        DataError: If it is not a list of strings, or one of them is blank.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise _wrong_type(name, "a list of strings", value, location)
    if not all(item.strip() for item in value):
        raise location.error(f"expected text in {name!r}, found {shorten(value)}. Drop empty ones.")
    return tuple(check_unicode(item, name, location) for item in value)


def take_starts(record: JsonObject, name: str, location: SourceLocation) -> tuple[int, ...]:
    """A field that may hold a list of offsets; empty where it is absent or null."""
    value = record.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(type(item) is int for item in value):
        raise _wrong_type(name, "a list of whole numbers", value, location)
    return tuple(value)


def take_start(record: JsonObject, name: str, location: SourceLocation) -> int:
    """An offset that must be there."""
    value = record.get(name)
    if type(value) is not int:
        raise _wrong_type(name, "a whole number", value, location)
    return value


def take_number(record: JsonObject, name: str, location: SourceLocation) -> float:
    """A finite number that must be there."""
    value = record.get(name)
    if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]
        raise _wrong_type(name, "a finite number", value, location)
    return float(value)  # type: ignore[arg-type]


def take_objects(
    record: JsonObject, name: str, location: SourceLocation
) -> list[tuple[SourceLocation, JsonObject]]:
    """A field that may hold a list of JSON objects, each with its place; empty where absent."""
    value = record.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _wrong_type(name, "a list of JSON objects", value, location)
    way = f"{location.within}.{name}" if location.within else name
    places = (location._replace(within=f"{way}[{index}]") for index in range(len(value)))
    return [(at, as_json_object(item, at)) for at, item in zip(places, value, strict=True)]


def take_flag(record: JsonObject, name: str, location: SourceLocation) -> bool:
    """A field that may hold true or false; false where it is absent or null."""
    value = record.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise _wrong_type(name, "true or false", value, location)
    return value


def take_metadata(record: JsonObject, taken: Collection[str], location: SourceLocation) -> Metadata:
    """The fields of a record that are left: text, numbers, truth values, and lists of texts.

    An object under ``metadata`` gives its fields likewise. Other objects and lists, null, and names
    that begin with ``_`` are left out.

    Args:
        record: The whole record.
        taken: Names that mean something else.
        location: Where the record stands.

    Raises:
        DataError: If a text is no Unicode.
    """
    nested = record.get("metadata")
    fields = {**record, **(nested if isinstance(nested, dict) else {})}
    found: Metadata = {}
    for name, value in fields.items():
        if name in taken or name.startswith("_"):
            continue
        check_unicode(name, "name of a field", location)
        if isinstance(value, str):
            found[name] = check_unicode(value, name, location)
        elif isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            found[name] = value
        elif isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            found[name] = [check_unicode(one, name, location) for one in value]
    return found


def _wrong_type(name: str, wanted: str, value: object, location: SourceLocation) -> DataError:
    """The error for a field of another type."""
    return location.error(
        f"expected {name!r} to be {wanted}, found {type(value).__name__} {shorten(value)}. "
        "Change it or drop the record."
    )


def _fields(record: JsonObject) -> str:
    """The record's field names, for an error message."""
    return f"only {', '.join(map(repr, record))}" if record else "an empty object"
