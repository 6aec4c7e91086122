"""Detection of a corpus's format."""

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

_OTHER_COMPRESSION = frozenset({".xz", ".bz2", ".zst", ".zip", ".7z", ".lz4"})
_N_FILES = 50
"""Files read at each end of a folder's sorted list."""


def detect_corpus_format(path: str | Path) -> CorpusFormat:
    """Detect a corpus's format from its path and its first record.

    Args:
        path: A file, plain or gzip, or a folder.

    Raises:
        DataError: If there is nothing at the path, it is in none of the formats, or a folder has
            files of several.
    """
    path = Path(path)
    check_path(path)
    return _detect_folder(path) if path.is_dir() else _detect_file(path)


def check_path(path: Path) -> None:
    """Refuse a path where there is neither a file nor a folder.

    Args:
        path: The path of a corpus.

    Raises:
        DataError: If there is nothing.
    """
    if not path.exists():
        raise DataError(
            "expected a corpus (a file or a folder), found nothing. Check the path.", path=path
        )


def _detect_folder(folder: Path) -> CorpusFormat:
    """Detect a folder's format: that of its files of records or, where it has none, documents.

    Files that describe the folder (README, LICENSE …) and JSON files of another form are ignored.
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
        return _detect_file(files[0])  # none has a known form; the error describes the first
    compressed = find_files(folder, _OTHER_COMPRESSION)
    note = f" (only gzip is read, not {compressed[0].name})" if compressed else ""
    raise DataError(_message(f"a folder with no file of such a format{note}"), path=folder)


def _format_of_records(file: Path) -> CorpusFormat | None:
    """Detect the format of one of a folder's files; None where it holds no passages."""
    start = peek(file)
    if data_suffix(file) == ".tsv":
        is_dpr = start.first_line.split("\t") == list(HEADER)
        return CorpusFormat.DPR if is_dpr else None
    return _format_of_fields(start.fields)


def _format_of_fields(fields: tuple[str, ...]) -> CorpusFormat | None:
    """Return the format of JSON objects with these fields; None where no format has them."""
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
    """Write the error for a folder of several formats."""
    parts = [
        f"{format.value} ({len(files)} files, {files[0].relative_to(folder).as_posix()} first)"
        for format, files in by_format.items()
    ]
    return (
        f"expected a folder of one format, found {' and '.join(parts)}. Choose the format with "
        "--format, or name a folder with files of one format only."
    )


def _detect_file(path: Path) -> CorpusFormat:
    """Detect a file's format."""
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
        return CorpusFormat.JSONL  # damaged or empty; its reader reports it
    raise DataError(_message("a file of another kind"), path=path)


def _message(found: str) -> str:
    """Write the error for a corpus in none of the formats."""
    choices = ", ".join(choice.value for choice in CorpusFormat if choice != CorpusFormat.AUTO)
    return (
        f"expected a corpus in one of the formats {choices}, found {found}. "
        "If it is one of these, name the format with --format."
    )
