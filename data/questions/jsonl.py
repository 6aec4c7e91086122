"""Reading comprehension as JSON Lines, one question with its context a line.

Fields: ``id, title, context, question, answers[], answer_starts[]`` and, where they apply,
``is_impossible`` and ``multi_span``; other fields are passed over.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..io.fields import (
    take_flag,
    take_optional_id,
    take_optional_text,
    take_starts,
    take_text,
    take_texts,
)
from ..io.json_records import JsonObject, read_json_lines, write_json_lines
from ..io.policy import ErrorPolicy, SourceLocation, parse_each
from ..records import ReadingExample
from .examples import check_example


def parse_example(record: JsonObject, location: SourceLocation) -> ReadingExample:
    """One line as an example; without an id it is named by its record number.

    Raises:
        DataError: If a field is missing or wrong, or an answer is not where its offset says.
    """
    example = ReadingExample(
        example_id=take_optional_id(record, ("id",), location) or str(location.number),
        question=take_text(record, "question", location),
        context=take_text(record, "context", location),
        answers=take_texts(record, "answers", location),
        answer_starts=take_starts(record, "answer_starts", location),
        title=take_optional_text(record, "title", location),
        is_impossible=take_flag(record, "is_impossible", location),
        multi_span=take_flag(record, "multi_span", location),
    )
    return check_example(example, location)


def read_jsonl_examples(
    path: Path, policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, ReadingExample]]:
    """The examples of one file, plain or gzip."""
    return parse_each(read_json_lines(path, policy), parse_example, policy)


def write_examples(
    path: str | Path, examples: Iterable[ReadingExample], *, compress: bool | None = None
) -> int:
    """Write examples as JSON Lines, so that reading gives them back; equal ones give equal bytes.

    Args:
        path: The file; what it held is lost.
        examples: Drawn one by one.
        compress: Whether to gzip; by default where the name ends in ``.gz``.

    Returns:
        How many were written.

    Raises:
        DataError: If an example could not be read back; names the line that it would be on.
    """
    return write_json_lines(path, map(_record_of, examples), parse_example, compress=compress)


def _record_of(example: ReadingExample) -> JsonObject:
    """The example as a JSON object."""
    record: JsonObject = {
        "id": example.example_id,
        "title": example.title,
        "context": example.context,
        "question": example.question,
        "answers": list(example.answers),
        "answer_starts": list(example.answer_starts),
    }
    flags = {"is_impossible": example.is_impossible, "multi_span": example.multi_span}
    return record | {name: True for name, value in flags.items() if value}
