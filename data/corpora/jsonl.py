"""Passages as JSON Lines with ``id``, ``text`` and, where there are any, title and metadata."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ..io.fields import take_id, take_metadata, take_optional_text, take_text
from ..io.json_records import JsonObject, read_json_lines
from ..io.policy import ErrorPolicy, SourceLocation, parse_each
from ..records import Passage


def parse_passage(record: JsonObject, location: SourceLocation, *, id_name: str = "id") -> Passage:
    """Parse one record.

    A whole number as identifier becomes a string. A record with a title and an empty text, as in
    BEIR's FiQA, becomes a passage whose text is the title. Further fields are its metadata.

    Args:
        record: The JSON object.
        location: Where it stands, for the error.
        id_name: The field with the identifier.

    Raises:
        DataError: If a field is missing or of another type, or title and text are empty.
    """
    passage_id = take_id(record, id_name, location)
    title = take_optional_text(record, "title", location)
    metadata = take_metadata(record, (id_name, "title", "text"), location)
    if title.strip() and record.get("text") == "":
        return Passage(passage_id, title, metadata=metadata)
    return Passage(passage_id, take_text(record, "text", location), title, metadata)


def read_jsonl_passages(
    files: Sequence[Path], policy: ErrorPolicy, *, id_name: str = "id"
) -> Iterator[tuple[SourceLocation, Passage]]:
    """Read passages from JSON Lines.

    Args:
        files: The files, plain or gzip.
        policy: What to do with a line that cannot be used.
        id_name: The field with the identifier.

    Yields:
        The location of each passage, and the passage.

    Raises:
        DataError: If a file cannot be read, or the policy is to fail and a line is refused.
    """
    parse = partial(parse_passage, id_name=id_name)
    for file in files:
        yield from parse_each(read_json_lines(file, policy), parse, policy)
