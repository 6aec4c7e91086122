"""Names of weights, here and in Hugging Face's models; ``families/`` holds the tables."""

import re
from collections.abc import Mapping

from torch import Tensor

from ..config import DeformerConfig
from .families import Head, find_family
from .families.family import expand_names


def weight_names(config: DeformerConfig, head: Head = Head.SPAN) -> dict[str, str]:
    """Our name of every weight of a model, mapped to Hugging Face's name.

    Args:
        config: Configuration of the model.
        head: Kind of its head.
    """
    base = find_family(config.base)
    return base.weight_names(config) | expand_names(base.head_names[head], {}, 0)


def from_hugging_face(
    weights: Mapping[str, Tensor], config: DeformerConfig, head: Head = Head.SPAN
) -> dict[str, Tensor]:
    """Rename the weights of a full model to our names.

    Args:
        weights: State dict of the full model. Weights that the head does not use are ignored, such
            as those of a pooler.
        config: Configuration of the decomposed model.
        head: Kind of its head.

    Raises:
        KeyError: If a weight is missing.
    """
    names = weight_names(config, head)
    return {ours: weights[theirs] for ours, theirs in names.items()}


def to_hugging_face(weights: Mapping[str, Tensor], config: DeformerConfig) -> dict[str, Tensor]:
    """Rename our weights to those of a full model with a span head.

    Args:
        weights: State dict of the decomposed model.
        config: Its configuration.
    """
    return {theirs: weights[ours] for ours, theirs in weight_names(config).items()}


def is_lower(name: str, num_lower_layers: int) -> bool:
    """Whether a weight takes part in computing stored states.

    Args:
        name: Our name of the weight.
        num_lower_layers: Number of lower layers.
    """
    if name.startswith("embedder."):
        return True
    layer = re.match(r"layers\.(\d+)\.", name)
    return layer is not None and int(layer.group(1)) < num_lower_layers
