"""Detection of a corpus's format."""

from pathlib import Path

from ..errors import DataError
from ..io.lines import describe_absence, refuse_pipe
from .folder import folder_format
from .formats import CorpusFormat
from .recognition import detect_file


def detect_corpus_format(path: str | Path) -> CorpusFormat:
    """Detect a corpus's format from its path and its first record.

    Args:
        path: A file, plain or gzip, or a folder.

    Raises:
        DataError: If there is nothing at the path, it is in none of the formats, or a folder has
            files of several, or files that look like data and would not be read.
    """
    path = Path(path)
    check_path(path)
    return folder_format(path) if path.is_dir() else detect_file(path)


def check_path(path: Path) -> None:
    """Refuse a path where there is neither a file nor a folder.

    Args:
        path: The path of a corpus.

    Raises:
        DataError: If there is nothing, or a pipe: a corpus is read more than once.
    """
    if not path.exists():
        raise DataError(
            f"expected a corpus (a file or a folder), found {describe_absence(path)}. Check the "
            "path.",
            path=path,
        )
    refuse_pipe(path)
