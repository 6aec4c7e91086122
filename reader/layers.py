"""The bricks of a BERT-family transformer: embedder and layer, over packed rows."""

from collections.abc import Iterable, Sequence
from enum import IntEnum

import torch
from torch import Tensor, nn
from transformers.activations import ACT2FN

from .attention import SelfAttention
from .config import DeformerConfig
from .packing import Packed


class Segment(IntEnum):
    """Which of the two inputs a segment is; the value is its token type id."""

    QUESTION = 0
    PASSAGE = 1


class Embedder(nn.Module):
    """Sum of word, position and type embeddings, normalised."""

    def __init__(self, config: DeformerConfig) -> None:
        """Create the three tables."""
        super().__init__()
        self.word = nn.Embedding(config.vocab_size, config.hidden_size, config.pad_token_id)
        self.position = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, tokens: Packed, segment: Segment) -> Tensor:
        """Embed token ids; positions count from 0 in every segment.

        Args:
            tokens: Token ids, int64. Shape ``(n_rows,)``.
            segment: Whether these are questions or passages.

        Returns:
            Shape ``(n_rows, hidden_size)``.
        """
        type_row = self.token_type.weight[segment.value]
        embedded = self.word(tokens.rows) + self.position(tokens.positions()) + type_row
        normalised: Tensor = self.dropout(self.norm(embedded))
        return normalised


class TransformerLayer(nn.Module):
    """Post-norm transformer layer.

    Source: Devlin et al. 2019 (https://aclanthology.org/N19-1423), section 3.
    """

    def __init__(self, config: DeformerConfig) -> None:
        """Create attention, feed-forward and their norms."""
        super().__init__()
        size, eps = config.hidden_size, config.layer_norm_eps
        self.attention = SelfAttention(
            size, config.num_attention_heads, config.attention_probs_dropout_prob
        )
        self.attention_norm = nn.LayerNorm(size, eps=eps)
        self.expand = nn.Linear(size, config.intermediate_size)
        self.activation = ACT2FN[config.hidden_act]
        self.contract = nn.Linear(config.intermediate_size, size)
        self.output_norm = nn.LayerNorm(size, eps=eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden: Tensor, lengths: Sequence[int]) -> Tensor:
        """Run the layer over packed rows.

        Args:
            hidden: Shape ``(n_rows, hidden_size)``.
            lengths: Rows of each segment.

        Returns:
            Shape ``(n_rows, hidden_size)``.
        """
        attended = self.dropout(self.attention(hidden, lengths))
        hidden = self.attention_norm(attended + hidden)
        fed = self.dropout(self.contract(self.activation(self.expand(hidden))))
        out: Tensor = self.output_norm(fed + hidden)
        return out


def run_layers(layers: Iterable[nn.Module], hidden: Tensor, lengths: Sequence[int]) -> Tensor:
    """Run layers one after the other; an empty batch passes unchanged."""
    if hidden.shape[0] == 0:
        return hidden
    for layer in layers:
        hidden = layer(hidden, lengths)
    return hidden


def join_segments(
    questions: Packed, passages: Packed, pairs: Sequence[tuple[int, int]]
) -> tuple[Packed, Tensor]:
    """Lay question and passage states end to end, for each pair.

    Args:
        questions: Lower states of the questions. Shape ``(n_question_rows, hidden_size)``.
        passages: Lower states of the passages. Shape ``(n_passage_rows, hidden_size)``.
        pairs: Which question meets which passage, as segment numbers.

    Returns:
        The joined rows, one segment per pair, and the row numbers that come from passages, in order
        (int64, on CPU).

    Raises:
        ValueError: If the hidden sizes differ.
    """
    if questions.rows.shape[1] != passages.rows.shape[1]:
        raise ValueError(
            f"question states are {questions.rows.shape[1]} wide and passage states "
            f"{passages.rows.shape[1]}: they come from different readers"
        )
    n_questions = questions.rows.shape[0]
    q_offsets, p_offsets = questions.offsets().tolist(), passages.offsets().tolist()
    sources: list[Tensor] = []
    is_passage: list[Tensor] = []
    lengths: list[int] = []
    for question, passage in pairs:
        n_q, n_p = questions.lengths[question], passages.lengths[passage]
        sources.append(torch.arange(q_offsets[question], q_offsets[question] + n_q))
        sources.append(n_questions + torch.arange(p_offsets[passage], p_offsets[passage] + n_p))
        is_passage += [torch.zeros(n_q, dtype=torch.bool), torch.ones(n_p, dtype=torch.bool)]
        lengths.append(n_q + n_p)
    both = torch.cat([questions.rows, passages.rows.to(questions.rows.dtype)])
    if not sources:
        return Packed(both[:0], ()), torch.empty(0, dtype=torch.int64)
    joined = both[torch.cat(sources).to(both.device)]
    return Packed(joined, tuple(lengths)), torch.cat(is_passage).nonzero().squeeze(1)
