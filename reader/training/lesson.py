"""What a task brings to a run: the model, its batches, its losses, and how it is scored."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from transformers import PreTrainedTokenizerFast

from ...data import OnError
from ..modeling.decomposed import DecomposedModel
from .batches import BatchDataset
from .objective import Objective, Teacher


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a run learns, and how its progress is measured."""

    batches: BatchDataset[Any, Any]
    """All batches of the run, in their order."""
    objective: Objective
    """The losses."""
    score: Callable[[], dict[str, float]] | None
    """Scores the model on the held-out examples, in percent by name; None where none are held
    out."""


class Task(Protocol):
    """A kind of training."""

    @property
    def model_class(self) -> type[DecomposedModel]:
        """The model that learns it."""

    @property
    def config_fields(self) -> dict[str, Any]:
        """Fields of the model's configuration that the task decides."""

    def lesson(
        self,
        model: DecomposedModel,
        tokenizer: PreTrainedTokenizerFast,
        teacher: Teacher | None,
        data: Path,
        on_error: OnError,
    ) -> Lesson:
        """Read the data sets and make the lesson.

        Args:
            model: The student, an instance of ``model_class``.
            tokenizer: The student's.
            teacher: Runs in every step; None where there is none, or its logits are stored.
            data: Folder of the training sets.
            on_error: What a bad record does.

        Raises:
            DataError: If a training set cannot be read.
            PrereadError: If nothing is left to learn from, or stored labels do not fit.
        """
