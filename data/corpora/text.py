"""Plain text and markdown files as a corpus."""

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
    """Read the passages of text files.

    A passage's identifier is the file's path within the folder, followed by ``#1``, ``#2`` and so
    on where the file has several passages. Its title is the first markdown heading or, where there
    is none, the file's name without suffix.

    Args:
        path: A ``.txt`` or ``.md`` file, plain or gzip, or a folder of such files, sub-folders
            included.
        policy: What to do with a file that cannot be used.

    Yields:
        The location of each passage's first line, and the passage.

    Raises:
        DataError: If a folder has no such file, or the policy is to fail and a file is refused.
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
    """Read the passages of one file."""
    text = read_whole_text(file)
    is_markdown = data_suffix(file) == ".md"
    spans = split_text(text, is_markdown=is_markdown)
    if not spans:
        raise DataError("expected text, found none. Fill or remove the file.", path=file)
    heading = _TITLE.search(text) if is_markdown else None
    title = heading[1] if heading else Path(name).stem
    found = []
    for number, span in enumerate(spans):
        passage_id = name if len(spans) == 1 else f"{name}#{number + 1}"
        location = SourceLocation(file, text.count("\n", 0, span.start) + 1, number)
        found.append((location, Passage(passage_id, text[span.start : span.end], title)))
    return found
