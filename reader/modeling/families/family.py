"""What a family of checkpoints has to say of itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from torch import nn
from transformers import PreTrainedConfig

from ...config import DeformerConfig
from ..layers import Embedder


class Head(StrEnum):
    """What stands on top of the upper layers."""

    SPAN = "span"
    """Start and end logit of every row."""
    CLASSIFICATION = "classification"
    """A logit for each label, of a pair's [CLS] row."""
    CHOICE = "choice"
    """One logit of a pair's [CLS] row; pairs compete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A family of checkpoints: its shape in our words, its parts, its names."""

    config_fields: Callable[[PreTrainedConfig], dict[str, Any]]
    """Fields of `DeformerConfig` from Hugging Face's configuration. Raises `PrereadError` for one
    that cannot be split."""
    hugging_face_fields: Callable[[DeformerConfig], dict[str, Any]]
    """The other way: what Hugging Face's configuration has to be told."""
    embedder: Callable[[DeformerConfig], Embedder]
    """Makes the embedder, with random weights."""
    layer: Callable[[DeformerConfig, Embedder], nn.Module]
    """Makes a layer, with random weights, for use above an embedder; `layers.run_layers` calls it.
    What all layers share, as MPNet's bias by distance, is the embedder's."""
    weight_names: Callable[[DeformerConfig], dict[str, str]]
    """Our name of every weight below the head, each with Hugging Face's."""
    head_names: Mapping[Head, Mapping[str, str]]
    """The same of each head, ``{p}`` standing for ``weight`` and ``bias``."""
    pooler_activation: str = "tanh"
    """What follows the dense layer on the [CLS] row, where labels are told from it."""


def expand_names(
    outer: Mapping[str, str], of_layer: Mapping[str, str], n_layers: int
) -> dict[str, str]:
    """Write a table of names out.

    Args:
        outer: Ours to theirs, outside of layers. ``{p}`` stands for ``weight`` and ``bias``.
        of_layer: The same for a layer, ``{i}`` its number.
        n_layers: How many layers there are.
    """
    table = {}
    for number, names in ((0, outer), *((i, of_layer) for i in range(n_layers))):
        for ours, theirs in names.items():
            for p in ("weight", "bias") if "{p}" in ours else ("",):
                table[ours.format(i=number, p=p)] = theirs.format(i=number, p=p)
    return table
