"""Pyserini's JsonCollection: ``id`` and ``contents``; a ``.json`` or ``.jsonl`` file or a folder.

Source: https://github.com/castorini/pyserini, docs/usage-index.md.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ..io.fields import take_id, take_metadata, take_text
from ..io.folders import files_of
from ..io.json_records import as_json_object, read_json_lines, read_json_values
from ..io.peek import data_suffix
from ..io.policy import ErrorPolicy, SourceLocation, parse_each
from ..records import Passage

SUFFIXES = frozenset({".json", ".jsonl"})

_TITLE_AND_TEXT = re.compile(r'"([^\n]*)"\n(.*)', re.DOTALL)
"""How the prebuilt wikipedia-dpr writes a passage: the title in double quotes, then the text."""


def parse_passage(value: object, location: SourceLocation) -> Passage:
    """One object as a passage; ``contents`` is text as a whole but for wikipedia-dpr's form.

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
    path: Path, policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, Passage]]:
    """The passages of one file, plain or gzip, or of all files in a folder and its sub-folders.

    Raises:
        DataError: If the folder holds no such file, or the policy says so.
    """
    for file in files_of(path, SUFFIXES):
        is_whole = data_suffix(file) == ".json"
        values = read_json_values(file) if is_whole else read_json_lines(file, policy)
        yield from parse_each(values, parse_passage, policy)
