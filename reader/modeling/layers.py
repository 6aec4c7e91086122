"""The bricks of a BERT-family transformer: embedder and layer, over packed rows."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor, nn
from transformers.activations import ACT2FN

from ..config import DeformerConfig
from ..packing import Packed, cumulative, positions_of
from .attention import DistanceBias, SelfAttention


class Segment(IntEnum):
    """Which of the two inputs a segment is; the value is its token type id, where there are two."""

    QUESTION = 0
    PASSAGE = 1


class Embedder(nn.Module, ABC):
    """What makes the first layer's input of token ids."""

    word: nn.Embedding

    @abstractmethod
    def forward(self, tokens: Packed, segment: Segment) -> Tensor:
        """Embed token ids; positions count from 0 in every segment.

        Args:
            tokens: Token ids, int64. Shape ``(n_rows,)``.
            segment: Whether these are questions or passages.

        Returns:
            Shape ``(n_rows, hidden_size)``.
        """

    @abstractmethod
    def word_vectors(self) -> Tensor:
        """What a word brings by itself. Shape ``(vocab_size, hidden_size)``."""

    @abstractmethod
    def position_vectors(self, n: int) -> Tensor:
        """What tells the first ``n`` positions apart. Shape ``(n, hidden_size)``."""


class AbsoluteEmbedder(Embedder):
    """Sum of word, position and type embeddings, normalised, and projected where it is narrower."""

    def __init__(self, config: DeformerConfig) -> None:
        """Create the tables of words and positions, and of types where there are any."""
        super().__init__()
        size = config.embedding_size or config.hidden_size
        assert config.max_position_embeddings is not None
        self.word = nn.Embedding(config.vocab_size, size, config.pad_token_id)
        self.position = nn.Embedding(config.max_position_embeddings, size)
        n_types = config.type_vocab_size
        self.token_type = nn.Embedding(n_types, size) if n_types else None
        self.norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.project = None if size == config.hidden_size else nn.Linear(size, config.hidden_size)
        self._first_position = config.position_offset

    def forward(self, tokens: Packed, segment: Segment) -> Tensor:
        """Embed token ids; see `Embedder`."""
        positions = tokens.positions() + self._first_position
        embedded = self.word(tokens.rows) + self.position(positions)
        if self.token_type is not None:
            last_type = self.token_type.num_embeddings - 1
            embedded = embedded + self.token_type.weight[min(segment.value, last_type)]
        normalised: Tensor = self.dropout(self.norm(embedded))
        return normalised if self.project is None else self.project(normalised)

    def word_vectors(self) -> Tensor:
        """The table of words, projected; see `Embedder`."""
        return self._projected(self.word.weight)

    def position_vectors(self, n: int) -> Tensor:
        """The first rows of the table of positions in use, projected; see `Embedder`."""
        return self._projected(self.position.weight[self._first_position :][:n])

    def _projected(self, rows: Tensor) -> Tensor:
        return rows if self.project is None else rows @ self.project.weight.T


class TransformerLayer(nn.Module):
    """Post-norm transformer layer.

    Source: Devlin et al. 2019 (https://aclanthology.org/N19-1423), section 3.
    """

    def __init__(self, config: DeformerConfig, bias: DistanceBias | None = None) -> None:
        """Create attention, feed-forward and their norms.

        Args:
            config: Shape of the transformer.
            bias: What attention learns of distances, shared by all layers of the model.
        """
        super().__init__()
        size, eps = config.hidden_size, config.layer_norm_eps
        self.attention = SelfAttention(
            size, config.num_attention_heads, config.attention_probs_dropout_prob, bias
        )
        self.attention_norm = nn.LayerNorm(size, eps=eps)
        self.expand = nn.Linear(size, config.intermediate_size)
        self.activation = ACT2FN[config.hidden_act]
        self.contract = nn.Linear(config.intermediate_size, size)
        self.output_norm = nn.LayerNorm(size, eps=eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(
        self, hidden: Tensor, lengths: Sequence[int], first_lengths: Sequence[int] = ()
    ) -> Tensor:
        """Run the layer over packed rows.

        Args:
            hidden: Shape ``(n_rows, hidden_size)``.
            lengths: Rows of each segment.
            first_lengths: As in `run_layers`; not looked at, for the embeddings say all of it.

        Returns:
            Shape ``(n_rows, hidden_size)``.
        """
        attended = self.dropout(self.attention(hidden, lengths))
        hidden = self.attention_norm(attended + hidden)
        fed = self.dropout(self.contract(self.activation(self.expand(hidden))))
        out: Tensor = self.output_norm(fed + hidden)
        return out


def run_layers(
    layers: Iterable[nn.Module],
    hidden: Tensor,
    lengths: Sequence[int],
    first_lengths: Sequence[int] = (),
) -> Tensor:
    """Run layers one after the other; an empty batch passes unchanged.

    Args:
        layers: What is run.
        hidden: Packed rows. Shape ``(n_rows, hidden_size)``.
        lengths: Rows of each segment.
        first_lengths: Where segments are pairs, how many rows of each are those of its first part.

    Returns:
        Shape ``(n_rows, hidden_size)``.
    """
    if hidden.shape[0] == 0:
        return hidden
    for layer in layers:
        hidden = layer(hidden, lengths, first_lengths)
    return hidden


@dataclass(frozen=True, slots=True)
class Joined:
    """Pairs of question and passage states, end to end."""

    states: Packed
    """One segment per pair. Shape ``(n_rows, hidden_size)``."""
    first_lengths: tuple[int, ...]
    """Rows of what comes first in each pair: the question's, or the passage's."""
    passage_rows: Tensor
    """Numbers of the rows that come from passages, in order. Int64, on CPU."""
    cls_rows: Tensor
    """Number of each pair's [CLS] row, which is the question's first, or its last where the
    question comes last. Int64, on CPU."""


def join_segments(
    questions: Packed,
    passages: Packed,
    pairs: Sequence[tuple[int, int]],
    *,
    passage_first: bool = False,
) -> Joined:
    """Lay question and passage states end to end, for each pair.

    Args:
        questions: Lower states of the questions. Shape ``(n_question_rows, hidden_size)``.
        passages: Lower states of the passages. Shape ``(n_passage_rows, hidden_size)``.
        pairs: Which question meets which passage, as segment numbers.
        passage_first: Whether the passage comes before the question.

    Returns:
        The joined rows, and what they are.

    Raises:
        ValueError: If the hidden sizes differ.
    """
    if questions.rows.shape[1] != passages.rows.shape[1]:
        raise ValueError(
            f"question states are {questions.rows.shape[1]} wide and passage states "
            f"{passages.rows.shape[1]}: they come from different readers"
        )
    of_question, of_passage = torch.tensor(pairs, dtype=torch.int64).reshape(len(pairs), 2).T
    n_question = torch.tensor(questions.lengths, dtype=torch.int64)[of_question]
    n_passage = torch.tensor(passages.lengths, dtype=torch.int64)[of_passage]
    total = n_question + n_passage
    n_first = n_passage if passage_first else n_question
    lengths = tuple(total.tolist())
    segment = torch.repeat_interleave(torch.arange(len(pairs)), total)
    position = positions_of(lengths)
    in_second = position - n_first[segment]
    in_passage, in_question = (position, in_second) if passage_first else (in_second, position)
    is_passage = (in_second < 0) == passage_first
    first_passage_row = questions.rows.shape[0] + passages.offsets()[of_passage]
    source = torch.where(
        is_passage,
        first_passage_row[segment] + in_passage,
        questions.offsets()[of_question][segment] + in_question,
    )
    both = torch.cat([questions.rows, passages.rows.to(questions.rows.dtype)])
    ends = cumulative(lengths)
    return Joined(
        Packed(both[source.to(both.device)], lengths),
        tuple(n_first.tolist()),
        is_passage.nonzero().squeeze(1),
        ends[1:] - 1 if passage_first else ends[:-1],
    )
