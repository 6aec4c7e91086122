"""How weights are called here and in Hugging Face's models (``families/`` holds the tables)."""

import re
from collections.abc import Mapping

from torch import Tensor

from ..config import DeformerConfig
from .families import Head, find_family
from .families.family import expand_names


def weight_names(config: DeformerConfig, head: Head = Head.SPAN) -> dict[str, str]:
    """Our name of every weight of a model, each with Hugging Face's."""
    base = find_family(config.base)
    return base.weight_names(config) | expand_names(base.head_names[head], {}, 0)


def from_hugging_face(
    weights: Mapping[str, Tensor], config: DeformerConfig, head: Head = Head.SPAN
) -> dict[str, Tensor]:
    """Rename the weights of an ordinary model.

    Args:
        weights: Its state dict; what the head has no use for, such as a pooler below a span head,
            is left aside.
        config: Of the model that they are for.
        head: What stands on top of it.

    Returns:
        The same tensors under our names.

    Raises:
        KeyError: If a weight is missing.
    """
    names = weight_names(config, head)
    return {ours: weights[theirs] for ours, theirs in names.items()}


def to_hugging_face(
    weights: Mapping[str, Tensor], config: DeformerConfig, head: Head = Head.SPAN
) -> dict[str, Tensor]:
    """Rename our weights to those of an ordinary model; the inverse of the above."""
    names = weight_names(config, head)
    return {theirs: weights[ours] for ours, theirs in names.items()}


def is_lower(name: str, num_lower_layers: int) -> bool:
    """Whether a weight (by our name) takes part in what is stored for a passage."""
    if name.startswith("embedder."):
        return True
    layer = re.match(r"layers\.(\d+)\.", name)
    return layer is not None and int(layer.group(1)) < num_lower_layers
