"""Labels of pairs: from the spellings in files to names."""

from ..io.fields import check_unicode
from ..io.json_records import JsonObject, describe
from ..io.policy import SourceLocation

NO_LABEL = "-"
"""MultiNLI's label for pairs on which the annotators did not agree."""


def take_label(record: JsonObject, name: str, location: SourceLocation) -> str:
    """Read a record's label.

    Args:
        record: The JSON object.
        name: The field.
        location: Where the record stands, for the error.

    Returns:
        ``true`` or ``false`` for a truth value or its spelling in Python or JSON; any other text
        without white space around it.

    Raises:
        DataError: If the field is missing, blank, or neither a text nor true or false.
    """
    if name not in record:
        found = ", ".join(map(repr, record)) or "an empty object"
        raise location.error(f"expected the field {name!r}, found only {found}. Add it.")
    value = record[name]
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str) or not value.strip():
        raise location.error(
            f"expected {name!r} to be a label (a text, true or false), found "
            f"{describe(value)}. Change it or drop the record."
        )
    label = check_unicode(value.strip(), name, location)
    return label.lower() if label.lower() in ("true", "false") else label
