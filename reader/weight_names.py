"""How weights are called here and in Hugging Face's BERT: one table, read in both directions."""

import re
from collections.abc import Mapping

from torch import Tensor

_EMBEDDER = {
    "embedder.word.weight": "bert.embeddings.word_embeddings.weight",
    "embedder.position.weight": "bert.embeddings.position_embeddings.weight",
    "embedder.token_type.weight": "bert.embeddings.token_type_embeddings.weight",
    "embedder.norm.{p}": "bert.embeddings.LayerNorm.{p}",
    "head.{p}": "qa_outputs.{p}",
}
_LAYER = {
    "layers.{i}.attention.query.{p}": "bert.encoder.layer.{i}.attention.self.query.{p}",
    "layers.{i}.attention.key.{p}": "bert.encoder.layer.{i}.attention.self.key.{p}",
    "layers.{i}.attention.value.{p}": "bert.encoder.layer.{i}.attention.self.value.{p}",
    "layers.{i}.attention.output.{p}": "bert.encoder.layer.{i}.attention.output.dense.{p}",
    "layers.{i}.attention_norm.{p}": "bert.encoder.layer.{i}.attention.output.LayerNorm.{p}",
    "layers.{i}.expand.{p}": "bert.encoder.layer.{i}.intermediate.dense.{p}",
    "layers.{i}.contract.{p}": "bert.encoder.layer.{i}.output.dense.{p}",
    "layers.{i}.output_norm.{p}": "bert.encoder.layer.{i}.output.LayerNorm.{p}",
}


def hugging_face_names(num_hidden_layers: int) -> dict[str, str]:
    """Our weight names, each with Hugging Face's.

    Args:
        num_hidden_layers: Layers of the model, lower and upper.

    Returns:
        Ours to theirs, for every weight of `DeformerForQuestionAnswering`.
    """
    table = {}
    for ours, theirs in _EMBEDDER.items():
        for p in ("weight", "bias") if "{p}" in ours else ("",):
            table[ours.format(p=p)] = theirs.format(p=p)
    for i in range(num_hidden_layers):
        for ours, theirs in _LAYER.items():
            for p in ("weight", "bias"):
                table[ours.format(i=i, p=p)] = theirs.format(i=i, p=p)
    return table


def from_hugging_face(weights: Mapping[str, Tensor], num_hidden_layers: int) -> dict[str, Tensor]:
    """Rename the weights of a ``BertForQuestionAnswering``.

    Args:
        weights: Its state dict; a pooler is left aside, as span reading has none.
        num_hidden_layers: Layers of the model.

    Returns:
        The same tensors under our names.

    Raises:
        KeyError: If a weight is missing.
    """
    return {ours: weights[theirs] for ours, theirs in hugging_face_names(num_hidden_layers).items()}


def to_hugging_face(weights: Mapping[str, Tensor], num_hidden_layers: int) -> dict[str, Tensor]:
    """Rename our weights to those of a ``BertForQuestionAnswering``; the inverse of the above."""
    return {theirs: weights[ours] for ours, theirs in hugging_face_names(num_hidden_layers).items()}


def is_lower(name: str, num_lower_layers: int) -> bool:
    """Whether a weight (by our name) takes part in what is stored for a passage."""
    if name.startswith("embedder."):
        return True
    layer = re.match(r"layers\.(\d+)\.", name)
    return layer is not None and int(layer.group(1)) < num_lower_layers
