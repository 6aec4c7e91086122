"""BEIR's corpora: JSON Lines with ``_id``, ``title`` and ``text``.

Source: https://github.com/beir-cellar/beir.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..io.policy import ErrorPolicy, SourceLocation
from ..records import Passage
from .jsonl import read_jsonl_passages


def read_beir_passages(
    files: Sequence[Path], policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, Passage]]:
    """Read BEIR's passages.

    Args:
        files: The files, plain or gzip.
        policy: What to do with a line that cannot be used.

    Returns:
        The location of each passage, and the passage.

    Raises:
        DataError: If a file cannot be read, or the policy is to fail and a line is refused.
    """
    return read_jsonl_passages(files, policy, id_name="_id")
