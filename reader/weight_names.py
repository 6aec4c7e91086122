"""How weights are called here and in Hugging Face's models (``bases/`` holds the tables)."""

import re
from collections.abc import Mapping

from torch import Tensor

from .bases import find_base
from .config import DeformerConfig


def from_hugging_face(weights: Mapping[str, Tensor], config: DeformerConfig) -> dict[str, Tensor]:
    """Rename the weights of an ordinary model with a span head.

    Args:
        weights: Its state dict; what span reading has no use for, such as a pooler, is left aside.
        config: Of the model that they are for.

    Returns:
        The same tensors under our names.

    Raises:
        KeyError: If a weight is missing.
    """
    names = find_base(config.base).weight_names(config)
    return {ours: weights[theirs] for ours, theirs in names.items()}


def to_hugging_face(weights: Mapping[str, Tensor], config: DeformerConfig) -> dict[str, Tensor]:
    """Rename our weights to those of an ordinary model; the inverse of the above."""
    names = find_base(config.base).weight_names(config)
    return {theirs: weights[ours] for ours, theirs in names.items()}


def is_lower(name: str, num_lower_layers: int) -> bool:
    """Whether a weight (by our name) takes part in what is stored for a passage."""
    if name.startswith("embedder."):
        return True
    layer = re.match(r"layers\.(\d+)\.", name)
    return layer is not None and int(layer.group(1)) < num_lower_layers
