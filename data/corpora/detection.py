"""Telling the format of a corpus."""

from pathlib import Path

from ..errors import DataError
from ..folders import find_files
from ..nq import is_nq
from ..peek import data_suffix, peek
from .beir import find_corpus_file
from .dpr import HEADER
from .formats import CorpusFormat
from .pyserini import SUFFIXES as JSON_SUFFIXES
from .text import SUFFIXES as TEXT_SUFFIXES


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
    """A folder's format; JSON files count where the first one is of a known form."""
    if find_corpus_file(folder):
        return CorpusFormat.BEIR
    json_files = find_files(folder, JSON_SUFFIXES)
    fields = peek(json_files[0]).fields if json_files else ()
    if "contents" in fields:
        return CorpusFormat.PYSERINI
    if is_nq(fields):
        return CorpusFormat.NQ
    if find_files(folder, TEXT_SUFFIXES):
        return CorpusFormat.TEXT
    if json_files:
        return CorpusFormat.PYSERINI
    raise DataError(_message("a folder with no file of such a format"), path=folder)


def _detect_file(path: Path) -> CorpusFormat:
    """A file's format."""
    suffix = data_suffix(path)
    if suffix in TEXT_SUFFIXES:
        return CorpusFormat.TEXT
    start = peek(path)
    if suffix == ".tsv" or start.first_line.split("\t") == list(HEADER):
        return CorpusFormat.DPR
    if "contents" in start.fields:
        return CorpusFormat.PYSERINI
    if is_nq(start.fields):
        return CorpusFormat.NQ
    if "_id" in start.fields:
        return CorpusFormat.BEIR
    if {"id", "text"} & set(start.fields):
        return CorpusFormat.JSONL
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
