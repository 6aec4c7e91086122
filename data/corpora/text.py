"""A folder of plain text and markdown files as a corpus."""

import re
from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError
from ..io.folders import files_of
from ..io.lines import read_whole_text
from ..io.peek import data_suffix
from ..io.policy import ErrorPolicy, SourceLocation
from ..records import Passage
from .splitting import split_text

SUFFIXES = frozenset({".txt", ".md"})

_TITLE = re.compile(r"^#{1,6}[^\S\n]+(\S[^\n]*?)[^\S\n]*#*[^\S\n]*$", re.MULTILINE)


def read_text_passages(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, Passage]]:
    """The passages of all ``.txt`` and ``.md`` files in a folder and its sub-folders, or of one.

    A passage is named by the file's path in the folder and, where the file gives several, ``#1``,
    ``#2`` and so on; its title is the first markdown heading, or else the file's name without
    suffix.

    Raises:
        DataError: If the folder holds no such file, or the policy says so.
    """
    for file in files_of(path, SUFFIXES):
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        try:
            passages = _read_file(file, name)
        except DataError as error:
            policy.reject(error)
        else:
            yield from passages


def _read_file(file: Path, name: str) -> list[tuple[SourceLocation, Passage]]:
    """The passages of one file."""
    text = read_whole_text(file)
    is_markdown = data_suffix(file) == ".md"
    spans = split_text(text, is_markdown=is_markdown)
    if not spans:
        raise DataError("expected text, found it empty. Fill it or take it away.", path=file)
    heading = _TITLE.search(text) if is_markdown else None
    title = heading[1] if heading else Path(name).stem
    found = []
    for number, span in enumerate(spans):
        passage_id = name if len(spans) == 1 else f"{name}#{number + 1}"
        location = SourceLocation(file, text.count("\n", 0, span.start) + 1, number)
        found.append((location, Passage(passage_id, text[span.start : span.end], title)))
    return found
