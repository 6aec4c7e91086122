"""Interfaces of a runtime of the upper layers, and of the kernels that it computes with."""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from ...modeling.layers import TransformerLayer
from ...modeling.question_answering import SpanLogits
from ...packing import Packed

Project = Callable[[Tensor], Tensor]
"""A product with fixed weights, plus a bias. Shapes ``(n_rows, n_in)`` to ``(n_rows, n_out)``."""
Finish = Callable[[Tensor, Tensor], Tensor]
"""The part of a layer that follows attention. Takes the rows of the layer's input that are needed,
and the attention output of the same rows. All shapes ``(n_rows, hidden_size)``."""


class UpperRuntime(Protocol):
    """Runs the upper layers and the span head, without gradients."""

    def logits(
        self, questions: Packed, passages: Packed, pairs: Sequence[tuple[int, int]]
    ) -> SpanLogits:
        """Read questions with passages.

        Args:
            questions: Lower states of the questions. Shape ``(n_question_rows, hidden_size)``.
            passages: Lower states of the windows. Shape ``(n_passage_rows, hidden_size)``.
            pairs: Segment numbers of a question and a window, for each pair that is read.

        Returns:
            Logits of the passage rows, packed in the order of the pairs, and of the [CLS] row of
            each pair. All float32.
        """


class Kernels(Protocol):
    """Computes everything in a layer but attention: operations on each packed row by itself."""

    dtype: torch.dtype
    """Number format of the rows, before and after."""

    def project(self, weight: Tensor, bias: Tensor) -> Project:
        """Prepare a product with fixed weights.

        Args:
            weight: Shape ``(n_out, n_in)``, float32.
            bias: Shape ``(n_out,)``, float32.
        """

    def finish(self, layer: TransformerLayer) -> Finish:
        """Prepare the part of a layer after attention.

        This is the output projection, the feed-forward part and both norms.

        Args:
            layer: Layer whose weights are used.
        """
