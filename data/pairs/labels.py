"""Labels as they are written in files, and as they are called here."""

from ..io.fields import check_unicode
from ..io.json_records import JsonObject, shorten
from ..io.policy import SourceLocation

NO_LABEL = "-"
"""What MultiNLI has where its annotators did not agree."""


def as_label(value: object, name: str, location: SourceLocation) -> str:
    """A label's name: ``true`` and ``false`` of truth values, text as it is.

    Python's and JSON's spellings of a truth value are the same label.

    Raises:
        DataError: If the value is neither text nor a truth value, or is blank.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str) or not value.strip():
        raise location.error(
            f"expected {name!r} to be a label, as text or true or false, found "
            f"{type(value).__name__} {shorten(value)}. Change it or drop the record."
        )
    label = check_unicode(value.strip(), name, location)
    return label.lower() if label.lower() in ("true", "false") else label


def take_label(record: JsonObject, name: str, location: SourceLocation) -> str:
    """The label of a record.

    Raises:
        DataError: If it is missing, or no label.
    """
    if name not in record:
        found = ", ".join(map(repr, record)) or "an empty object"
        raise location.error(f"expected the field {name!r}, found only {found}. Add it.")
    return as_label(record[name], name, location)
