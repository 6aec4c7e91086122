"""The network of a reader: a decomposed transformer with a span head."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..config import DeformerConfig
from ..packing import Packed
from .decomposed import DecomposedModel
from .families import Head
from .layers import Segment


@dataclass(frozen=True, slots=True)
class SpanLogits:
    """Logits of answer spans."""

    start: Tensor
    """Start logit of each passage row, packed in the order of the pairs. Shape
    ``(n_passage_rows,)``, float."""
    end: Tensor
    """End logit of each passage row, packed in the order of the pairs. Shape
    ``(n_passage_rows,)``, float."""
    null: Tensor
    """Start and end logit of the [CLS] row of each pair, whose sum is the no-answer score. Shape
    ``(n_pairs, 2)``. Meaningful only if the reader was trained with passages that do not answer."""
    hidden: tuple[Tensor, ...] = ()
    """Output of each upper layer, question rows included, if it was requested; otherwise empty.
    Shape ``(n_rows, hidden_size)`` each."""


class DeformerForQuestionAnswering(DecomposedModel):
    """A decomposed transformer with a span head; see `DecomposedModel`."""

    head_kind = Head.SPAN
    vanilla_class = "AutoModelForQuestionAnswering"

    def __init__(self, config: DeformerConfig) -> None:
        """Create the model with random weights."""
        super().__init__(config)
        self.head = nn.Linear(config.hidden_size, 2)
        self.stored_as: Callable[[Packed, Packed], Packed] | None = None
        """Applied by `forward` to the passage states and their token ids, between lower and upper
        layers. With the round trip through a codec, the upper layers learn to read what an index
        returns."""
        self.draw_weights()

    def upper(
        self,
        questions: Packed,
        passages: Packed,
        pairs: Sequence[tuple[int, int]] | None = None,
        *,
        keep_hidden: bool = False,
    ) -> SpanLogits:
        """Join lower states, and run upper layers and span head.

        Args:
            questions: Lower states of the questions. Shape ``(n_question_rows, hidden_size)``.
            passages: Lower states of the passages. Shape ``(n_passage_rows, hidden_size)``.
            pairs: Segment numbers of a question and a passage, for each pair that is read; by
                default the one question with every passage.
            keep_hidden: Whether to return the output of each upper layer.

        Returns:
            Logits of the passage rows, in the order of the pairs.

        Raises:
            ValueError: If there are several questions and no pairs, or the states of questions and
                passages have different widths.
        """
        if pairs is None:
            if len(questions) != 1:
                raise ValueError(f"pairs: required to read {len(questions)} questions, found None")
            pairs = [(0, p) for p in range(len(passages))]
        states = self.joint(questions, passages, pairs, keep_hidden=keep_hidden)
        # Logits of different passages are compared, so they are float32 in mixed precision too.
        with torch.autocast(states.last.device.type, enabled=False):
            start, end = self.head(states.passage_rows.float()).unbind(-1)
            null = self.head(states.cls_rows.float())
        return SpanLogits(start, end, null, hidden=states.hidden)

    def forward(
        self,
        questions: Packed,
        passages: Packed,
        pairs: Sequence[tuple[int, int]] | None = None,
        *,
        lower_states: tuple[Packed, Packed] | None = None,
        keep_hidden: bool = False,
    ) -> SpanLogits:
        """Read questions with passages, from their token ids.

        Args:
            questions: Token ids of the questions, int64.
            passages: Token ids of the passages' windows, int64. A window in several pairs is run
                through the lower layers once.
            pairs: Segment numbers of a question and a window, for each pair that is read; by
                default the one question with every window.
            lower_states: Lower states of questions and passages, if they are known already.
            keep_hidden: Whether to return the output of each upper layer.

        Returns:
            Logits of the passage rows, in the order of the pairs.
        """
        question_states, passage_states = lower_states or (
            self.lower(questions, Segment.QUESTION),
            self.lower(passages, Segment.PASSAGE),
        )
        if self.stored_as is not None:
            passage_states = self.stored_as(passage_states, passages)
        return self.upper(question_states, passage_states, pairs, keep_hidden=keep_hidden)
