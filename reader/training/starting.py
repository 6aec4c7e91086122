"""The model that a run trains: what it starts from, and which of its weights are frozen."""

from typing import Any

from safetensors import SafetensorError

from ...data import PrereadError
from ...data.io.system_errors import first_line
from ..modeling.decomposed import DecomposedModel
from ..modeling.weight_names import is_lower
from ..ranking import Ranking, load_ranking
from .lesson import Task
from .recipe import Recipe
from .spans import keeps_ranking


def load_student(recipe: Recipe, task: Task, base: str) -> DecomposedModel:
    """Load the model that is trained, and freeze what the recipe freezes.

    Args:
        recipe: How the model is trained.
        task: What it is trained for.
        base: Folder or hub name of the checkpoint that it starts from.

    Raises:
        PrereadError: If the base cannot be loaded.
    """
    fields: dict[str, Any] = {
        "num_lower_layers": recipe.num_lower_layers,
        "hidden_dropout_prob": recipe.dropout,
        "attention_probs_dropout_prob": recipe.attention_dropout,
    }
    try:
        model = task.model_class.from_pretrained(base, **fields, **task.config_fields)
    except (OSError, ValueError, SafetensorError) as error:
        raise PrereadError(
            f"{base}: expected a checkpoint with config.json and model.safetensors, found none "
            f"that can be loaded: {first_line(error)}"
        ) from error
    model.embedder.word.weight.requires_grad_(not recipe.freeze_embeddings)
    if recipe.freeze_layers:
        for name, weight in model.named_parameters():
            weight.requires_grad_(not is_lower(name, recipe.freeze_layers))
    return model


def ranking_of_student(recipe: Recipe, base: str) -> Ranking | None:
    """How the trained reader's answers are ranked until ``preread calibrate`` fits that anew.

    Args:
        recipe: How the model is trained.
        base: Folder or hub name of the checkpoint that it starts from.

    Returns:
        The base's ranking where it nearly holds for the trained reader, too (`keeps_ranking`);
        otherwise None, which stands for the defaults.

    Raises:
        PrereadError: If the base's ranking cannot be used.
    """
    if not keeps_ranking(recipe):
        return None
    return load_ranking(base).handed_on(is_split_alike=True)
