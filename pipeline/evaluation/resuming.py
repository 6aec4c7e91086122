"""Predictions files: written line by line, and continued after an interruption."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ...data import Question
from ...data.io.atomic import naming_output
from ...data.io.json_records import parse_json_line
from ...data.io.lines import decode_line, read_raw_lines
from ...data.io.policy import SourceLocation
from .outcomes import Outcome, parse_outcome
from .settings import Settings, settings_path


@contextmanager
def open_predictions(
    path: Path, questions: Sequence[Question], settings: Settings, *, resume: bool
) -> Iterator[tuple[list[Outcome], TextIO]]:
    """Open a predictions file for writing.

    Args:
        path: The file. Without ``resume`` it is overwritten.
        questions: The questions to answer, in their order.
        settings: Settings that the answers depend on.
        resume: Keep the lines of the file.

    Yields:
        The outcomes of the questions that are answered already, and the file to append to.

    Raises:
        PrereadError: If the file was written with other settings.
        DataError: If a line is damaged, or belongs to another question.
    """
    known: list[Outcome] = []
    if resume and path.exists() and (path.stat().st_size or settings_path(path).exists()):
        settings.check(path)
        known, n_bytes = read_whole_lines(path, questions)
        with path.open("r+b") as raw:
            raw.truncate(n_bytes)
    else:
        path.unlink(missing_ok=True)  # or its lines would stand beside settings that are not theirs
        settings.save(path)
    with naming_output(path), path.open("a", encoding="utf-8", newline="\n") as file:
        yield known, file


def read_whole_lines(path: Path, questions: Sequence[Question]) -> tuple[list[Outcome], int]:
    """The outcomes of the lines that were written to their end, and their number of bytes.

    Args:
        path: A predictions file. A last line without its line end is passed over, as a process
            that was killed leaves it.
        questions: Which the lines must be of, in this order.

    Raises:
        DataError: If a line is damaged, or of another question.
    """
    outcomes: list[Outcome] = []
    n_bytes = 0
    for line, raw in enumerate(read_raw_lines(path), start=1):
        if not raw.endswith(b"\n"):
            break
        location = SourceLocation(path, line, line - 1)
        outcome = parse_outcome(parse_json_line(decode_line(raw, location), location), location)
        wanted = questions[line - 1].question_id if line <= len(questions) else None
        if outcome.question_id != wanted:
            expected = f"question {wanted!r}" if wanted is not None else "the end of the file"
            raise location.error(
                f"expected {expected}, found question {outcome.question_id!r}. Evaluate anew, "
                "without --resume."
            )
        outcomes.append(outcome)
        n_bytes += len(raw)
    return outcomes, n_bytes
