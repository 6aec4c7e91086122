"""Upper layers in PyTorch, with nothing computed in vain.

Against `DeformerForQuestionAnswering.upper`, which training uses:

- Query, key and value are one product.
- In the last layer, only passage rows ask and go through the feed-forward part: nothing reads the
  question's.
- Pairs are read in batches of like length that stay in the cache, and half precision, where it is
  chosen, is converted to once.

Source: Cao et al. 2020, section 3; what the last layer may leave out follows from its equations.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear

from ..attention import attend_by_segment, attend_padded
from ..layers import TransformerLayer
from ..model import DeformerForQuestionAnswering
from ..packing import Packed
from .joining import ROWS_AT_ONCE, joined_batches


class _FusedLayer:
    """One layer's weights, laid out for reading."""

    def __init__(self, layer: nn.Module, dtype: torch.dtype) -> None:
        assert isinstance(layer, TransformerLayer)
        attention = layer.attention

        def weights(*tensors: Tensor) -> Tensor:
            return torch.cat([t.detach() for t in tensors]).to(dtype)

        self.n_heads = attention.n_heads
        inputs = attention.query, attention.key, attention.value
        self.input_weight = weights(*(x.weight for x in inputs))
        self.input_bias = weights(*(x.bias for x in inputs))
        self.linears = [
            (weights(x.weight), weights(x.bias))
            for x in (attention.output, layer.expand, layer.contract)
        ]
        self.norms = [
            (x.normalized_shape, weights(x.weight), weights(x.bias), x.eps)
            for x in (layer.attention_norm, layer.output_norm)
        ]
        self.activation = layer.activation

    def project(self, hidden: Tensor, first: int, last: int) -> Sequence[Tensor]:
        """Query (0), key (1) and value (2), those from ``first`` to before ``last``.

        Shape ``(n_rows, n_heads, head_size)`` each.
        """
        size = hidden.shape[1]
        rows = slice(first * size, last * size)
        both = linear(hidden, self.input_weight[rows], self.input_bias[rows])
        return both.view(hidden.shape[0], last - first, self.n_heads, -1).unbind(1)

    def finish(self, hidden: Tensor, mixed: Tensor) -> Tensor:
        """What comes after attention, for the rows that asked."""
        output, expand, contract = self.linears
        attended = layer_norm(linear(mixed, *output).add_(hidden), *self.norms[0])
        fed = linear(self.activation(linear(attended, *expand)), *contract)
        return layer_norm(fed.add_(attended), *self.norms[1])


class FusedUpper:
    """`UpperRuntime` in PyTorch, on CPU or GPU."""

    def __init__(
        self,
        model: DeformerForQuestionAnswering,
        *,
        dtype: torch.dtype = torch.float32,
        rows_at_once: int | None = None,
    ) -> None:
        """Copy the model's upper layers; later changes of the model are not seen.

        Args:
            model: On the device where it shall read.
            dtype: Of weights and activations; logits are float32 always.
            rows_at_once: Rows of a batch, question rows included; by default what suits the device.
        """
        upper = model.layers[model.config.num_lower_layers :]
        self._layers = [_FusedLayer(layer, dtype) for layer in upper]
        self._head = model.head.weight.detach().float(), model.head.bias.detach().float()
        self._dtype = dtype
        device_type = self._head[0].device.type
        self._rows_at_once = rows_at_once or ROWS_AT_ONCE.get(device_type, 65_536)
        self._attend = attend_by_segment if device_type == "cpu" else attend_padded

    @torch.inference_mode()
    def span_logits(
        self, questions: Packed, passages: Packed, pairs: Sequence[tuple[int, int]]
    ) -> tuple[Tensor, Tensor]:
        """Read questions with passages; see `UpperRuntime`."""
        device = self._head[0].device
        both = torch.cat([x.rows.to(device, self._dtype) for x in (questions, passages)])
        n_rows = sum(passages.lengths[passage] for _, passage in pairs)
        logits = torch.empty((n_rows, 2), device=device)
        for batch in joined_batches(questions, passages, pairs, self._rows_at_once):
            hidden = both[batch.source.to(device)]
            passage_rows = batch.passage_rows.to(device)
            for layer in self._layers[:-1]:
                query, key, value = layer.project(hidden, 0, 3)
                mixed = self._attend(query, key, value, batch.lengths)
                hidden = layer.finish(hidden, mixed.flatten(1))
            hidden = self._last(hidden, passage_rows, batch.lengths, batch.passage_lengths)
            logits[batch.target.to(device)] = linear(hidden.float(), *self._head)
        return logits[:, 0], logits[:, 1]

    def _last(
        self,
        hidden: Tensor,
        passage_rows: Tensor,
        lengths: Sequence[int],
        passage_lengths: Sequence[int],
    ) -> Tensor:
        """The last layer, for passage rows only. Shape ``(n_passage_rows, hidden_size)``."""
        asking = hidden[passage_rows]
        if not self._layers:
            return asking
        layer = self._layers[-1]
        key, value = layer.project(hidden, 1, 3)
        (query,) = layer.project(asking, 0, 1)
        mixed = self._attend(query, key, value, lengths, query_lengths=passage_lengths)
        return layer.finish(asking, mixed.flatten(1))
