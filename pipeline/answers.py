"""What a question gets."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and where it stands."""

    answer: str
    """``passage[start:end]``."""
    score: float
    """Between 0 and 1: softmax over all spans of all texts read for this question; the passages'
    retrieval scores weigh in. Scores of one question compare with each
    other, those of different questions less well."""
    passage_id: str
    title: str
    start: int
    """Offset into ``passage``, in code points."""
    end: int
    """Exclusive."""
    passage: str

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
