"""Reading-comprehension examples as JSON Lines.

Fields: ``id, title, context, question, answers[], answer_starts[]`` and, where they apply,
``is_impossible`` and ``multi_span``; other fields are ignored.
"""

from collections.abc import Iterable
from pathlib import Path

from ..io.fields import (
    take_flag,
    take_optional_id,
    take_optional_text,
    take_starts,
    take_text,
    take_texts,
)
from ..io.json_records import JsonObject, write_json_lines
from ..io.policy import SourceLocation
from ..records import ReadingExample
from .examples import check_example


def parse_example(record: JsonObject, location: SourceLocation) -> ReadingExample:
    """Parse a record.

    Args:
        record: The JSON object.
        location: Where it stands; its record number is the identifier of an example without one.

    Raises:
        DataError: If a field is missing or wrong, or an answer is not at its offset.
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


def write_examples(
    path: str | Path, examples: Iterable[ReadingExample], *, compress: bool | None = None
) -> int:
    """Write examples as JSON Lines, and count them; equal examples give equal bytes.

    Args:
        path: The file to write; it is overwritten.
        examples: The examples, drawn one by one.
        compress: Whether to gzip; by default where the name ends in ``.gz``.

    Raises:
        DataError: If an example could not be read back; the error names the line it would have been
            on.
    """
    return write_json_lines(path, map(_record_of, examples), parse_example, compress=compress)


def _record_of(example: ReadingExample) -> JsonObject:
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
