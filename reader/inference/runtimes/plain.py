"""Upper layers run as the model defines them, for families without a fused form, such as XLNet.

The one difference from `DeformerForQuestionAnswering.upper` is that pairs are read in batches of
similar length.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ...modeling.layers import run_layers
from ...modeling.question_answering import DeformerForQuestionAnswering, SpanLogits
from ...packing import Packed
from .joining import ROWS_AT_ONCE, joined_batches


class PlainUpper:
    """`UpperRuntime` that runs the model's own layers, on CPU or GPU."""

    def __init__(
        self,
        model: DeformerForQuestionAnswering,
        *,
        dtype: torch.dtype = torch.float32,
        rows_at_once: int | None = None,
    ) -> None:
        """Use the upper layers of a model; nothing is copied.

        Args:
            model: Model on the device that reads.
            dtype: Number format of matrix products. Weights and logits are always float32.
            rows_at_once: Most rows of a batch, question rows included; by default a number that
                suits the device.
        """
        self._layers = model.layers[model.config.num_lower_layers :]
        self._head = model.head
        self._passage_first = model.config.passage_first
        self._dtype = dtype
        self._rows_at_once = rows_at_once or ROWS_AT_ONCE.get(model.device.type, 65_536)

    @torch.inference_mode()
    def logits(
        self, questions: Packed, passages: Packed, pairs: Sequence[tuple[int, int]]
    ) -> SpanLogits:
        """Read questions with passages; see `UpperRuntime`.

        Args:
            questions: Lower states of the questions. Shape ``(n_question_rows, hidden_size)``.
            passages: Lower states of the windows. Shape ``(n_passage_rows, hidden_size)``.
            pairs: Segment numbers of a question and a window, for each pair that is read.

        Returns:
            Logits of the passage rows, packed in the order of the pairs, and of the [CLS] row of
            each pair. All float32.
        """
        device = self._head.weight.device
        both = torch.cat([x.rows.to(device, torch.float32) for x in (questions, passages)])
        n_rows = sum(passages.lengths[passage] for _, passage in pairs)
        logits = torch.empty((n_rows + len(pairs), 2), device=device)
        for batch in joined_batches(
            questions, passages, pairs, self._rows_at_once, passage_first=self._passage_first
        ):
            hidden = both[batch.source.to(device)]
            with torch.autocast(device.type, self._dtype, self._dtype != torch.float32):
                hidden = run_layers(self._layers, hidden, batch.lengths, batch.first_lengths)
            read = hidden[batch.read_rows.to(device)]
            logits[batch.target.to(device)] = self._head(read.float())
        return SpanLogits(logits[:n_rows, 0], logits[:n_rows, 1], logits[n_rows:])

    def span_logits(
        self, questions: Packed, passages: Packed, pairs: Sequence[tuple[int, int]]
    ) -> tuple[Tensor, Tensor]:
        """Read questions with passages, without the [CLS] logits; see `UpperRuntime`.

        Args:
            questions: Lower states of the questions. Shape ``(n_question_rows, hidden_size)``.
            passages: Lower states of the windows. Shape ``(n_passage_rows, hidden_size)``.
            pairs: Segment numbers of a question and a window, for each pair that is read.

        Returns:
            Start and end logits of the passage rows. Shape ``(n_rows,)`` each, float32.
        """
        logits = self.logits(questions, passages, pairs)
        return logits.start, logits.end
