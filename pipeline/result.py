"""What answering a question gives."""

import time
from dataclasses import dataclass, field

from ..indexer import Hit
from .answers import Answer, Step


@dataclass(slots=True)
class Timings:
    """Where the time of one question went, in milliseconds."""

    stages: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """The time since the last lap went into ``stage``."""
        now = time.perf_counter()
        self.stages[stage] = self.stages.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now

    @property
    def total_ms(self) -> float:
        """All stages."""
        return sum(self.stages.values())


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that answering a question gave."""

    answers: list[Answer]
    hits: list[Hit]
    """All passages found, best first; the first ``top_k`` of them were read."""
    timings: Timings
    steps: list[Step] = field(default_factory=list)
    """What reading fewer passages would have answered, from one passage up; if asked for."""
    n_read: int = 0
    """How many of the passages were read."""
    confidence: float | None = None
    """The probability that the best answer is right, also where it was held back for that; None
    where it was not fitted, or nothing was found."""
