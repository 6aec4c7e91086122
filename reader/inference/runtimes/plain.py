"""Upper layers run as the model defines them, for families without a fused form, such as XLNet.

The one difference from `DeformerForQuestionAnswering.upper` is that pairs are read in batches of
similar length.
"""

from collections.abc import Sequence

import torch
from typing_extensions import override

from ...modeling.layers import run_layers
from ...modeling.question_answering import DeformerForQuestionAnswering, SpanLogits
from ...packing import Packed
from .base import UpperRuntime
from .joining import ROWS_AT_ONCE, joined_batches


class PlainUpper(UpperRuntime):
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

    @override
    @torch.inference_mode()
    def logits(
        self, questions: Packed, passages: Packed, pairs: Sequence[tuple[int, int]]
    ) -> SpanLogits:
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
