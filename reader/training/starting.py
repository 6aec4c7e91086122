"""The model that is trained: what it begins from, and what of it stays as it is."""

from typing import Any

from ..modeling.decomposed import DecomposedModel
from ..modeling.question_answering import DeformerForQuestionAnswering
from ..modeling.weight_names import is_lower
from ..pairs.models import DeformerForMultipleChoice, DeformerForSequenceClassification
from ..ranking import Ranking, load_ranking
from .recipe import Recipe, TaskConfig, TaskKind


def load_student(recipe: Recipe, base: str) -> DecomposedModel:
    """Load the model that is trained, what stays as it is frozen.

    Args:
        recipe: How it is trained.
        base: Folder or hub name of what it begins from.

    Raises:
        PrereadError: If the base cannot be loaded.
    """
    fields: dict[str, Any] = {
        "num_lower_layers": recipe.num_lower_layers,
        "hidden_dropout_prob": recipe.dropout,
        "attention_probs_dropout_prob": recipe.attention_dropout,
    }
    taught = {
        "shared_normalization": _compares_passages(recipe),
        "has_no_answer_score": recipe.null_weight > 0,
    }
    if _keeps_ranking(recipe):
        fields |= {name: True for name, is_taught in taught.items() if is_taught}
    else:
        fields |= taught
    kind: type[DecomposedModel] = DeformerForQuestionAnswering
    if recipe.task is not None:
        is_choice = recipe.task.kind is TaskKind.CHOICE
        kind = DeformerForMultipleChoice if is_choice else DeformerForSequenceClassification
        fields |= _pair_fields(recipe.task)
    model = kind.from_pretrained(base, **fields)
    model.embedder.word.weight.requires_grad_(not recipe.freeze_embeddings)
    if recipe.freeze_layers:
        for name, weight in model.named_parameters():
            weight.requires_grad_(not is_lower(name, recipe.freeze_layers))
    return model


def ranking_of_student(recipe: Recipe, base: str) -> Ranking | None:
    """How the trained reader's answers are ranked until somebody fits that to its own logits.

    Args:
        recipe: How it is trained.
        base: Folder or hub name of what it begins from.

    Returns:
        The base's ranking where it still nearly holds. Otherwise None, for the defaults: what was
        fitted to the base's logits does not hold of others.

    Raises:
        PrereadError: If the base's ranking cannot be used.
    """
    if not _keeps_ranking(recipe):
        return None
    return load_ranking(base).handed_on(is_split_alike=True)


def _keeps_ranking(recipe: Recipe) -> bool:
    """Whether what is known of the base's logits will hold of the trained reader's, too.

    It does nearly where upper layers learn on through a codec, with passages to compare and to say
    "no answer" of: of the reader that ships, the weights of ranking were fitted anew after each
    such training, and moved little. Its confidence moved more, and should be fitted again.
    """
    return bool(recipe.codec) and recipe.null_weight > 0 and _compares_passages(recipe)


def _compares_passages(recipe: Recipe) -> bool:
    """Whether questions of the last stage are read with several passages, under one softmax."""
    return any(
        source.negatives or source.random_negatives or source.article_negatives
        for source in recipe.stages[-1].sources
    )


def _pair_fields(task: TaskConfig) -> dict[str, Any]:
    """A task's layout, as the configuration has it."""
    fields: dict[str, Any] = {
        "max_question_length": task.max_first_length,
        "window_length": task.max_second_length,
        "window_stride": max(1, task.max_second_length - 2),  # only the first window is read
        "max_title_length": 0,
        "stored_segment": task.stored_segment.value,
        "codec": "float16",  # one that the base learned is of its own states
    }
    return fields | ({"id2label": dict(enumerate(task.labels))} if task.labels else {})
