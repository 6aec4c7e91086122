"""The task of reading: spans of passages that answer a question."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast
from typing_extensions import override

from ...data import OnError, ReadingExample, score_answer
from ..comprehension import answer_examples
from ..modeling.decomposed import DecomposedModel
from ..modeling.question_answering import DeformerForQuestionAnswering
from ..reader import Reader
from ..text.windows import TextEncoder
from .datasets import DataLoader
from .labels import load_labels
from .lesson import Lesson, Task
from .objective import SpanObjective, Teacher
from .recipe import Recipe


@dataclass(frozen=True)
class SpanTask(Task):
    """Trains a `DeformerForQuestionAnswering`."""

    model_class = DeformerForQuestionAnswering

    recipe: Recipe
    """A recipe without a ``[task]``."""

    @property
    def config_fields(self) -> dict[str, Any]:
        """What the logits are trained to mean.

        A field is set even where it is false: a base may have learned what this training does not
        keep up. Training through a codec does keep it up (`keeps_ranking`).
        """
        taught = {
            "shared_normalization": _compares_passages(self.recipe),
            "has_no_answer_score": self.recipe.null_weight > 0,
        }
        if keeps_ranking(self.recipe):
            return {name: True for name, is_taught in taught.items() if is_taught}
        return taught

    @override
    def lesson(
        self,
        model: DecomposedModel,
        tokenizer: PreTrainedTokenizerFast,
        teacher: Teacher | None,
        data: Path,
        on_error: OnError,
    ) -> Lesson:
        assert isinstance(model, DeformerForQuestionAnswering)
        loader = DataLoader(self.recipe, data, on_error)
        loaded = loader.load(TextEncoder(tokenizer, model.config))
        distillation = self.recipe.distillation
        stored = distillation if distillation and distillation.labels else None
        if stored is not None:
            features = loaded.batches.features
            labels = load_labels(data / stored.labels, features)
            for feature, taught in zip(features, labels, strict=True):
                feature.taught = taught
        objective = SpanObjective(teacher, self.recipe.null_weight, stored)
        score = partial(_score_examples, model, tokenizer, loaded.held_out)
        return Lesson(loaded.batches, objective, score if loaded.held_out else None)


def _compares_passages(recipe: Recipe) -> bool:
    """Whether the last stage reads questions with several passages, under one softmax."""
    return any(
        source.negatives or source.random_negatives or source.article_negatives
        for source in recipe.stages[-1].sources
    )


def keeps_ranking(recipe: Recipe) -> bool:
    """Whether what was fitted to the base's logits nearly holds for the trained reader's, too.

    It does where upper layers are trained further through a codec, to compare passages and to give
    a no-answer score. The weights of the shipped reader's ranking were fitted anew after each such
    training and moved little. Its confidence moved more and should be fitted again.

    Args:
        recipe: Any recipe.
    """
    return bool(recipe.codec) and recipe.null_weight > 0 and _compares_passages(recipe)


def _score_examples(
    model: DeformerForQuestionAnswering,
    tokenizer: PreTrainedTokenizerFast,
    examples: Sequence[ReadingExample],
) -> dict[str, float]:
    """EM and F1 of a model, in percent. The model keeps its mode, training or evaluation."""
    was_training = model.training
    reader = Reader(model, tokenizer, name="in training", device=model.device)
    scores = [score_answer(said, e.answers) for e, said in answer_examples(reader, examples)]
    model.train(was_training)
    exact_match, f1 = np.mean(scores, axis=0).tolist()
    return {"exact_match": 100 * exact_match, "f1": 100 * f1}
