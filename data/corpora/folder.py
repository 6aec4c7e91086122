"""The folder of a corpus: its format, the files that are read, and those that are not.

A folder is read whole or refused. Files that look like passages and would not be read are refused
with their names; other files are left out and counted.
"""

import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from ..documents import DOCUMENT_SUFFIXES
from ..errors import DataError
from ..io.folders import check_regular, is_documentation, walk
from ..io.json_records import JSON_LINES_SUFFIXES
from ..io.peek import data_suffix, peek, unknown_format
from ..io.policy import ReadReport
from .dpr import HEADER, TABLE_SUFFIXES
from .formats import CorpusFormat
from .recognition import RECORD_SUFFIXES, detect_file, format_of_start, holds_passages

OTHER_KIND = "of another kind"
"""Reason under which files are counted that hold no passages of the format that is read."""

_OTHER_COMPRESSION = frozenset({".xz", ".bz2", ".zst", ".zip", ".7z", ".lz4"})
_NUMBER = re.compile(r"(\.gz)?[.-]\d+(-of-\d+)?(\.gz)?$", re.IGNORECASE)
"""Ends of the names of numbered files, as in ``c.jsonl.1`` and ``c.jsonl-00001-of-00010``."""
_DATA_NAME = re.compile(
    r"\.(jl|jsonl|jsonlines|ndjson|tsv|csv|tab|parquet|arrow|feather|avro|orc|sqlite3?|tar|tgz)"
    r"(?![a-z0-9])|^(part|shard|chunk|split)[-_.]?\d+(-of-\d+)?(\.gz)?$",
    re.IGNORECASE,
)
"""Names of data that is not read, as ``c.csv``, ``c.jsonl.aa`` and ``part-00001``."""
_NO_DATA = frozenset(
    ".asc .bib .css .gif .ico .jpeg .jpg .js .lock .log .md5 .mp3 .mp4 .png .py .sh .sha1 .sha256"
    " .sha512 .sig .svg .toml .wav .webp .yaml .yml".split()
)
"""Suffixes of files that are not looked into, whatever stands before the suffix."""
_JSON_SUFFIXES = RECORD_SUFFIXES - TABLE_SUFFIXES
_CORPUS_NAME = re.compile(r"corpus([-_.].*)?", re.IGNORECASE)
_QUERIES_NAME = re.compile(r"queries([-_.].*)?", re.IGNORECASE)
_JUDGEMENTS = "qrels"
"""Name of BEIR's folder of tables with relevance judgements."""


@dataclass(slots=True)
class Survey:
    """What is in a folder, by what it may be; files that are certainly no data are not listed."""

    by_format: dict[CorpusFormat, list[Path]] = field(default_factory=lambda: defaultdict(list))
    """Files whose first record is a passage, and documents."""
    without_passages: list[Path] = field(default_factory=list)
    """Files of JSON, not empty, in whose start there is no passage: damaged, or other records."""
    without_header: list[Path] = field(default_factory=list)
    """Tables, not empty, without the header of DPR's passages."""
    queries: list[Path] = field(default_factory=list)
    """Files with the name of BEIR's queries that are not beside a corpus."""
    nested: list[Path] = field(default_factory=list)
    """Files of JSON whose first record is no passage, with passages inside it or behind it."""
    other_data: list[Path] = field(default_factory=list)
    """Files with another suffix that are data by their name, or hold passages."""
    numbered: list[Path] = field(default_factory=list)
    """Files of records with a number behind their suffix."""
    compressed: list[Path] = field(default_factory=list)
    """Files of records that are compressed in another way than gzip."""
    archives: list[Path] = field(default_factory=list)
    """Other compressed files."""
    records: list[Path] = field(default_factory=list)
    """All files with a suffix of records, in order."""
    about: list[Path] = field(default_factory=list)
    """Documents that describe the folder, such as README.md."""

    def not_read_as(self, format: CorpusFormat | None) -> dict[str, list[Path]]:
        """List the files that look like data and are not read in a format, by what they are.

        Args:
            format: The format; None for any.
        """
        found = {
            "files whose names end with a number": self.numbered,
            "files in another compression than gzip": self.compressed,
            "queries of BEIR": self.queries,
        }
        if format is not CorpusFormat.DOCUMENTS:
            found["JSON whose first record is no passage, but which holds some"] = self.nested
            found["data in a form that is not read"] = self.other_data
            found["archives"] = self.archives
        if format not in (CorpusFormat.DPR, CorpusFormat.DOCUMENTS):
            found[f"tables without the header {', '.join(HEADER)}"] = self.without_header
        if format is CorpusFormat.DPR:
            found["JSON without passages"] = self.without_passages
        return {kind: files for kind, files in found.items() if files}

    def is_only_about(self) -> bool:
        """Decide whether there are documents that describe the folder, and no data."""
        others = (self.records, self.numbered, self.compressed, self.archives, self.other_data)
        return bool(self.about) and not any(others)


def _survey_folder(folder: Path) -> Survey:
    """Look at the start of every file of a folder and its sub-folders."""
    survey = Survey()
    others: list[Path] = []
    paths = walk(folder, Counter())
    companions = _companions(paths)
    for path in paths:
        if path in companions:
            continue
        suffix = data_suffix(path)
        if suffix in RECORD_SUFFIXES:
            _add_records(path, survey)
        elif suffix in DOCUMENT_SUFFIXES:
            content = survey.by_format[CorpusFormat.DOCUMENTS]
            (survey.about if is_documentation(path) else content).append(path)
        elif data_suffix(Path(_NUMBER.sub("", path.name))) in RECORD_SUFFIXES:
            survey.numbered.append(path)
        elif suffix in _OTHER_COMPRESSION:
            is_data = data_suffix(path.with_suffix("")) in RECORD_SUFFIXES
            (survey.compressed if is_data else survey.archives).append(path)
        elif suffix not in _NO_DATA:
            others.append(path)
    if not survey.by_format.get(CorpusFormat.DOCUMENTS):  # which leave out what is no document
        survey.other_data += filter(_is_other_data, others)
    return survey


def _is_other_data(path: Path) -> bool:
    """Decide whether a file with another suffix is data by its name, or holds passages."""
    return bool(_DATA_NAME.search(path.name)) or (os.path.isfile(path) and holds_passages(path))


def _companions(paths: list[Path]) -> set[Path]:
    """Return the queries and judgements that stand beside a corpus in a folder of BEIR."""
    beside = {path.parent for path in paths if _is_json_named(_CORPUS_NAME, path)}
    return {
        path
        for path in paths
        if (path.parent in beside and _is_json_named(_QUERIES_NAME, path))
        or (path.parent.name.lower() == _JUDGEMENTS and path.parent.parent in beside)
    }


def _is_json_named(name: re.Pattern[str], path: Path) -> bool:
    """Decide whether a file has such a name and a suffix of JSON records."""
    return data_suffix(path) in _JSON_SUFFIXES and bool(name.fullmatch(path.name))


def _add_records(path: Path, survey: Survey) -> None:
    """Add a file with a suffix of records to a survey."""
    check_regular(path)
    survey.records.append(path)
    start = peek(path)
    format = format_of_start(path, start)
    if format is not None and _is_json_named(_QUERIES_NAME, path):
        survey.queries.append(path)
    elif format is not None:
        survey.by_format[format].append(path)
    elif not start.first_line:
        return
    elif data_suffix(path) in TABLE_SUFFIXES:
        survey.without_header.append(path)
    elif data_suffix(path) in JSON_LINES_SUFFIXES or start.is_damaged:
        survey.without_passages.append(path)
    elif holds_passages(path):
        survey.nested.append(path)


def folder_format(folder: Path) -> CorpusFormat:
    """Detect the format of a folder's files of records or, where it has none, of its documents.

    Documents that describe the folder (README, LICENSE …) count only where there is nothing else.

    Args:
        folder: The folder.

    Raises:
        DataError: If a folder or a file cannot be read, the folder has files of several formats or
            files that look like data and would not be read, or there is no file of any format.
    """
    survey = _survey_folder(folder)
    by_format = {format.value: files for format, files in survey.by_format.items() if files}
    if not by_format and survey.is_only_about():
        return CorpusFormat.DOCUMENTS
    readable = [path for path in survey.records if path not in survey.queries]
    format = CorpusFormat(next(iter(by_format))) if by_format else None
    if format is None and readable:
        format = detect_file(readable[0])  # its reader, or this error, says what is wrong with it
    others = survey.not_read_as(format)
    if len(by_format) > 1:
        for path in survey.by_format[CorpusFormat.DOCUMENTS]:
            check_regular(path)  # a broken link is no document
    if len(by_format) > 1 or (format is not None and others):
        first = by_format or {f"files read as {format}": readable[:1]}
        raise DataError(
            f"expected a folder of one format, found {_listed(first | others, folder)}. Choose the "
            "format with --format, or name a folder with files of one format only.",
            path=folder,
        )
    if format is not None:
        return format
    found = f"of {_listed(others, folder)}" if others else "with no file of such a format"
    unreadable = survey.compressed + survey.archives
    note = f" (only gzip is read, not {unreadable[0].name})" if unreadable else ""
    raise unknown_format("a corpus", CorpusFormat, f"a folder {found}{note}", folder)


def _listed(groups: dict[str, list[Path]], folder: Path) -> str:
    """Describe groups of files, each with the number of its files and the first of them."""
    parts = []
    for kind, files in groups.items():
        first = files[0].relative_to(folder).as_posix()
        n = "1 file" if len(files) == 1 else f"{len(files):,} files"
        parts.append(f"{kind} ({n}, {first}{' first' if len(files) > 1 else ''})")
    return " and ".join(parts)


def record_files(path: Path, format: CorpusFormat, report: ReadReport) -> list[Path]:
    """List the files of records: the file itself, or those of the folder, sorted by path.

    Of a folder, these are its tables, or its files of JSON. A ``.json`` file whose first value is
    sound and no passage, such as package.json, is left out.

    Args:
        path: A file, whatever its suffix, or a folder, which is searched with its sub-folders.
        format: The format.
        report: Told how many files of a folder were left out.

    Raises:
        DataError: If a folder cannot be read or holds no such file, or such a file is a broken
            link, a pipe, a socket or a device.
    """
    if not path.is_dir():
        return [path]
    suffixes = TABLE_SUFFIXES if format is CorpusFormat.DPR else _JSON_SUFFIXES
    paths = walk(path, report.left_out)
    possible = [file for file in paths if data_suffix(file) in suffixes]
    if not possible:
        names = " or ".join(sorted(suffixes))
        raise DataError(f"expected {names} files in the folder, found none. Add them.", path=path)
    for file in possible:
        check_regular(file)
    companions = _companions(paths)
    files = [file for file in possible if file not in companions and _is_read(file)] or possible
    if len(files) < len(paths):
        report.left_out[OTHER_KIND] += len(paths) - len(files)
    return files


def _is_read(file: Path) -> bool:
    """Decide whether a file with a suffix of a format is read in it."""
    if _is_json_named(_QUERIES_NAME, file):
        return False
    if data_suffix(file) != ".json":
        return True
    start = peek(file)
    return start.is_damaged or format_of_start(file, start) is not None
