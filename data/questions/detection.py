"""Detection of a question file's format."""

from pathlib import Path

from ..errors import DataError
from ..io.folders import find_files
from ..io.json_records import JSON_LINES_SUFFIXES
from ..io.peek import data_suffix, peek, unknown_format
from ..nq import is_nq
from .formats import QuestionFormat
from .trec import is_topic


def detect_question_format(path: str | Path) -> QuestionFormat:
    """Detect a file's format from its name and its first record.

    Args:
        path: A file, plain or gzip; for Natural Questions, also a folder of files.

    Raises:
        DataError: If the file cannot be read, or is in none of the formats.
    """
    path = Path(path)
    if path.is_dir():
        return _detect_folder(path)
    start = peek(path)
    if not start.fields and is_topic(start.first_line):
        return QuestionFormat.TREC
    if data_suffix(path) in {".tsv", ".csv"}:
        return QuestionFormat.DPR
    if is_nq(start.fields):
        return QuestionFormat.NQ
    if "data" in start.fields:
        return QuestionFormat.SQUAD
    if "question" in start.fields:
        has_context = "context" in start.fields
        return QuestionFormat.JSONL if has_context else QuestionFormat.NQ_OPEN
    if start.fields or not start.first_line:
        raise _unknown(path, start.fields)
    if data_suffix(path) == ".json":
        return QuestionFormat.SQUAD
    if data_suffix(path) in JSON_LINES_SUFFIXES or start.first_line.startswith("{"):
        return QuestionFormat.NQ_OPEN  # damaged; its reader reports it
    if "\t" in start.first_line:
        return QuestionFormat.DPR
    raise _unknown(path, start.fields)


def _detect_folder(folder: Path) -> QuestionFormat:
    """Detect a folder's format; only Natural Questions is released as several files."""
    files = find_files(folder, JSON_LINES_SUFFIXES)
    if files and is_nq(peek(files[0]).fields):
        return QuestionFormat.NQ
    raise DataError(
        "expected a file of questions or a folder of Natural Questions, found a folder of other "
        "files. Name a file in it; join the parts of a set that is divided into several files.",
        path=folder,
    )


def _unknown(path: Path, fields: tuple[str, ...]) -> DataError:
    found = f"a record with {', '.join(map(repr, fields))}" if fields else "no such record"
    return unknown_format("questions", QuestionFormat, found, path)
