"""The DeFormer reader: lower layers for question and passage apart, upper layers for both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import AutoModelForQuestionAnswering

from ..config import DeformerConfig
from ..packing import Packed
from .decomposed import DecomposedModel
from .families import Head
from .layers import Segment


@dataclass(frozen=True, slots=True)
class SpanLogits:
    """What reading gives."""

    start: Tensor
    """Shape ``(n_passage_rows,)``, float, packed in the order of the pairs; so has ``end``."""
    end: Tensor
    null: Tensor
    """Start and end logit of each pair's [CLS] row, which stand for "no answer here". Shape
    ``(n_pairs, 2)``. They mean something only after training that taught them."""
    hidden: tuple[Tensor, ...] = ()
    """Output of each upper layer, question rows included, where it was asked for. Shape
    ``(n_rows, hidden_size)`` each."""


class DeformerForQuestionAnswering(DecomposedModel):
    """Decomposed transformer with a span head; see `DecomposedModel`."""

    main_input_name = "questions"
    head_kind = Head.SPAN
    vanilla_class = AutoModelForQuestionAnswering

    def __init__(self, config: DeformerConfig) -> None:
        """Create the model with random weights."""
        super().__init__(config)
        self.head = nn.Linear(config.hidden_size, 2)
        self.stored_as: Callable[[Packed, Packed], Packed] | None = None
        """What `forward` does to passage states and their token ids between lower and upper layers:
        a codec, so that upper layers learn to read what an index gives back."""
        self.post_init()  # type: ignore[no-untyped-call]

    def upper(
        self,
        questions: Packed,
        passages: Packed,
        pairs: Sequence[tuple[int, int]] | None = None,
        *,
        keep_hidden: bool = False,
    ) -> SpanLogits:
        """Join lower states and run upper layers and span head.

        Args:
            questions: Lower states of the questions. Shape ``(n_question_rows, hidden_size)``.
            passages: Lower states of the passages. Shape ``(n_passage_rows, hidden_size)``.
            pairs: Which question is read with which passage, as segment numbers; by default the one
                question with every passage.
            keep_hidden: Return the outputs of the upper layers too.

        Returns:
            Logits of passage rows, in the order of the pairs.

        Raises:
            ValueError: If there are several questions and no pairs, or the hidden sizes differ.
        """
        if pairs is None:
            if len(questions) != 1:
                raise ValueError(f"pairs are needed to read {len(questions)} questions at once")
            pairs = [(0, p) for p in range(len(passages))]
        states = self.joint(questions, passages, pairs, keep_hidden=keep_hidden)
        # Logits of different passages are compared: they keep float32's digits in mixed precision.
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
        """Read token ids.

        Args:
            questions: Token ids of the questions, int64.
            passages: Token ids of the passages' windows, int64.
            pairs: As in `upper`. A passage met by several questions is run through the lower layers
                once.
            lower_states: What `lower` gives of questions and passages, where it is known already.
            keep_hidden: As in `upper`.
        """
        question_states, passage_states = lower_states or (
            self.lower(questions, Segment.QUESTION),
            self.lower(passages, Segment.PASSAGE),
        )
        if self.stored_as is not None:
            passage_states = self.stored_as(passage_states, passages)
        return self.upper(question_states, passage_states, pairs, keep_hidden=keep_hidden)
