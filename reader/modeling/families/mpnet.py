"""MPNet: BERT's layers with a bias by distance that all layers share, without token types.

The layout is RoBERTa's: ``<s> question </s>`` and ``</s> passage </s>``. In the lower layers
distances are those within the question or the passage. In the upper layers the rows of the passage
follow those of the question.

Source: Song et al. 2020 (https://arxiv.org/abs/2004.09297), section 3.1.
"""

from typing import TYPE_CHECKING, Any

from ....data import PrereadError
from ...config import DeformerConfig
from ..attention import DistanceBias
from ..layers import AbsoluteEmbedder, Embedder, TransformerLayer
from .bert import LABEL_NAMES, OUTER_NAMES, SPAN_NAMES, bert_fields, own_fields
from .family import Family, Head, expand_names

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

_N_BUCKETS = 32
_OUTER = {
    ours: theirs.replace("{prefix}", "mpnet")
    for ours, theirs in OUTER_NAMES.items()
    if "token_type" not in ours
} | {"embedder.distance.table.weight": "mpnet.encoder.relative_attention_bias.weight"}
_LAYER = {
    "layers.{i}.attention.query.{p}": "mpnet.encoder.layer.{i}.attention.attn.q.{p}",
    "layers.{i}.attention.key.{p}": "mpnet.encoder.layer.{i}.attention.attn.k.{p}",
    "layers.{i}.attention.value.{p}": "mpnet.encoder.layer.{i}.attention.attn.v.{p}",
    "layers.{i}.attention.output.{p}": "mpnet.encoder.layer.{i}.attention.attn.o.{p}",
    "layers.{i}.attention_norm.{p}": "mpnet.encoder.layer.{i}.attention.LayerNorm.{p}",
    "layers.{i}.expand.{p}": "mpnet.encoder.layer.{i}.intermediate.dense.{p}",
    "layers.{i}.contract.{p}": "mpnet.encoder.layer.{i}.output.dense.{p}",
    "layers.{i}.output_norm.{p}": "mpnet.encoder.layer.{i}.output.LayerNorm.{p}",
}
_CHOICE = {"pooler.{p}": "mpnet.pooler.dense.{p}", "classifier.{p}": "classifier.{p}"}


class MPNetEmbedder(AbsoluteEmbedder):
    """Word and position embeddings, and the bias by distance that all layers share."""

    def __init__(self, config: DeformerConfig) -> None:
        """Create the tables of words, positions and distances."""
        super().__init__(config)
        self.distance = DistanceBias(config.num_attention_heads, n_buckets=_N_BUCKETS)


def _layer(config: DeformerConfig, embedder: Embedder) -> TransformerLayer:
    assert isinstance(embedder, MPNetEmbedder)
    return TransformerLayer(config, embedder.distance)


def _fields(found: "PreTrainedConfig") -> dict[str, Any]:
    if found.relative_attention_num_buckets != _N_BUCKETS:
        raise PrereadError(
            f"mpnet: expected relative_attention_num_buckets {_N_BUCKETS} in config.json, as in "
            f"the published checkpoints, found {found.relative_attention_num_buckets}. Name "
            "another checkpoint."
        )
    return bert_fields(found) | {
        "type_vocab_size": 0,
        "position_offset": 2,  # MPNet's code has padding token 1, with any configuration
        "begins_with_separator": True,
    }


def _own_fields(config: DeformerConfig) -> dict[str, Any]:
    fields = own_fields(config)
    del fields["type_vocab_size"]
    return fields


MPNET = Family(
    config_fields=_fields,
    hugging_face_fields=_own_fields,
    embedder=MPNetEmbedder,
    layer=_layer,
    weight_names=lambda config: expand_names(_OUTER, _LAYER, config.num_hidden_layers),
    head_names={Head.SPAN: SPAN_NAMES, Head.CLASSIFICATION: LABEL_NAMES, Head.CHOICE: _CHOICE},
)
