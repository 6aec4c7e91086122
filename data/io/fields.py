"""Checked fields of JSON records: each function reads one field or names what is wrong with it."""

import math
from collections.abc import Collection, Iterator, Sequence

from ..errors import DataError
from ..records import Metadata
from ..text.characters import is_blank
from .json_records import JsonObject, as_json_object, describe, shorten
from .policy import SourceLocation

_ID_TYPES = "a string or a whole number"


def check_unicode(text: str, name: str, location: SourceLocation) -> str:
    r"""Check that a text can be written as UTF-8, and return it.

    Args:
        text: The text.
        name: The field it is from.
        location: The place of the record.

    Raises:
        DataError: If it contains half of a surrogate pair, such as the JSON escape ``"\ud800"``.
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
    """Read a text that must be there and not be blank.

    Args:
        record: The JSON object.
        name: The field.
        location: The place of the record.

    Raises:
        DataError: If the field is missing, of another type, or blank.
    """
    if name not in record:
        raise location.error(f"expected the field {name!r}, found {_fields(record)}. Add it.")
    value = record[name]
    if not isinstance(value, str):
        raise _wrong_type(name, "a string", value, location)
    if is_blank(value):
        raise location.error(
            f"expected text in {name!r}, found it empty. Fill it or drop the record."
        )
    return check_unicode(value, name, location)


def take_optional_text(record: JsonObject, name: str, location: SourceLocation) -> str:
    """Read a text; empty where the field is missing or null.

    Args:
        record: The JSON object.
        name: The field.
        location: The place of the record.

    Raises:
        DataError: If the field is of another type.
    """
    value = record.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong_type(name, "a string", value, location)
    return check_unicode(value, name, location)


def take_optional_id(
    record: JsonObject, names: tuple[str, ...], location: SourceLocation
) -> str | None:
    """Read an identifier, a string or a whole number, as text; None if missing or null.

    Args:
        record: The JSON object.
        names: The fields that may hold it; the first that is there and not null counts.
        location: The place of the record.

    Raises:
        DataError: If it is empty, or neither a string nor a whole number.
    """
    for name in names:
        value = record.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _wrong_type(name, _ID_TYPES, value, location)
        if not str(value).strip():
            raise location.error(f"expected an identifier in {name!r}, found it empty. Fill it.")
        return check_unicode(str(value), name, location)
    return None


def take_id(record: JsonObject, name: str, location: SourceLocation) -> str:
    """Read an identifier that must be there, as text.

    Args:
        record: The JSON object.
        name: The field.
        location: The place of the record.

    Raises:
        DataError: If it is missing, null, empty, or neither a string nor a whole number.
    """
    value = take_optional_id(record, (name,), location)
    if value is None:
        if name in record:
            raise _wrong_type(name, _ID_TYPES, None, location)
        raise location.error(f"expected the field {name!r}, found {_fields(record)}. Add it.")
    return value


def take_texts(record: JsonObject, name: str, location: SourceLocation) -> tuple[str, ...]:
    """Read a list of texts; empty where the field is missing or null.

    Args:
        record: The JSON object.
        name: The field.
        location: The place of the record.

    Raises:
        DataError: If it is not a list of strings, or one of them is blank.
    """
    value = record.get(name)
    return () if value is None else as_texts(value, name, location)


def as_texts(value: object, name: str, location: SourceLocation) -> tuple[str, ...]:
    """Check that a value is a list of strings, none of them blank, and return them.

    Args:
        value: The value.
        name: The field it is from.
        location: The place of the record.

    Raises:
        DataError: If it is not a list of strings, or one of them is blank.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise _wrong_type(name, "a list of strings", value, location)
    if any(map(is_blank, value)):
        raise location.error(f"expected text in {name!r}, found {shorten(value)}. Drop empty ones.")
    return tuple(check_unicode(item, name, location) for item in value)


def take_starts(record: JsonObject, name: str, location: SourceLocation) -> tuple[int, ...]:
    """Read a list of offsets; empty where the field is missing or null.

    Args:
        record: The JSON object.
        name: The field.
        location: The place of the record.

    Raises:
        DataError: If it is not a list of whole numbers.
    """
    value = record.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(type(item) is int for item in value):
        raise _wrong_type(name, "a list of whole numbers", value, location)
    return tuple(value)


def take_start(record: JsonObject, name: str, location: SourceLocation) -> int:
    """Read an offset that must be there.

    Args:
        record: The JSON object.
        name: The field.
        location: The place of the record.

    Raises:
        DataError: If it is missing or not a whole number.
    """
    value = record.get(name)
    if type(value) is not int:
        raise _wrong_type(name, "a whole number", value, location)
    return value


def take_number(record: JsonObject, name: str, location: SourceLocation) -> float:
    """Read a finite number that must be there.

    Args:
        record: The JSON object.
        name: The field.
        location: The place of the record.

    Raises:
        DataError: If it is missing, not a number, infinite, or too large for a float.
    """
    value = record.get(name)
    try:
        number = float(value) if type(value) in (int, float) else math.nan  # type: ignore[arg-type]
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _wrong_type(name, "a finite number", value, location)
    return number


def take_objects(
    record: JsonObject, name: str, location: SourceLocation
) -> list[tuple[SourceLocation, JsonObject]]:
    """Read a list of JSON objects, each with its location; empty where missing or null.

    Args:
        record: The JSON object.
        name: The field.
        location: The place of the record.

    Raises:
        DataError: If it is not a list, or an item is not an object.
    """
    value = record.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _wrong_type(name, "a list of JSON objects", value, location)
    return [
        (at, as_json_object(item, at))
        for at, item in zip(places_of_items(value, name, location), value, strict=True)
    ]


def places_of_items(
    values: Sequence[object], name: str, location: SourceLocation
) -> Iterator[SourceLocation]:
    """Yield the location of each item of a list in a field: ``….name[0]``, ``….name[1]`` and on.

    Args:
        values: The list.
        name: The field.
        location: The place of the record.
    """
    path = f"{location.within}.{name}" if location.within else name
    return (location._replace(within=f"{path}[{index}]") for index in range(len(values)))


def take_flag(record: JsonObject, name: str, location: SourceLocation) -> bool:
    """Read true or false; false where the field is missing or null.

    Args:
        record: The JSON object.
        name: The field.
        location: The place of the record.

    Raises:
        DataError: If it is of another type.
    """
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
    verb = "Fill" if value is None else "Change"
    return location.error(
        f"expected {name!r} to be {wanted}, found {describe(value)}. {verb} it or drop the record."
    )


def _fields(record: JsonObject) -> str:
    """List the record's field names, for an error."""
    return f"only {', '.join(map(repr, record))}" if record else "an empty object"
