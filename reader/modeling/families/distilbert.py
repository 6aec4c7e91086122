"""DistilBERT: BERT's layers, half as many, without token types.

Source: Sanh et al. 2019 (https://arxiv.org/abs/1910.01108), section 3.
"""

from typing import TYPE_CHECKING, Any

from ...config import DeformerConfig
from .bert import OUTER_NAMES, SPAN_NAMES
from .family import Family, Head, expand_names

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

_FIELDS = {
    "vocab_size": "vocab_size",
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "intermediate_size": "hidden_dim",
    "hidden_act": "activation",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
    "max_position_embeddings": "max_position_embeddings",
    "initializer_range": "initializer_range",
    "pad_token_id": "pad_token_id",
}
"""Fields of `DeformerConfig`, mapped to Hugging Face's names."""
_OUTER = {
    ours: theirs.replace("{prefix}", "distilbert")
    for ours, theirs in OUTER_NAMES.items()
    if "token_type" not in ours
}
_LAYER = {
    "layers.{i}.attention.query.{p}": "distilbert.transformer.layer.{i}.attention.q_lin.{p}",
    "layers.{i}.attention.key.{p}": "distilbert.transformer.layer.{i}.attention.k_lin.{p}",
    "layers.{i}.attention.value.{p}": "distilbert.transformer.layer.{i}.attention.v_lin.{p}",
    "layers.{i}.attention.output.{p}": "distilbert.transformer.layer.{i}.attention.out_lin.{p}",
    "layers.{i}.attention_norm.{p}": "distilbert.transformer.layer.{i}.sa_layer_norm.{p}",
    "layers.{i}.expand.{p}": "distilbert.transformer.layer.{i}.ffn.lin1.{p}",
    "layers.{i}.contract.{p}": "distilbert.transformer.layer.{i}.ffn.lin2.{p}",
    "layers.{i}.output_norm.{p}": "distilbert.transformer.layer.{i}.output_layer_norm.{p}",
}
_POOLED = {"pooler.{p}": "pre_classifier.{p}", "classifier.{p}": "classifier.{p}"}


def _fields(found: "PreTrainedConfig") -> dict[str, Any]:
    # Hugging Face's code has this epsilon as a constant; it is not in the configuration.
    fixed = {"type_vocab_size": 0, "layer_norm_eps": 1e-12}
    return {ours: getattr(found, theirs) for ours, theirs in _FIELDS.items()} | fixed


def _own_fields(config: DeformerConfig) -> dict[str, Any]:
    return {theirs: getattr(config, ours) for ours, theirs in _FIELDS.items()}


DISTILBERT = Family(
    config_fields=_fields,
    hugging_face_fields=_own_fields,
    weight_names=lambda config: expand_names(_OUTER, _LAYER, config.num_hidden_layers),
    head_names={Head.SPAN: SPAN_NAMES, Head.CLASSIFICATION: _POOLED, Head.CHOICE: _POOLED},
    pooler_activation="relu",
)
