"""Telling the format of a corpus."""

from collections import defaultdict
from pathlib import Path

from ..documents import DOCUMENT_SUFFIXES
from ..errors import DataError
from ..io.folders import find_files, is_documentation
from ..io.peek import data_suffix, peek
from ..nq import is_nq
from .beir import find_corpus_file
from .dpr import HEADER
from .dpr import SUFFIXES as DPR_SUFFIXES
from .formats import CorpusFormat
from .pyserini import SUFFIXES as JSON_SUFFIXES

_N_FILES = 50
"""Files looked at from each end of a folder's list."""


def detect_corpus_format(path: str | Path) -> CorpusFormat:
    """Tell a corpus's format from its path and its first record.

    Raises:
        DataError: If there is nothing at the path, or it looks like none of the formats.
    """
    path = Path(path)
    check_path(path)
    return _detect_folder(path) if path.is_dir() else _detect_file(path)


def check_path(path: Path) -> None:
    """Raise ``DataError`` where there is neither a file nor a folder."""
    if not path.exists():
        raise DataError(
            "expected a corpus (a file or a folder), found nothing. Check the path.", path=path
        )


def _detect_folder(folder: Path) -> CorpusFormat:
    """A folder's format: that of its files of records, or documents where there are none of these.

    What describes the folder (README, LICENSE …) and JSON of no known form do not count.
    """
    if find_corpus_file(folder):
        return CorpusFormat.BEIR
    files = find_files(folder, JSON_SUFFIXES | DPR_SUFFIXES)
    by_format: dict[CorpusFormat, list[Path]] = defaultdict(list)
    for file in [*files[:_N_FILES], *files[_N_FILES:][-_N_FILES:]]:
        format = _format_of_records(file)
        if format is not None:
            by_format[format].append(file)
    texts = find_files(folder, DOCUMENT_SUFFIXES)
    content = [file for file in texts if not is_documentation(file)]
    if content or not (by_format or files):
        by_format[CorpusFormat.DOCUMENTS] = content or texts
    if len(by_format) > 1:
        raise DataError(_mixture(by_format, folder), path=folder)
    for format, found in by_format.items():
        if found:
            return format
    if files:
        return _detect_file(files[0])  # none is of a known form: that of the first one is said
    raise DataError(_message("a folder with no file of such a format"), path=folder)


def _format_of_records(file: Path) -> CorpusFormat | None:
    """The format of one of a folder's files; None where it holds no passages."""
    start = peek(file)
    if data_suffix(file) == ".tsv":
        is_dpr = start.first_line.split("\t") == list(HEADER)
        return CorpusFormat.DPR if is_dpr else None
    return _format_of_fields(start.fields)


def _format_of_fields(fields: tuple[str, ...]) -> CorpusFormat | None:
    """The format of JSON objects with these fields; None where it is none of the known ones."""
    if "contents" in fields:
        return CorpusFormat.PYSERINI
    if is_nq(fields):
        return CorpusFormat.NQ
    if "_id" in fields:
        return CorpusFormat.BEIR
    if {"id", "text"} & set(fields):
        return CorpusFormat.JSONL
    return None


def _mixture(by_format: dict[CorpusFormat, list[Path]], folder: Path) -> str:
    """What was found in a folder of several formats."""
    parts = [
        f"{format.value} ({len(files)} files, {files[0].relative_to(folder).as_posix()} first)"
        for format, files in by_format.items()
    ]
    return (
        f"expected a folder of one format, found {' and '.join(parts)}. Name the format that is "
        "meant (--format), or a folder with its files alone."
    )


def _detect_file(path: Path) -> CorpusFormat:
    """A file's format."""
    suffix = data_suffix(path)
    if suffix in DOCUMENT_SUFFIXES:
        return CorpusFormat.DOCUMENTS
    start = peek(path)
    if suffix == ".tsv" or start.first_line.split("\t") == list(HEADER):
        return CorpusFormat.DPR
    known = _format_of_fields(start.fields)
    if known is not None:
        return known
    if start.fields:
        names = ", ".join(map(repr, start.fields))
        raise DataError(_message(f"a record with {names}"), path=path)
    if suffix == ".json":
        return CorpusFormat.PYSERINI
    if suffix == ".jsonl" or start.first_line.startswith("{"):
        return CorpusFormat.JSONL  # damaged or empty; its reader says where
    raise DataError(_message("a file of another kind"), path=path)


def _message(found: str) -> str:
    """What was expected and found."""
    choices = ", ".join(choice.value for choice in CorpusFormat if choice != CorpusFormat.AUTO)
    return (
        f"expected a corpus in one of the formats {choices}, found {found}. "
        "Name the format if it is one of these."
    )
