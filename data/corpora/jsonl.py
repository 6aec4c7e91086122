"""Passages as JSON Lines: ``id``, ``text`` and, where there are any, ``title`` and metadata."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ..io.fields import take_id, take_metadata, take_optional_text, take_text
from ..io.folders import files_of
from ..io.json_records import JsonObject, read_json_lines
from ..io.policy import ErrorPolicy, SourceLocation, parse_each
from ..records import Passage

SUFFIXES = frozenset({".jsonl"})


def parse_passage(record: JsonObject, location: SourceLocation, *, id_name: str = "id") -> Passage:
    """One line as a passage; a whole number as identifier becomes a string.

    Further fields are the passage's metadata.

    Of a passage that has a title and an empty text, as BEIR's FiQA has some, the title is the text.

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
    path: Path, policy: ErrorPolicy, *, id_name: str = "id"
) -> Iterator[tuple[SourceLocation, Passage]]:
    """The passages of one file, plain or gzip, or of all ``.jsonl`` files of a folder.

    Raises:
        DataError: If the folder holds no such file, or the policy says so.
    """
    parse = partial(parse_passage, id_name=id_name)
    for file in files_of(path, SUFFIXES):
        yield from parse_each(read_json_lines(file, policy), parse, policy)
