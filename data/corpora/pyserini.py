"""Pyserini's JsonCollection: objects with ``id`` and ``contents`` in ``.json`` or ``.jsonl`` files.

Source: https://github.com/castorini/pyserini, docs/usage-index.md.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..io.fields import take_id, take_metadata, take_text
from ..io.json_records import as_json_object, read_json_lines, read_json_values
from ..io.peek import data_suffix
from ..io.policy import ErrorPolicy, SourceLocation, parse_each
from ..records import Passage

_TITLE_AND_TEXT = re.compile(r'"([^\n]*)"\n(.*)', re.DOTALL)
"""The form of ``contents`` in the prebuilt wikipedia-dpr: the title in double quotes, the text."""


def parse_passage(value: object, location: SourceLocation) -> Passage:
    """Parse one record; ``contents`` is the text, or title and text in wikipedia-dpr's form.

    Args:
        value: A parsed JSON value, which should be an object.
        location: Where it stands, for the error.

    Further fields are the passage's metadata.

    Raises:
        DataError: If a field is missing, empty or of another type.
    """
    record = as_json_object(value, location)
    passage_id = take_id(record, "id", location)
    contents = take_text(record, "contents", location)
    metadata = take_metadata(record, ("id", "contents"), location)
    parts = _TITLE_AND_TEXT.fullmatch(contents)
    if parts is None or not parts[2].strip():
        return Passage(passage_id, contents, metadata=metadata)
    return Passage(passage_id, parts[2], parts[1], metadata)


def read_pyserini_passages(
    files: Sequence[Path], policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, Passage]]:
    """Read the passages of a JsonCollection.

    Args:
        files: The files, plain or gzip. One whose suffix is ``.json`` holds an array or values one
            after another; any other holds one object a line.
        policy: What to do with a record that cannot be used.

    Yields:
        The location of each passage, and the passage.

    Raises:
        DataError: If a file cannot be read, a ``.json`` file is not JSON, or the policy is to fail
            and a record is refused.
    """
    for file in files:
        is_whole = data_suffix(file) == ".json"
        values = read_json_values(file) if is_whole else read_json_lines(file, policy)
        yield from parse_each(values, parse_passage, policy)
