"""Files of predictions, one JSON object: ``{"predictions": [{"example_id": …, …}, …]}``.

Source: https://github.com/google-research-datasets/natural-questions, nq_eval.py.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..io.fields import take_id, take_objects
from ..io.json_records import JsonObject, as_json_object, shorten
from ..io.lines import read_whole_text
from ..io.policy import SourceLocation
from .parsing import parse_answer
from .records import NqAnswer, YesNo

_SCORES = ("long_answer_score", "short_answers_score")


@dataclass(frozen=True, slots=True)
class NqPrediction:
    """What a system answers to one example, and how sure it is."""

    example_id: str
    answer: NqAnswer
    long_score: float | None = None
    """Compared with those of other examples; None where the system gives none."""
    short_score: float | None = None


def read_nq_predictions(path: str | Path) -> dict[str, tuple[SourceLocation, NqPrediction]]:
    """The predictions of a file, plain or gzip, by example, each with its place.

    Raises:
        DataError: If the file is not such JSON, an example is predicted twice, a span or score is
            not sound, a yes/no answer has spans as well, or only some predictions have a score.
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
    """Write predictions as the official script reads them.

    A score that is None is written as 0.0, which it takes for no score where all are.

    Returns:
        How many were written.
    """
    records = [_record_of(prediction) for prediction in predictions]
    text = json.dumps({"predictions": records}, ensure_ascii=False)
    Path(path).write_text(text + "\n", encoding="utf-8")
    return len(records)


def _load(path: Path, top: SourceLocation) -> JsonObject:
    """The file's one object."""
    text = read_whole_text(path)
    try:
        value = as_json_object(json.loads(text), top)
    except (ValueError, RecursionError) as error:
        raise top._replace(line=getattr(error, "lineno", None)).error(
            f"expected one JSON object with 'predictions', found a fault ({error}). Correct it."
        ) from error
    if value.get("predictions") is None:
        raise top.error(
            f"expected the field 'predictions', found {', '.join(map(repr, value)) or 'none'}. "
            'Write {"predictions": […]}.'
        )
    return value


def _parse(record: JsonObject, location: SourceLocation) -> tuple[NqPrediction, SourceLocation]:
    """One prediction, and its place with the example's name in it."""
    name = take_id(record, "example_id", location)
    at = location._replace(within=f"{location.within} (example {name})")
    answer = parse_answer(record, at)
    if answer.yes_no is not YesNo.NONE and answer.short_answers:
        raise at.error(
            f"expected short answers or {answer.yes_no.value.upper()}, found both. Take out one."
        )
    long_score, short_score = (_take_score(record, field, at) for field in _SCORES)
    return NqPrediction(name, answer, long_score, short_score), at


def _take_score(record: JsonObject, name: str, location: SourceLocation) -> float | None:
    """A score, where there is one."""
    value = record.get(name)
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]
        raise location.error(f"expected a finite number in {name!r}, found {shorten(value)}.")
    return float(value)  # type: ignore[arg-type]


def _check_scores(found: dict[str, tuple[SourceLocation, NqPrediction]]) -> None:
    """Refuse scores of some predictions only: what has none cannot be ranked with what has one."""
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
    """The prediction as a JSON object; the script compares identifiers with the data's numbers."""
    answer, name = prediction.answer, prediction.example_id
    return {
        "example_id": int(name) if name.removeprefix("-").isdecimal() else name,
        "long_answer": answer.long_answer.to_dict(),
        "long_answer_score": prediction.long_score or 0.0,
        "short_answers": [span.to_dict() for span in answer.short_answers],
        "short_answers_score": prediction.short_score or 0.0,
        "yes_no_answer": answer.yes_no.value.upper(),
    }
