"""BEIR's corpora: JSON Lines with ``_id``, ``title`` and ``text``.

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
    """Find the corpus in a BEIR folder, which also holds queries and relevance judgements.

    Args:
        folder: The folder.

    Returns:
        The file; None where the folder has none.
    """
    return next((folder / name for name in CORPUS_NAMES if (folder / name).is_file()), None)


def read_beir_passages(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, Passage]]:
    """Read BEIR's passages.

    Args:
        path: A file, plain or gzip, a BEIR folder, or a folder of such files.
        policy: What to do with a line that cannot be used.

    Yields:
        The location of each passage, and the passage.

    Raises:
        DataError: If a folder holds no corpus, a file cannot be read, or the policy is to fail and
            a line is refused.
    """
    file = find_corpus_file(path) if path.is_dir() else path
    if file is None and not find_files(path, SUFFIXES):
        names = " or ".join(CORPUS_NAMES)
        raise DataError(f"expected {names} in the folder, found neither. Add it.", path=path)
    return read_jsonl_passages(file or path, policy, id_name="_id")
