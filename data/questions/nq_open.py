"""Natural Questions open: JSON Lines of ``question`` and ``answer``, a list.

Source: https://github.com/google-research-datasets/natural-questions/tree/master/nq_open.
"""

from collections.abc import Iterator
from pathlib import Path

from ..io.fields import take_optional_id, take_text, take_texts
from ..io.json_records import JsonObject, read_json_lines
from ..io.policy import ErrorPolicy, SourceLocation, parse_each
from ..records import Question


def parse_question(record: JsonObject, location: SourceLocation) -> Question:
    """One line as a question; without ``id`` or ``question_id`` it is named by its record number.

    Raises:
        DataError: If the question is missing, or a field is of another type.
    """
    answers_name = "answers" if "answers" in record else "answer"
    return Question(
        question_id=take_optional_id(record, ("id", "question_id"), location)
        or str(location.number),
        question=take_text(record, "question", location),
        answers=take_texts(record, answers_name, location),
        is_labelled=record.get(answers_name) is not None,
    )


def read_nq_open_questions(
    path: Path, policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, Question]]:
    """The questions of one file, plain or gzip."""
    return parse_each(read_json_lines(path, policy), parse_question, policy)
