"""Passages as JSON Lines: ``id``, ``text`` and, where there is one, ``title``."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ..fields import take_id, take_optional_text, take_text
from ..json_records import JsonObject, read_json_lines
from ..policy import ErrorPolicy, Place, parse_each
from ..records import Passage


def parse_passage(record: JsonObject, place: Place, *, id_name: str = "id") -> Passage:
    """One line as a passage; a whole number as identifier becomes a string.

    Raises:
        DataError: If a field is missing, empty or of another type.
    """
    return Passage(
        passage_id=take_id(record, id_name, place),
        text=take_text(record, "text", place),
        title=take_optional_text(record, "title", place),
    )


def read_jsonl_passages(
    path: Path, policy: ErrorPolicy, *, id_name: str = "id"
) -> Iterator[tuple[Place, Passage]]:
    """The passages of one file, plain or gzip."""
    parse = partial(parse_passage, id_name=id_name)
    return parse_each(read_json_lines(path, policy), parse, policy)
