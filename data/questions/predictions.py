"""Files of predicted answers, from this package or another system.

Three forms are read; the content decides which:

- JSON Lines with ``prediction`` and ``id``, as ``preread evaluate --predictions`` writes them;
- JSON Lines with ``prediction`` and ``question``, without an identifier, as in NQ-open;
- one JSON object that maps identifiers to answers, as in SQuAD.

Sources: https://rajpurkar.github.io/SQuAD-explorer/ and
https://github.com/google-research-datasets/natural-questions/tree/master/nq_open.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from ..io.fields import take_optional_id, take_optional_text, take_text
from ..io.json_records import (
    JsonObject,
    describe,
    read_json_lines,
    read_json_object,
    shorten,
)
from ..io.peek import data_suffix, peek
from ..io.policy import ErrorPolicy, SourceLocation
from ..records import Question

_ID_NAMES = ("id", "question_id", "qid")


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted answer to one question, which is named by identifier or by text."""

    question_id: str | None
    """None where the question's text names it."""
    question: str
    """The question's text; may be empty where there is an identifier."""
    prediction: str
    """The predicted answer; empty for none."""


def read_predictions(path: str | Path) -> Iterator[tuple[SourceLocation, Prediction]]:
    """Read the predictions of a file with their locations, in the file's order.

    Args:
        path: A file, plain or gzip.

    Raises:
        DataError: If the file is in none of the three forms, or a record cannot be used.
    """
    path = Path(path)
    fields = peek(path).fields
    if _is_record(fields) or (not fields and data_suffix(path) != ".json"):
        records = read_json_lines(path, ErrorPolicy())
        return ((location, _parse(record, location)) for location, record in records)
    return _read_object(path)


def match_predictions(questions: Sequence[Question], path: str | Path) -> list[Prediction | None]:
    """Assign the predictions of a file to questions; None to those without one.

    Args:
        questions: The questions, with unique identifiers.
        path: A file of predictions, plain or gzip.

    Raises:
        DataError: If the file cannot be used, or a prediction is for none of the questions or for
            one that already has a prediction.
    """
    by_id = {question.question_id: number for number, question in enumerate(questions)}
    by_text: dict[str, list[int]] = {}
    for number, question in enumerate(questions):
        by_text.setdefault(question.question, []).append(number)
    found: list[Prediction | None] = [None] * len(questions)
    for location, one in read_predictions(path):
        numbers = _numbers(one, by_id, by_text)
        if not numbers:
            raise location.error(_unknown(one, len(questions)))
        if found[numbers[0]] is not None:
            raise location.error(
                f"expected one prediction for {_name(one)}, found a second one. "
                "Drop one of the two."
            )
        for number in numbers:
            found[number] = one
    if not any(found):
        raise DataError("expected at least one prediction, found none.", path=path)
    return found


def _numbers(
    one: Prediction, by_id: dict[str, int], by_text: dict[str, list[int]]
) -> Sequence[int]:
    """Return the numbers of a prediction's questions; several questions may have one text."""
    if one.question_id is None:
        return by_text.get(one.question, ())
    number = by_id.get(one.question_id)
    return () if number is None else (number,)


def _is_record(fields: Sequence[str]) -> bool:
    """Decide whether an object is one prediction, and not SQuAD's object of all answers."""
    return not {"prediction", "question", *_ID_NAMES}.isdisjoint(fields)


def _parse(record: JsonObject, location: SourceLocation) -> Prediction:
    if not isinstance(record.get("prediction"), str):
        raise location.error(
            f"expected a string in 'prediction', found {shorten(record.get('prediction'))} "
            f"(fields: {', '.join(map(repr, record)) or 'none'}). Write "
            '{"id": …, "prediction": …}, or "question" in place of "id".'
        )
    name = take_optional_id(record, _ID_NAMES, location)
    if name is None:
        question = take_text(record, "question", location)
    else:
        question = take_optional_text(record, "question", location)
    return Prediction(name, question, take_optional_text(record, "prediction", location))


def _read_object(path: Path) -> Iterator[tuple[SourceLocation, Prediction]]:
    """Read predictions in SQuAD's form, one object."""
    what = (
        "predictions, one JSON object {identifier: answer} or a line with 'prediction' for each "
        "question"
    )
    answers = read_json_object(path, what)
    for number, (name, value) in enumerate(answers.items()):
        location = SourceLocation(path, None, number, within=name)
        if not isinstance(value, str):
            raise location.error(
                f"expected the answer as a string, found {describe(value)}. "
                "Write {identifier: answer}, or a JSON line with 'prediction' for each question."
            )
        yield location, Prediction(name, "", take_optional_text(answers, name, location))


def _name(one: Prediction) -> str:
    """Name the question in an error."""
    return repr(one.question_id) if one.question_id is not None else shorten(one.question)


def _unknown(one: Prediction, n_questions: int) -> str:
    """Write the error for a prediction that is for none of the questions."""
    return (
        f"expected a prediction for one of the {n_questions:,} questions, found one for "
        f"{_name(one)}, which is not among them. Name the file of the questions that were "
        "answered; without identifiers, the texts of the questions must be equal."
    )
