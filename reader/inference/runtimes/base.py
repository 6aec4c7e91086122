"""What every runtime of the upper layers does, and what its products are computed by."""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from ...modeling.layers import TransformerLayer
from ...modeling.question_answering import SpanLogits
from ...packing import Packed

Project = Callable[[Tensor], Tensor]
"""A product with weights and a bias added. Shapes ``(n_rows, n_in)`` to ``(n_rows, n_out)``."""
Finish = Callable[[Tensor, Tensor], Tensor]
"""What comes after attention, of the layer's input and of what attention mixed, for the rows that
asked. Shapes ``(n_rows, hidden_size)``, all three."""


class UpperRuntime(Protocol):
    """Runs upper layers and span head without gradients."""

    def logits(
        self, questions: Packed, passages: Packed, pairs: Sequence[tuple[int, int]]
    ) -> SpanLogits:
        """Read questions with passages.

        Args:
            questions: Lower states of the questions. Shape ``(n_question_rows, hidden_size)``.
            passages: Lower states of the passages. Shape ``(n_passage_rows, hidden_size)``.
            pairs: Which question is read with which passage, as segment numbers.

        Returns:
            Logits of the pairs' passage rows, packed in the order of the pairs, and of each pair's
            [CLS] row. All float32.
        """

    def span_logits(
        self, questions: Packed, passages: Packed, pairs: Sequence[tuple[int, int]]
    ) -> tuple[Tensor, Tensor]:
        """Start and end of `logits` alone. Shape ``(n_rows,)`` each, float32."""


class Kernels(Protocol):
    """Computes what is the same for every row of a packed batch: all of a layer but attention."""

    dtype: torch.dtype
    """Of the rows that go in and come out."""

    def project(self, weight: Tensor, bias: Tensor) -> Project:
        """A product with these weights, laid out for reading.

        Args:
            weight: Shape ``(n_out, n_in)``, float32.
            bias: Shape ``(n_out,)``, float32.
        """

    def finish(self, layer: TransformerLayer) -> Finish:
        """A layer's output projection, feed-forward part and norms, laid out for reading."""
