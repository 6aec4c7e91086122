"""Upper layers that compute no row in vain.

The differences from `DeformerForQuestionAnswering.upper`, which training uses:

- One product computes query, key and value.
- The last layer computes queries and the feed-forward part only for passage rows and the [CLS] row
of each pair; nothing uses its output for the other question rows.
- Pairs are read in batches of similar length that fit the cache, and weights are converted once to
the number format and layout of the kernels.

Source: Cao et al. 2020, section 3; what the last layer may leave out follows from its equations.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from typing_extensions import override

from ...modeling.attention import attend_by_segment, attend_padded
from ...modeling.layers import TransformerLayer
from ...modeling.question_answering import DeformerForQuestionAnswering, SpanLogits
from ...packing import Packed
from .base import Kernels, UpperRuntime
from .joining import ROWS_AT_ONCE, joined_batches
from .torch_kernels import torch_kernels

_ROWS_MULTIPLE = 64
"""oneDNN keeps code and buffers for up to a thousand different numbers of rows. Rounding the number
up keeps its memory small, and lets it find the code it has made."""


class _FusedLayer:
    """One layer with its weights prepared for reading."""

    def __init__(self, layer: nn.Module, kernels: Kernels, *, is_last: bool) -> None:
        assert isinstance(layer, TransformerLayer)
        attention = layer.attention
        self._n_heads = attention.n_heads
        parts = attention.query, attention.key, attention.value
        together = [parts[:1], parts[1:]] if is_last else [parts]
        self._inputs = [
            kernels.project(torch.cat([p.weight for p in some]), torch.cat([p.bias for p in some]))
            for some in together
        ]
        self.finish = kernels.finish(layer)

    def project(self, hidden: Tensor) -> Sequence[Tensor]:
        """Query, key and value of all rows. Shape ``(n_rows, n_heads, head_size)`` each."""
        (all_three,) = self._inputs
        return self._by_head(all_three(hidden), 3)

    def project_last(self, hidden: Tensor, asking: Tensor) -> Sequence[Tensor]:
        """In the last layer: query of the rows whose output is needed, and key and value of all."""
        query, key_and_value = self._inputs
        return [*self._by_head(query(asking), 1), *self._by_head(key_and_value(hidden), 2)]

    def _by_head(self, rows: Tensor, n_parts: int) -> Sequence[Tensor]:
        return rows.view(rows.shape[0], n_parts, self._n_heads, -1).unbind(1)


class FusedUpper(UpperRuntime):
    """`UpperRuntime` for layers like BERT's, on CPU or GPU."""

    def __init__(
        self,
        model: DeformerForQuestionAnswering,
        kernels: Kernels | None = None,
        *,
        rows_at_once: int | None = None,
    ) -> None:
        """Copy the upper layers of a model; later changes of the model have no effect.

        Args:
            model: Model on the device that reads.
            kernels: Compute everything but attention; by default PyTorch in float32. The logits are
                float32 with any kernels.
            rows_at_once: Most rows of a batch, question rows included; by default a number that
                suits the device.
        """
        head = model.head.weight, model.head.bias
        self._head = [weight.detach().to(torch.float32, copy=True) for weight in head]
        device = self._head[0].device
        kernels = kernels or torch_kernels(device, torch.float32, model.config.hidden_act)
        upper = model.layers[model.config.num_lower_layers :]
        last = len(upper) - 1
        with torch.no_grad():
            self._layers = [
                _FusedLayer(layer, kernels, is_last=number == last)
                for number, layer in enumerate(upper)
            ]
        self._dtype = kernels.dtype
        self._rows_at_once = rows_at_once or ROWS_AT_ONCE.get(device.type, 65_536)
        self._attend = attend_by_segment if device.type == "cpu" else attend_padded

    @override
    @torch.inference_mode()
    def logits(
        self, questions: Packed, passages: Packed, pairs: Sequence[tuple[int, int]]
    ) -> SpanLogits:
        device = self._head[0].device
        both = torch.cat([x.rows.to(device, self._dtype) for x in (questions, passages)])
        n_rows = sum(passages.lengths[passage] for _, passage in pairs)
        logits = torch.empty((n_rows + len(pairs), 2), device=device)
        for joined in joined_batches(questions, passages, pairs, self._rows_at_once):
            batch = joined.filled_up(_ROWS_MULTIPLE) if device.type == "cpu" else joined
            hidden = both[batch.source.to(device)]
            read_rows = batch.read_rows.to(device)
            for layer in self._layers[:-1]:
                query, key, value = layer.project(hidden)
                mixed = self._attend(query, key, value, batch.lengths)
                hidden = layer.finish(hidden, mixed.flatten(1))
            hidden = self._last(hidden, read_rows, batch.lengths, batch.read_lengths)
            target = batch.target.to(device)
            logits[target] = linear(hidden[: len(target)].float(), *self._head)
        return SpanLogits(logits[:n_rows, 0], logits[:n_rows, 1], logits[n_rows:])

    def _last(
        self,
        hidden: Tensor,
        read_rows: Tensor,
        lengths: Sequence[int],
        read_lengths: Sequence[int],
    ) -> Tensor:
        """Output of the last layer for the needed rows. Shape ``(n_read_rows, hidden_size)``."""
        asking = hidden[read_rows]
        if not self._layers:
            return asking
        layer = self._layers[-1]
        query, key, value = layer.project_last(hidden, asking)
        mixed = self._attend(query, key, value, lengths, query_lengths=read_lengths)
        return layer.finish(asking, mixed.flatten(1))
