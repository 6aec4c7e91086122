"""The tasks on pairs of texts: labels of a pair, or a choice among several first texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast
from typing_extensions import override

from ....data import OnError
from ...modeling.decomposed import DecomposedModel
from ...pairs.features import Example, PairEncoder
from ...pairs.models import DeformerForMultipleChoice, DeformerForSequenceClassification, PairModel
from ...pairs.reader import PairReader
from ...text.windows import TextEncoder
from ..lesson import Lesson, Task
from ..objective import Teacher
from ..recipe import Recipe, TaskConfig, TaskKind
from .datasets import PairLoader
from .objective import PairObjective


@dataclass(frozen=True, slots=True)
class PairTask(Task):
    """Trains a `PairModel`."""

    recipe: Recipe
    """A recipe with a ``[task]``."""
    task: TaskConfig
    """That task."""

    @property
    def model_class(self) -> type[PairModel]:
        """The model that learns it."""
        if self.task.kind is TaskKind.CHOICE:
            return DeformerForMultipleChoice
        return DeformerForSequenceClassification

    @property
    def config_fields(self) -> dict[str, Any]:
        """The layout of the pairs, and the labels."""
        task = self.task
        fields: dict[str, Any] = {
            "max_question_length": task.max_first_length,
            "window_length": task.max_second_length,
            "window_stride": max(1, task.max_second_length - 2),  # only the first window is read
            "max_title_length": 0,
            "stored_segment": task.stored_segment.value,
            "codec": "float16",  # a codec that the base learned is for its own states
            "shared_normalization": False,
            "has_no_answer_score": False,
        }
        return fields | ({"id2label": dict(enumerate(task.labels))} if task.labels else {})

    @override
    def lesson(
        self,
        model: DecomposedModel,
        tokenizer: PreTrainedTokenizerFast,
        teacher: Teacher | None,
        data: Path,
        on_error: OnError,
    ) -> Lesson:
        assert isinstance(model, PairModel)
        encoder = PairEncoder(TextEncoder(tokenizer, model.config), self.task.labels)
        loader = PairLoader(self.recipe, self.task, data, encoder, on_error)
        batches = loader.load()
        score = partial(_score_pairs, model, tokenizer, loader.held_out)
        return Lesson(batches, PairObjective(teacher), score if loader.held_out else None)


def _score_pairs(
    model: PairModel, tokenizer: PreTrainedTokenizerFast, examples: Sequence[Example]
) -> dict[str, float]:
    """Accuracy of a model, in percent. The model keeps its mode, training or evaluation."""
    was_training = model.training
    reader = PairReader(model, tokenizer, name="in training", device=model.device)
    right = [feature.gold == said for feature, said in reader.judge(examples)]
    model.train(was_training)
    return {"accuracy": 100 * float(np.mean(right))}
