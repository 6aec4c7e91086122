"""XLNet's content stream: relative positions, and the passage before the question.

The layout is ``passage <sep>`` and ``question <sep> <cls>``. In the lower layers distances are
those within the passage or the question. In the upper layers the rows of the question follow those
of the passage, so distances do not depend on padding. In the code of DeFormer's authors they do,
which the authors note as something to improve.

Source: Yang et al. 2019 (https://arxiv.org/abs/1906.08237).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout
from typing_extensions import override

from ....data import PrereadError
from ...config import DeformerConfig
from ...packing import Packed
from ..activations import find_activation
from ..layers import Embedder, Segment
from ..relative_attention import RelativeAttention, sinusoids
from .family import Family, Head, expand_names

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

_OUTER = {"embedder.word.weight": "transformer.word_embedding.weight"}
_SPAN = {"head.{p}": "qa_outputs.{p}"}
_POOLED = {"pooler.{p}": "sequence_summary.summary.{p}", "classifier.{p}": "logits_proj.{p}"}
_LAYER = {
    "layers.{i}.attention.query": "transformer.layer.{i}.rel_attn.q",
    "layers.{i}.attention.key": "transformer.layer.{i}.rel_attn.k",
    "layers.{i}.attention.value": "transformer.layer.{i}.rel_attn.v",
    "layers.{i}.attention.output": "transformer.layer.{i}.rel_attn.o",
    "layers.{i}.attention.relative": "transformer.layer.{i}.rel_attn.r",
    "layers.{i}.attention.content_bias": "transformer.layer.{i}.rel_attn.r_w_bias",
    "layers.{i}.attention.position_bias": "transformer.layer.{i}.rel_attn.r_r_bias",
    "layers.{i}.attention.side_bias": "transformer.layer.{i}.rel_attn.r_s_bias",
    "layers.{i}.attention.sides": "transformer.layer.{i}.rel_attn.seg_embed",
    "layers.{i}.attention_norm.{p}": "transformer.layer.{i}.rel_attn.layer_norm.{p}",
    "layers.{i}.expand.{p}": "transformer.layer.{i}.ff.layer_1.{p}",
    "layers.{i}.contract.{p}": "transformer.layer.{i}.ff.layer_2.{p}",
    "layers.{i}.output_norm.{p}": "transformer.layer.{i}.ff.layer_norm.{p}",
}


class XLNetEmbedder(Embedder):
    """Word embeddings alone; attention adds positions and sides."""

    def __init__(self, config: DeformerConfig) -> None:
        """Create the word table."""
        super().__init__()
        self.word = nn.Embedding(config.vocab_size, config.hidden_size, config.pad_token_id)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    @override
    def forward(self, tokens: Packed, segment: Segment) -> Tensor:
        embedded: Tensor = self.dropout(self.word(tokens.rows).float())
        return embedded

    @override
    def word_vectors(self) -> Tensor:
        return self.word.weight

    @override
    def position_vectors(self, n: int) -> Tensor:
        table = self.word.weight
        places = torch.arange(n, device=table.device, dtype=torch.float32)
        return sinusoids(places, table.shape[1])


class XLNetLayer(nn.Module):
    """A transformer layer with relative attention, and the norm after each part (post-norm)."""

    def __init__(self, config: DeformerConfig) -> None:
        """Create attention, feed-forward part and norms."""
        super().__init__()
        size, eps = config.hidden_size, config.layer_norm_eps
        self.attention = RelativeAttention(
            size,
            config.num_attention_heads,
            config.attention_probs_dropout_prob,
            config.hidden_dropout_prob,
        )
        self.attention.fill(config.initializer_range)
        self.attention_norm = nn.LayerNorm(size, eps=eps)
        self.expand = nn.Linear(size, config.intermediate_size)
        self.activation = find_activation(config.hidden_act)
        self.contract = nn.Linear(config.intermediate_size, size)
        self.output_norm = nn.LayerNorm(size, eps=eps)
        self.dropout = config.hidden_dropout_prob

    def forward(
        self, hidden: Tensor, lengths: Sequence[int], first_lengths: Sequence[int] = ()
    ) -> Tensor:
        """Run the layer over packed rows.

        Args:
            hidden: Shape ``(n_rows, hidden_size)``.
            lengths: Number of rows of each segment.
            first_lengths: Number of rows of the first part of each segment, if segments are pairs
                of a question and a passage; otherwise empty.

        Returns:
            Shape ``(n_rows, hidden_size)``.
        """
        attended = self._drop(self.attention(hidden, lengths, first_lengths))
        hidden = self.attention_norm(attended + hidden)
        fed = self._drop(self.contract(self._drop(self.activation(self.expand(hidden)))))
        out: Tensor = self.output_norm(fed + hidden)
        return out

    def _drop(self, rows: Tensor) -> Tensor:
        return dropout(rows, self.dropout, self.training)


def _fields(found: "PreTrainedConfig") -> dict[str, Any]:
    for name, wanted in (("attn_type", "bi"), ("bi_data", False), ("clamp_len", -1)):
        value = getattr(found, name)
        if value != wanted:
            raise PrereadError(
                f"xlnet: expected {name} {wanted!r} in config.json, as in the published "
                f"checkpoints, found {value!r}. Name another checkpoint."
            )
    return {
        "vocab_size": found.vocab_size,
        "hidden_size": found.d_model,
        "num_hidden_layers": found.n_layer,
        "num_attention_heads": found.n_head,
        "intermediate_size": found.d_inner,
        "hidden_act": found.ff_activation,
        "hidden_dropout_prob": found.dropout,
        "attention_probs_dropout_prob": found.dropout,
        "max_position_embeddings": None,
        "initializer_range": found.initializer_range,
        "layer_norm_eps": found.layer_norm_eps,
        "pad_token_id": found.pad_token_id,
        "passage_first": True,
    }


def _own_fields(config: DeformerConfig) -> dict[str, Any]:
    return {
        "vocab_size": config.vocab_size,
        "d_model": config.hidden_size,
        "n_layer": config.num_hidden_layers,
        "n_head": config.num_attention_heads,
        "d_inner": config.intermediate_size,
        "ff_activation": config.hidden_act,
        "dropout": config.hidden_dropout_prob,
        "initializer_range": config.initializer_range,
        "layer_norm_eps": config.layer_norm_eps,
        "pad_token_id": config.pad_token_id,
    }


XLNET = Family(
    config_fields=_fields,
    hugging_face_fields=_own_fields,
    embedder=XLNetEmbedder,
    layer=lambda config, embedder: XLNetLayer(config),
    weight_names=lambda config: expand_names(_OUTER, _LAYER, config.num_hidden_layers),
    head_names={Head.SPAN: _SPAN, Head.CLASSIFICATION: _POOLED, Head.CHOICE: _POOLED},
)
