"""XLNet, by its content stream: relative positions, passage before question.

``passage <sep>`` and ``question <sep> <cls>``. In the lower layers distances are those within each;
in the upper ones the question's rows follow the passage's, so that they do not depend on how far
anything is padded. The authors of DeFormer let them depend on it, and say that it should be better.

Source: Yang et al. 2019 (https://arxiv.org/abs/1906.08237).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout
from transformers import PreTrainedConfig
from transformers.activations import ACT2FN

from ....data import PrereadError
from ...config import DeformerConfig
from ...packing import Packed
from ..layers import Embedder, Segment
from ..relative_attention import RelativeAttention, sinusoids
from .family import Family, Head, expand_names

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
    """Words alone: positions and sides come in with attention."""

    def __init__(self, config: DeformerConfig) -> None:
        """Create the table of words."""
        super().__init__()
        self.word = nn.Embedding(config.vocab_size, config.hidden_size, config.pad_token_id)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, tokens: Packed, segment: Segment) -> Tensor:
        """Embed token ids; see `Embedder`."""
        embedded: Tensor = self.dropout(self.word(tokens.rows))
        return embedded

    def word_vectors(self) -> Tensor:
        """The table of words; see `Embedder`."""
        return self.word.weight

    def position_vectors(self, n: int) -> Tensor:
        """Sinusoids of the positions; see `Embedder`."""
        table = self.word.weight
        places = torch.arange(n, device=table.device, dtype=torch.float32)
        return sinusoids(places, table.shape[1])


class XLNetLayer(nn.Module):
    """Post-norm transformer layer with relative attention."""

    def __init__(self, config: DeformerConfig) -> None:
        """Create attention, feed-forward and their norms."""
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
        self.activation = ACT2FN[config.hidden_act]
        self.contract = nn.Linear(config.intermediate_size, size)
        self.output_norm = nn.LayerNorm(size, eps=eps)
        self.dropout = config.hidden_dropout_prob

    def forward(
        self, hidden: Tensor, lengths: Sequence[int], first_lengths: Sequence[int] = ()
    ) -> Tensor:
        """Run the layer over packed rows.

        Args:
            hidden: Shape ``(n_rows, hidden_size)``.
            lengths: Rows of each segment.
            first_lengths: As in `run_layers`.

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


def _fields(found: PreTrainedConfig) -> dict[str, Any]:
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
