"""BEIR's corpora: JSON Lines of ``_id``, ``title`` and ``text``.

Source: https://github.com/beir-cellar/beir.
"""

from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError
from ..io.folders import find_files
from ..io.policy import ErrorPolicy, SourceLocation
from ..records import Passage
from .jsonl import SUFFIXES, read_jsonl_passages

CORPUS_NAMES = ("corpus.jsonl", "corpus.jsonl.gz")


def find_corpus_file(folder: Path) -> Path | None:
    """The corpus of a BEIR folder, which holds queries and judgements as well."""
    return next((folder / name for name in CORPUS_NAMES if (folder / name).is_file()), None)


def read_beir_passages(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, Passage]]:
    """The passages of one file, plain or gzip, of a BEIR folder, or of a folder of such files.

    Raises:
        DataError: If the folder holds no corpus, or the policy says so.
    """
    file = find_corpus_file(path) if path.is_dir() else path
    if file is None and not find_files(path, SUFFIXES):
        names = " or ".join(CORPUS_NAMES)
        raise DataError(f"expected {names} in the folder, found neither. Add it.", path=path)
    return read_jsonl_passages(file or path, policy, id_name="_id")
