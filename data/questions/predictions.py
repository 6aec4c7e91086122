"""Files of predicted answers, whoever made them.

Three forms are read, told from their content:

- JSON Lines with ``prediction`` and ``id`` (``preread evaluate --predictions`` writes them);
- JSON Lines with ``prediction`` and ``question``, without an identifier: NQ-open's;
- one JSON object of identifiers and answers: SQuAD's.

Sources: https://rajpurkar.github.io/SQuAD-explorer/ and
https://github.com/google-research-datasets/natural-questions/tree/master/nq_open.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from ..io.fields import take_optional_id, take_optional_text, take_text
from ..io.json_records import JsonObject, as_json_object, read_json_lines, shorten
from ..io.lines import read_whole_text
from ..io.peek import data_suffix, peek
from ..io.policy import ErrorPolicy, SourceLocation
from ..records import Question

_ID_NAMES = ("id", "question_id", "qid")


@dataclass(frozen=True, slots=True)
class Prediction:
    """An answer to the question of an identifier or, where there is none, of a text."""

    question_id: str | None
    question: str
    prediction: str


def read_predictions(path: str | Path) -> Iterator[tuple[SourceLocation, Prediction]]:
    """The predictions of a file, plain or gzip, each with its place.

    Raises:
        DataError: If the file is in none of the three forms, or a record is not sound.
    """
    path = Path(path)
    fields = peek(path).fields
    if _is_record(fields) or (not fields and data_suffix(path) != ".json"):
        records = read_json_lines(path, ErrorPolicy())
        return ((location, _parse(record, location)) for location, record in records)
    return _read_object(path)


def match_predictions(questions: Sequence[Question], path: str | Path) -> list[Prediction | None]:
    """The prediction for each question.

    Args:
        questions: With identifiers of their own.
        path: A file of predictions.

    Returns:
        One for each question, in their order; None where the file has none.

    Raises:
        DataError: As in `read_predictions`; or if a prediction is for no question, or a second one
            for the same.
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
    """Which questions a prediction is for; a text may be that of several."""
    if one.question_id is None:
        return by_text.get(one.question, ())
    number = by_id.get(one.question_id)
    return () if number is None else (number,)


def _is_record(fields: Sequence[str]) -> bool:
    """Whether an object is a line's record and not SQuAD's object of all answers."""
    return not {"prediction", "question", *_ID_NAMES}.isdisjoint(fields)


def _parse(record: JsonObject, location: SourceLocation) -> Prediction:
    """One line as a prediction."""
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
    """The answers of SQuAD's form, one object."""
    text = read_whole_text(path)
    try:
        answers = as_json_object(json.loads(text), SourceLocation(path, None))
    except (ValueError, RecursionError) as error:
        raise SourceLocation(path, getattr(error, "lineno", None)).error(
            f"expected predictions, one JSON object {{identifier: answer}} or a line with "
            f"'prediction' for each question, found a fault ({error}). Correct it."
        ) from error
    for number, (name, value) in enumerate(answers.items()):
        location = SourceLocation(path, None, number, within=name)
        if not isinstance(value, str):
            raise location.error(
                f"expected the answer as a string, found {type(value).__name__} {shorten(value)}. "
                "Write {identifier: answer}, or a JSON line with 'prediction' for each question."
            )
        yield location, Prediction(name, "", take_optional_text(answers, name, location))


def _name(one: Prediction) -> str:
    """How an error calls the question."""
    return repr(one.question_id) if one.question_id is not None else shorten(one.question)


def _unknown(one: Prediction, n_questions: int) -> str:
    """What is wrong with a prediction for no question."""
    return (
        f"expected a prediction for one of the {n_questions:,} questions, found one for "
        f"{_name(one)}, which is not among them. Name the questions that were answered; "
        "without identifiers, the texts of the questions must be the same."
    )
