"""The outcome of each question: the lines of a predictions file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...data.io.fields import (
    take_id,
    take_number,
    take_objects,
    take_optional_id,
    take_optional_text,
    take_text,
    take_texts,
)
from ...data.io.json_records import JsonObject, read_json_lines
from ...data.io.policy import ErrorPolicy, SourceLocation, parse_each


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredAnswer:
    """A prediction of any system, with its scores."""

    question_id: str
    question: str
    gold: tuple[str, ...]
    prediction: str
    exact_match: float
    f1: float

    def to_dict(self) -> dict[str, Any]:
        """A line of the file."""
        return {
            "id": self.question_id,
            "question": self.question,
            "gold": list(self.gold),
            "prediction": self.prediction,
            "exact_match": self.exact_match,
            "f1": self.f1,
        }


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """The best answer after reading some of the passages, scored."""

    n_passages: int
    """Least number of passages with this answer; the next step has more."""
    prediction: str
    exact_match: float
    f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(ScoredAnswer):
    """A question, answered from an index and scored."""

    score: float
    """Score of the answer, from 0 to 1; 0 without an answer."""
    confidence: float | None = None
    """The probability that the answer is right; None without an answer or fitted weights."""
    passage_id: str | None
    first_passage_with_answer: int | None
    """Rank, from 1, of the first passage that holds a gold answer."""
    latency_ms: float
    stage_ms: dict[str, float]
    passages_read: int
    """Number of passages read; fewer than requested if fewer were found or reading stopped."""
    steps: tuple[StepOutcome, ...] = field(default=())

    def after(self, n_passages: int) -> tuple[float, float]:
        """Exact match and F1 after reading only some passages.

        Args:
            n_passages: Number of passages read, from the first.
        """
        exact_match = f1 = float(not self.gold)  # without passages there is no answer
        for step in self.steps:
            if step.n_passages <= n_passages:
                exact_match, f1 = step.exact_match, step.f1
        return exact_match, f1

    def to_dict(self) -> dict[str, Any]:
        """A line of the file."""
        return {
            "id": self.question_id,
            "question": self.question,
            "gold": list(self.gold),
            "prediction": self.prediction,
            "score": self.score,
            "confidence": self.confidence,
            "passage_id": self.passage_id,
            "exact_match": self.exact_match,
            "f1": self.f1,
            "first_passage_with_answer": self.first_passage_with_answer,
            "latency_ms": self.latency_ms,
            "stage_ms": self.stage_ms,
            "passages_read": self.passages_read,
            "by_passages_read": [
                {
                    "passages": step.n_passages,
                    "prediction": step.prediction,
                    "exact_match": step.exact_match,
                    "f1": step.f1,
                }
                for step in self.steps
            ],
        }


def read_scored(path: Path) -> Iterator[tuple[SourceLocation, ScoredAnswer]]:
    """Read the scored answers of a file, with their locations.

    Args:
        path: The file.

    Raises:
        DataError: If the file cannot be read, or a line is damaged.
    """

    def parse(record: JsonObject, location: SourceLocation) -> ScoredAnswer:
        return ScoredAnswer(**_scored_fields(record, location))

    return parse_each(read_json_lines(path, ErrorPolicy()), parse, ErrorPolicy())


def parse_outcome(record: JsonObject, location: SourceLocation) -> Outcome:
    """Parse one line as an outcome.

    Args:
        record: The JSON object of the line.
        location: Location of the line.

    Raises:
        DataError: If a field is missing or of another type.
    """
    first = record.get("first_passage_with_answer")
    if first is not None and type(first) is not int:
        raise location.error(
            "expected a whole number or null in 'first_passage_with_answer', found "
            f"{first!r}. Evaluate anew, without --resume."
        )
    known = record.get("confidence")
    stages = record.get("stage_ms")
    if not isinstance(stages, dict):
        raise location.error(
            "expected milliseconds by stage in 'stage_ms', found none: another version wrote the "
            "file. Evaluate anew, without --resume."
        )
    return Outcome(
        **_scored_fields(record, location),
        score=take_number(record, "score", location),
        confidence=None if known is None else take_number(record, "confidence", location),
        passage_id=take_optional_id(record, ("passage_id",), location),
        first_passage_with_answer=first,
        latency_ms=take_number(record, "latency_ms", location),
        stage_ms={name: take_number(stages, name, location) for name in stages},
        passages_read=int(take_number(record, "passages_read", location)),
        steps=tuple(
            _parse_step(step, at) for at, step in take_objects(record, "by_passages_read", location)
        ),
    )


def _scored_fields(record: JsonObject, location: SourceLocation) -> dict[str, Any]:
    return {
        "question_id": take_id(record, "id", location),
        "question": take_text(record, "question", location),
        "gold": take_texts(record, "gold", location),
        "prediction": take_optional_text(record, "prediction", location),
        "exact_match": take_number(record, "exact_match", location),
        "f1": take_number(record, "f1", location),
    }


def _parse_step(record: JsonObject, location: SourceLocation) -> StepOutcome:
    """What fewer passages would have given."""
    return StepOutcome(
        n_passages=int(take_number(record, "passages", location)),
        prediction=take_optional_text(record, "prediction", location),
        exact_match=take_number(record, "exact_match", location),
        f1=take_number(record, "f1", location),
    )
