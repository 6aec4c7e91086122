"""Predictions files, one JSON object: ``{"predictions": [{"example_id": …, …}, …]}``.

Source: https://github.com/google-research-datasets/natural-questions, nq_eval.py.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..io.atomic import naming_output
from ..io.fields import take_id, take_number, take_objects
from ..io.json_records import JsonObject, read_json_object
from ..io.policy import SourceLocation
from .parsing import parse_answer
from .records import NqAnswer, YesNo

_SCORES = ("long_answer_score", "short_answers_score")


@dataclass(frozen=True, slots=True)
class NqPrediction:
    """A system's answer to one example, and its scores."""

    example_id: str
    answer: NqAnswer
    long_score: float | None = None
    """Score of the long answer, by which predictions are ranked; None where there is none."""
    short_score: float | None = None
    """Score of the short answers or of the yes/no answer; None where there is none."""


def read_nq_predictions(path: str | Path) -> dict[str, tuple[SourceLocation, NqPrediction]]:
    """Read a predictions file: for each example the location of its prediction, and that.

    Args:
        path: A file, plain or gzip.

    Raises:
        DataError: If the file is not such JSON, an example has two predictions, a span or score is
            malformed, a prediction has both yes or no and short answers, or only some of the
            predictions have a score.
    """
    path = Path(path)
    top = SourceLocation(path, None)
    found: dict[str, tuple[SourceLocation, NqPrediction]] = {}
    for location, value in take_objects(_load(path, top), "predictions", top):
        prediction, location = _parse(value, location)
        if prediction.example_id in found:
            raise location.error(
                "expected one prediction, found a second one. Drop one of the two."
            )
        found[prediction.example_id] = location, prediction
    _check_scores(found)
    return found


def write_nq_predictions(path: str | Path, predictions: Iterable[NqPrediction]) -> int:
    """Write predictions in the form that the official script reads, and count them.

    Args:
        path: The file to write; it is overwritten.
        predictions: The predictions. A score of None is written as 0.0; the script ignores the
            scores where all are 0.0.
    """
    records = [_record_of(prediction) for prediction in predictions]
    text = json.dumps({"predictions": records}, ensure_ascii=False)
    with naming_output(Path(path)):
        Path(path).write_text(text + "\n", encoding="utf-8")
    return len(records)


def _load(path: Path, top: SourceLocation) -> JsonObject:
    """Read the file's object, which must have ``predictions``."""
    value = read_json_object(path, "one JSON object with 'predictions'")
    if value.get("predictions") is None:
        raise top.error(
            f"expected the field 'predictions', found {', '.join(map(repr, value)) or 'none'}. "
            'Write {"predictions": […]}.'
        )
    return value


def _parse(record: JsonObject, location: SourceLocation) -> tuple[NqPrediction, SourceLocation]:
    """Parse one prediction; its location gets the example's identifier."""
    name = take_id(record, "example_id", location)
    at = location._replace(within=f"{location.within} (example {name})")
    answer = parse_answer(record, at)
    if answer.yes_no is not YesNo.NONE and answer.short_answers:
        raise at.error(
            f"expected short answers or {answer.yes_no.value.upper()}, found both. Remove one."
        )
    long_score, short_score = (
        None if record.get(field) is None else take_number(record, field, at) for field in _SCORES
    )
    return NqPrediction(name, answer, long_score, short_score), at


def _check_scores(found: dict[str, tuple[SourceLocation, NqPrediction]]) -> None:
    """Refuse a file in which only some predictions have scores, which cannot be ranked."""
    places = [location for location, _ in found.values()]
    columns = (
        [prediction.long_score for _, prediction in found.values()],
        [prediction.short_score for _, prediction in found.values()],
    )
    for name, scores in zip(_SCORES, columns, strict=True):
        n_missing = scores.count(None)
        if 0 < n_missing < len(scores):
            raise places[scores.index(None)].error(
                f"expected {name!r} in every prediction or in none, found it in "
                f"{len(scores) - n_missing:,} of {len(scores):,}. Add it to this one."
            )


def _record_of(prediction: NqPrediction) -> JsonObject:
    """Return the prediction as a JSON object, with a numeric identifier as in the data."""
    answer, name = prediction.answer, prediction.example_id
    return {
        "example_id": int(name) if name.removeprefix("-").isdecimal() else name,
        "long_answer": answer.long_answer.to_dict(),
        "long_answer_score": prediction.long_score or 0.0,
        "short_answers": [span.to_dict() for span in answer.short_answers],
        "short_answers_score": prediction.short_score or 0.0,
        "yes_no_answer": answer.yes_no.value.upper(),
    }
