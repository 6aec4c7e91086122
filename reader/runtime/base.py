"""What every runtime of the upper layers does."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from ..packing import Packed


class UpperRuntime(Protocol):
    """Runs upper layers and span head without gradients."""

    def span_logits(
        self, questions: Packed, passages: Packed, pairs: Sequence[tuple[int, int]]
    ) -> tuple[Tensor, Tensor]:
        """Read questions with passages.

        Args:
            questions: Lower states of the questions. Shape ``(n_question_rows, hidden_size)``.
            passages: Lower states of the passages. Shape ``(n_passage_rows, hidden_size)``.
            pairs: Which question is read with which passage, as segment numbers.

        Returns:
            Start and end logits of the pairs' passage rows, packed in the order of the pairs.
            Shape ``(n_rows,)``, float32.
        """
