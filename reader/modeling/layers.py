"""The parts of a transformer of BERT's family, over packed rows: embedder and layer."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor, nn
from typing_extensions import override

from ..config import DeformerConfig
from ..packing import Packed, cumulative, positions_of
from .activations import find_activation
from .attention import DistanceBias, SelfAttention


class Segment(IntEnum):
    """Whether a segment is a question or a passage. The value is its token type id."""

    QUESTION = 0
    PASSAGE = 1


class Embedder(nn.Module, ABC):
    """Converts token ids to the input of the first layer."""

    word: nn.Embedding

    @abstractmethod
    def forward(self, tokens: Packed, segment: Segment) -> Tensor:
        """Embed token ids. Positions count from 0 in every segment.

        Args:
            tokens: Token ids, int64. Shape ``(n_rows,)``.
            segment: Whether these are questions or passages.

        Returns:
            Shape ``(n_rows, hidden_size)``.
        """

    @abstractmethod
    def word_vectors(self) -> Tensor:
        """Contribution of each token id alone.

        Returns:
            Shape ``(vocab_size, hidden_size)``, float32, or float16 where the word table is.
        """

    @abstractmethod
    def position_vectors(self, n: int) -> Tensor:
        """Vectors that distinguish the first positions of a segment.

        Args:
            n: Number of positions.

        Returns:
            Shape ``(n, hidden_size)``.
        """


class AbsoluteEmbedder(Embedder):
    """Normalised sum of word, position and type embeddings.

    A projection follows if the embeddings are narrower than the layers.
    """

    def __init__(self, config: DeformerConfig) -> None:
        """Create the tables of words and positions, and of types if the family has them."""
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

    @override
    def forward(self, tokens: Packed, segment: Segment) -> Tensor:
        positions = tokens.positions() + self._first_position
        embedded = self.word(tokens.rows).float() + self.position(positions)
        if self.token_type is not None:
            last_type = self.token_type.num_embeddings - 1
            embedded = embedded + self.token_type.weight[min(segment.value, last_type)]
        normalised: Tensor = self.dropout(self.norm(embedded))
        return normalised if self.project is None else self.project(normalised)

    @override
    def word_vectors(self) -> Tensor:
        return self._projected(self.word.weight)

    @override
    def position_vectors(self, n: int) -> Tensor:
        return self._projected(self.position.weight[self._first_position :][:n])

    def _projected(self, rows: Tensor) -> Tensor:
        return rows if self.project is None else rows.float() @ self.project.weight.T


class TransformerLayer(nn.Module):
    """A transformer layer with the norm after each part (post-norm).

    Source: Devlin et al. 2019 (https://aclanthology.org/N19-1423), section 3.
    """

    def __init__(self, config: DeformerConfig, bias: DistanceBias | None = None) -> None:
        """Create attention, feed-forward part and norms.

        Args:
            config: Shape of the transformer.
            bias: Bias of attention by distance, shared by all layers of the model; None for
                families without one.
        """
        super().__init__()
        size, eps = config.hidden_size, config.layer_norm_eps
        self.attention = SelfAttention(
            size, config.num_attention_heads, config.attention_probs_dropout_prob, bias
        )
        self.attention_norm = nn.LayerNorm(size, eps=eps)
        self.expand = nn.Linear(size, config.intermediate_size)
        self.activation = find_activation(config.hidden_act)
        self.contract = nn.Linear(config.intermediate_size, size)
        self.output_norm = nn.LayerNorm(size, eps=eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(
        self, hidden: Tensor, lengths: Sequence[int], first_lengths: Sequence[int] = ()
    ) -> Tensor:
        """Run the layer over packed rows.

        Args:
            hidden: Shape ``(n_rows, hidden_size)``.
            lengths: Number of rows of each segment.
            first_lengths: Unused: the embeddings already distinguish the two parts of a pair.
                Layers of other families need it.

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
    """Run layers one after the other. An empty batch is returned unchanged.

    Args:
        layers: Layers in order.
        hidden: Packed rows. Shape ``(n_rows, hidden_size)``.
        lengths: Number of rows of each segment.
        first_lengths: Number of rows of the first part of each segment, if segments are pairs of a
            question and a passage; otherwise empty.

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
    """Joined states of pairs of question and passage, packed."""

    states: Packed
    """One segment for each pair. Shape ``(n_rows, hidden_size)``."""
    first_lengths: tuple[int, ...]
    """Number of rows of the first part of each pair: the question, or the passage."""
    passage_rows: Tensor
    """Numbers of the rows that come from passages, ascending. Shape ``(n_passage_rows,)``, int64,
    on CPU."""
    cls_rows: Tensor
    """Number of each pair's [CLS] row: its first row, or its last if the passage comes first. Shape
    ``(n_pairs,)``, int64, on CPU."""


def join_segments(
    questions: Packed,
    passages: Packed,
    pairs: Sequence[tuple[int, int]],
    *,
    passage_first: bool = False,
) -> Joined:
    """Join the states of question and passage for each pair.

    Args:
        questions: Lower states of the questions. Shape ``(n_question_rows, hidden_size)``.
        passages: Lower states of the passages. Shape ``(n_passage_rows, hidden_size)``.
        pairs: Segment numbers of a question and a passage, for each pair.
        passage_first: Whether the passage comes before the question.

    Raises:
        ValueError: If the states of questions and passages have different widths.
    """
    if questions.rows.shape[1] != passages.rows.shape[1]:
        raise ValueError(
            f"expected question and passage states of one width, found {questions.rows.shape[1]} "
            f"and {passages.rows.shape[1]}: they come from different readers"
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
