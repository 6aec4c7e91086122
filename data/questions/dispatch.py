"""Reading questions in any format."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ..errors import DataError
from ..io.delimited import read_rows
from ..io.json_records import read_json_lines
from ..io.lines import check_file, read_lines
from ..io.policy import (
    ErrorPolicy,
    OnError,
    ReadReport,
    SourceLocation,
    check_limit,
    draw,
    parsing,
)
from ..io.system_errors import explaining_read_errors
from ..nq import find_nq_files
from ..records import Question, ReadingExample
from .detection import detect_question_format
from .dpr import parse_question as parse_dpr_question
from .examples import as_question
from .formats import QuestionFormat
from .jsonl import parse_example
from .nq import read_nq_examples, read_nq_questions
from .nq_open import parse_question as parse_nq_open_question
from .squad import read_squad_examples
from .trec import parse_topic

QuestionReader = Callable[[Path, ErrorPolicy], Iterator[tuple[SourceLocation, Question]]]
ExampleReader = Callable[[Path, ErrorPolicy], Iterator[tuple[SourceLocation, ReadingExample]]]

QUESTION_READERS: dict[QuestionFormat, QuestionReader] = {
    QuestionFormat.NQ_OPEN: parsing(read_json_lines, parse_nq_open_question),
    QuestionFormat.DPR: parsing(partial(read_rows, n_fields=2), parse_dpr_question),
    QuestionFormat.TREC: parsing(read_lines, parse_topic),
    QuestionFormat.NQ: read_nq_questions,
}
EXAMPLE_READERS: dict[QuestionFormat, ExampleReader] = {
    QuestionFormat.SQUAD: read_squad_examples,
    QuestionFormat.JSONL: parsing(read_json_lines, parse_example),
    QuestionFormat.NQ: read_nq_examples,
}


def read_questions(
    path: str | Path,
    *,
    format: QuestionFormat = QuestionFormat.AUTO,
    on_error: OnError = OnError.FAIL,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> Iterator[Question]:
    """Read open-domain questions; of a reading-comprehension file, only the questions are read.

    The path and its format are checked at once, records when they are drawn.

    Args:
        path: A file, plain or gzip; for Natural Questions, also a folder of files.
        format: The format; ``AUTO`` detects it from the name and the first record.
        on_error: What to do with a record that cannot be used.
        report: Updated with what is read and skipped; None for no report.
        limit: Number of questions after which to stop; None for all.

    Returns:
        The questions in the file's order. The identifier of a question without one is its record
        number.

    Raises:
        DataError: If the file cannot be read or holds no question, or ``on_error`` is ``FAIL`` and
            a record cannot be used.
        ValueError: If the limit is negative, or ``format`` or ``on_error`` is not a valid choice.
    """
    check_limit(limit)
    policy = ErrorPolicy.of(on_error, report)
    found = locate_questions(Path(path), format, policy)
    return draw(found, path=Path(path), noun="question", report=policy.report, limit=limit)


def locate_questions(
    path: Path, format: QuestionFormat, policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, Question]]:
    """Read open-domain questions with their locations, in the file's order.

    Args:
        path: A file, plain or gzip; for Natural Questions, also a folder of files.
        format: The format; ``AUTO`` detects it from the name and the first record.
        policy: What to do with a record that cannot be used.

    Raises:
        DataError: If the file cannot be read, or the policy is to fail and a record is refused.
        ValueError: If ``format`` is not a valid choice.
    """
    format = _resolve(path, format)
    if format in QUESTION_READERS:
        return QUESTION_READERS[format](path, policy)
    examples = EXAMPLE_READERS[format](path, policy)
    return ((location, as_question(example)) for location, example in examples)


def read_examples(
    path: str | Path,
    *,
    format: QuestionFormat = QuestionFormat.AUTO,
    on_error: OnError = OnError.FAIL,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> Iterator[ReadingExample]:
    """Read reading-comprehension examples from SQuAD's JSON, JSON Lines or Natural Questions.

    Each answer is checked against its context. The path and its format are checked at once,
    records when they are drawn.

    Args:
        path: A file, plain or gzip; for Natural Questions, also a folder of files.
        format: The format; ``AUTO`` detects it from the name and the first record.
        on_error: What to do with a record that cannot be used.
        report: Updated with what is read and skipped; None for no report.
        limit: Number of examples after which to stop; None for all.

    Returns:
        The examples in the file's order. The identifier of an example without one is its record
        number.

    Raises:
        DataError: If the file cannot be read or holds no example, its format has no context, or
            ``on_error`` is ``FAIL`` and a record cannot be used.
        ValueError: If the limit is negative, or ``format`` or ``on_error`` is not a valid choice.
    """
    check_limit(limit)
    path, format = Path(path), _resolve(path, format)
    if format not in EXAMPLE_READERS:
        choices = ", ".join(choice.value for choice in EXAMPLE_READERS)
        raise DataError(
            f"expected questions with their context ({choices}), found the format "
            f"{format.value!r}, which has no context. Use it for open-domain questions instead.",
            path=path,
        )
    policy = ErrorPolicy.of(on_error, report)
    found = EXAMPLE_READERS[format](path, policy)
    return draw(found, path=path, noun="example", report=policy.report, limit=limit)


def _resolve(path: str | Path, format: QuestionFormat) -> QuestionFormat:
    """Return the format, detected where it is ``AUTO``; refuse a file that cannot be opened."""
    with explaining_read_errors(path):
        if format == QuestionFormat.AUTO:
            return detect_question_format(path)
        format = QuestionFormat(format)
        if format is QuestionFormat.NQ:
            find_nq_files(Path(path))
        else:
            check_file(Path(path))
        return format
