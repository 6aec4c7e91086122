"""Pairs of texts as JSON Lines: the form of this project, of BoolQ and of MultiNLI."""

from ..io.fields import take_optional_id, take_optional_text, take_text
from ..io.json_records import JsonObject
from ..io.policy import SourceLocation
from ..records import PairExample
from .labels import take_label


def parse_pair(record: JsonObject, location: SourceLocation) -> PairExample:
    """Parse a record with ``text_a``, ``text_b`` and ``label``.

    Args:
        record: The JSON object.
        location: Where it stands; its record number is the identifier of a pair without one.

    Raises:
        DataError: If a field is missing or wrong.
    """
    return PairExample(
        example_id=take_optional_id(record, ("id",), location) or str(location.number),
        first=take_text(record, "text_a", location),
        second=_titled(record, "text_b", location),
        label=take_label(record, "label", location),
    )


def parse_boolq(record: JsonObject, location: SourceLocation) -> PairExample:
    """Parse a record of BoolQ, whose passage gets its title in front.

    Args:
        record: The JSON object.
        location: Where it stands; its record number is the identifier of a pair without one.

    Raises:
        DataError: If a field is missing or wrong.
    """
    return PairExample(
        example_id=take_optional_id(record, ("id", "idx"), location) or str(location.number),
        first=take_text(record, "question", location),
        second=_titled(record, "passage", location),
        label=take_label(record, "answer" if "answer" in record else "label", location),
    )


def parse_mnli(record: JsonObject, location: SourceLocation) -> PairExample:
    """Parse a record of MultiNLI.

    Args:
        record: The JSON object.
        location: Where it stands; its record number is the identifier of a pair without one.

    Raises:
        DataError: If a field is missing or wrong.
    """
    return PairExample(
        example_id=take_optional_id(record, ("pairID",), location) or str(location.number),
        first=take_text(record, "sentence1", location),
        second=take_text(record, "sentence2", location),
        label=take_label(record, "gold_label", location),
    )


def _titled(record: JsonObject, name: str, location: SourceLocation) -> str:
    """Read a text, with the title in front where the record has one.

    Source: SuperGLUE's form of BoolQ (https://arxiv.org/abs/1905.00537), whose passages begin with
    the title.
    """
    text, title = take_text(record, name, location), take_optional_text(record, "title", location)
    return f"{title.strip()} -- {text}" if title.strip() else text
