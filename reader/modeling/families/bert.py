"""BERT, and what families derived from it share.

Source: Devlin et al. 2019 (https://aclanthology.org/N19-1423).
"""

from typing import TYPE_CHECKING, Any

from ...config import DeformerConfig
from .family import Family, Head, expand_names

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

_FIELDS = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "max_position_embeddings",
    "type_vocab_size",
    "initializer_range",
    "layer_norm_eps",
    "pad_token_id",
)
OUTER_NAMES = {
    "embedder.word.weight": "{prefix}.embeddings.word_embeddings.weight",
    "embedder.position.weight": "{prefix}.embeddings.position_embeddings.weight",
    "embedder.token_type.weight": "{prefix}.embeddings.token_type_embeddings.weight",
    "embedder.norm.{p}": "{prefix}.embeddings.LayerNorm.{p}",
}
SPAN_NAMES = {"head.{p}": "qa_outputs.{p}"}
LABEL_NAMES = {"pooler.{p}": "classifier.dense.{p}", "classifier.{p}": "classifier.out_proj.{p}"}
"""Names of a classifier in the families that came after BERT."""
_POOLED = {"pooler.{p}": "bert.pooler.dense.{p}", "classifier.{p}": "classifier.{p}"}
_LAYER = {
    "attention.query.{p}": "attention.self.query.{p}",
    "attention.key.{p}": "attention.self.key.{p}",
    "attention.value.{p}": "attention.self.value.{p}",
    "attention.output.{p}": "attention.output.dense.{p}",
    "attention_norm.{p}": "attention.output.LayerNorm.{p}",
    "expand.{p}": "intermediate.dense.{p}",
    "contract.{p}": "output.dense.{p}",
    "output_norm.{p}": "output.LayerNorm.{p}",
}


def bert_fields(found: "PreTrainedConfig") -> dict[str, Any]:
    """The fields that have the same names in Hugging Face's configuration."""
    described = found.to_dict()
    return {name: described[name] for name in _FIELDS if name in described}


def own_fields(config: DeformerConfig) -> dict[str, Any]:
    """The same fields of our configuration, for Hugging Face's."""
    return {name: getattr(config, name) for name in _FIELDS}


def bert_names(config: DeformerConfig, prefix: str) -> dict[str, str]:
    """Our names of the transformer's weights, mapped to Hugging Face's names.

    Args:
        config: Configuration of the model.
        prefix: Name of the transformer within Hugging Face's model, such as ``bert``.
    """
    outer = {ours: theirs.replace("{prefix}", prefix) for ours, theirs in OUTER_NAMES.items()}
    of_layer = {
        "layers.{i}." + ours: prefix + ".encoder.layer.{i}." + theirs
        for ours, theirs in _LAYER.items()
    }
    return expand_names(outer, of_layer, config.num_hidden_layers)


BERT = Family(
    config_fields=bert_fields,
    hugging_face_fields=own_fields,
    weight_names=lambda config: bert_names(config, "bert"),
    head_names={Head.SPAN: SPAN_NAMES, Head.CLASSIFICATION: _POOLED, Head.CHOICE: _POOLED},
)
