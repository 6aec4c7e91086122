"""What describes a family of checkpoints."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from torch import nn

from ...config import DeformerConfig
from ..layers import AbsoluteEmbedder, Embedder, TransformerLayer

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


class Head(StrEnum):
    """Kind of the head on top of the upper layers."""

    SPAN = "span"
    """A start and an end logit for every row."""
    CLASSIFICATION = "classification"
    """A logit for each label, from the [CLS] row of a pair."""
    CHOICE = "choice"
    """One logit from the [CLS] row of each pair; the pairs of a question compete."""


def _transformer_layer(config: DeformerConfig, embedder: Embedder) -> nn.Module:
    return TransformerLayer(config)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A family of checkpoints: its shape, its modules and the names of its weights."""

    config_fields: Callable[["PreTrainedConfig"], dict[str, Any]]
    """Fields of `DeformerConfig` from Hugging Face's configuration. Raises `PrereadError` for a
    configuration that cannot be split."""
    hugging_face_fields: Callable[[DeformerConfig], dict[str, Any]]
    """Fields of Hugging Face's configuration from `DeformerConfig`."""
    weight_names: Callable[[DeformerConfig], dict[str, str]]
    """Our name of every weight below the head, mapped to Hugging Face's name."""
    head_names: Mapping[Head, Mapping[str, str]]
    """Our names of the weights of each head, mapped to Hugging Face's; ``{p}`` stands for
    ``weight`` and ``bias``."""
    embedder: Callable[[DeformerConfig], Embedder] = AbsoluteEmbedder
    """Makes an embedder with random weights."""
    layer: Callable[[DeformerConfig, Embedder], nn.Module] = _transformer_layer
    """Makes a layer with random weights, from the configuration and the embedder below it.
    `layers.run_layers` calls the layer. What all layers share, such as MPNet's bias by distance,
    belongs to the embedder."""
    pooler_activation: str = "tanh"
    """Activation after the dense layer over the [CLS] row, in classification and choice."""


def expand_names(
    outer: Mapping[str, str], of_layer: Mapping[str, str], n_layers: int
) -> dict[str, str]:
    """Write out a table of weight names.

    Args:
        outer: Our names outside of layers, mapped to Hugging Face's. ``{p}`` stands for ``weight``
            and ``bias``.
        of_layer: Our names within a layer, mapped to Hugging Face's. ``{i}`` stands for the number
            of the layer, ``{p}`` for ``weight`` and ``bias``.
        n_layers: Number of layers.
    """
    table = {}
    for number, names in ((0, outer), *((i, of_layer) for i in range(n_layers))):
        for ours, theirs in names.items():
            for p in ("weight", "bias") if "{p}" in ours else ("",):
                table[ours.format(i=number, p=p)] = theirs.format(i=number, p=p)
    return table
