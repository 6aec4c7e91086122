"""What a question gets."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Support:
    """A passage that an answer stands in."""

    passage_id: str
    title: str
    start: int
    """Offset of its best place there, in code points of the passage's text."""
    end: int
    """Exclusive."""
    score: float
    """Between 0 and 1: what the passage adds to the answer's score, or would if scores were
    summed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and where it stands best."""

    answer: str
    """``passage[start:end]``."""
    score: float
    """Between 0 and 1: softmax over all spans of all texts read for this question; the passages'
    retrieval scores weigh in. Of a reader with ``aggregate_answers``, it is over the best spans of
    each passage, and those of equal answers are added up. Scores of one question compare with each
    other, those of different questions less well."""
    passage_id: str
    title: str
    start: int
    """Offset into ``passage``, in code points."""
    end: int
    """Exclusive."""
    passage: str
    confidence: float | None = None
    """The probability that the answer is right. Of the best answer only, and of readers for which
    that was fitted."""
    supporting: tuple[Support, ...] = ()
    """All passages that give this answer or one that holds its words, its best place's first."""

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``preread ask --json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Step:
    """What reading some of the passages would have answered."""

    n_passages: int
    """From so many passages on, up to those of the next step."""
    answer: Answer
    """Its score is among the spans of all passages that were read."""
