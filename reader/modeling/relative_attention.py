"""Self-attention over packed segments by content, distance and side, as in XLNet.

The score of a query and a key depends on the key's content, on its distance, and, if segments are
pairs, on whether both are on the same side of the pair. Distances count the rows of the segment
itself, so padding never changes the distance of two tokens::

    lower   [p p p p]  [q q q]       distances within each
    upper   [p p p p q q q]          distances across both, rows numbered consecutively
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from ..packing import padded_layout


class RelativeAttention(nn.Module):
    """Multi-head self-attention in which each segment attends only to itself.

    XLNet's second stream, the query stream of its pretraining, is not needed for reading and left
    out.

    Source: Dai et al. 2019 (https://aclanthology.org/P19-1285), section 3.3, for distances; Yang et
    al. 2019 (https://arxiv.org/abs/1906.08237), section 2.5, for sides.
    """

    def __init__(
        self, hidden_size: int, n_heads: int, attention_dropout: float, position_dropout: float
    ) -> None:
        """Create projections and biases, uninitialised.

        Args:
            hidden_size: Width of a row.
            n_heads: Number of heads, each ``hidden_size // n_heads`` wide.
            attention_dropout: Probability with which an attention weight is dropped in training.
            position_dropout: Probability with which a number of a distance encoding is dropped.
        """
        super().__init__()
        self.n_heads = n_heads
        self.attention_dropout = attention_dropout
        self.position_dropout = position_dropout
        head_size = hidden_size // n_heads

        def projection() -> nn.Parameter:
            return nn.Parameter(torch.empty(hidden_size, n_heads, head_size))

        self.query, self.key, self.value = projection(), projection(), projection()
        self.relative, self.output = projection(), projection()
        self.content_bias, self.position_bias, self.side_bias = (
            nn.Parameter(torch.empty(n_heads, head_size)) for _ in range(3)
        )
        self.sides = nn.Parameter(torch.empty(2, n_heads, head_size))

    def fill(self, std: float) -> None:
        """Draw all weights from a normal distribution with standard deviation ``std``."""
        for weight in self.parameters():
            nn.init.normal_(weight, std=std)

    def forward(
        self, hidden: Tensor, lengths: Sequence[int], first_lengths: Sequence[int] = ()
    ) -> Tensor:
        """Attend.

        Args:
            hidden: Packed rows. Shape ``(n_rows, hidden_size)``.
            lengths: Number of rows of each segment.
            first_lengths: Number of rows of the first side of each segment, if segments are pairs.
                If not, all keys count as on the query's side: this adds the same to all scores of a
                query, which does not change the softmax.

        Returns:
            Shape ``(n_rows, hidden_size)``.
        """
        heads = (hidden.shape[0], self.n_heads, -1)
        query, key, value = (
            (hidden @ weight.flatten(1)).view(heads)
            for weight in (self.query, self.key, self.value)
        )
        encoded = _distance_encoding(max(lengths), hidden.shape[1], hidden.device).to(hidden.dtype)
        encoded = dropout(encoded, self.position_dropout, self.training)
        relative = (encoded @ self.relative.flatten(1)).view(encoded.shape[0], self.n_heads, -1)
        # No padding on a CPU, few launches on a GPU, as in `attention.SelfAttention`.
        attend = self.attend_by_segment if hidden.device.type == "cpu" else self.attend_padded
        mixed = attend(query, key, value, relative.transpose(0, 1), lengths, first_lengths)
        return mixed.flatten(1) @ self.output.flatten(1).T

    def attend_by_segment(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        relative: Tensor,
        lengths: Sequence[int],
        first_lengths: Sequence[int],
    ) -> Tensor:
        """Attention, one segment after the other.

        Args:
            query: Shape ``(n_rows, n_heads, head_size)``.
            key: Shape ``(n_rows, n_heads, head_size)``.
            value: Shape ``(n_rows, n_heads, head_size)``.
            relative: Projected encodings of the distances from ``longest`` down to ``1 - longest``,
                where ``longest`` is ``max(lengths)``. Shape ``(n_heads, 2 * longest, head_size)``.
            lengths: Number of rows of each segment.
            first_lengths: Number of rows of the first side of each segment, if segments are pairs;
                otherwise empty.

        Returns:
            Shape ``(n_rows, n_heads, head_size)``.
        """
        longest = max(lengths)
        sizes = list(lengths)
        mixed = []
        for number, parts in enumerate(
            zip(*(torch.split(x, sizes) for x in (query, key, value)), strict=True)
        ):
            q, k, v = (x.transpose(0, 1) for x in parts)
            n = sizes[number]
            crosses = None
            if first_lengths:
                is_first = torch.arange(n, device=query.device) < first_lengths[number]
                crosses = is_first.unsqueeze(1) != is_first
            near = relative[:, longest - n : longest + n]
            mixed.append(self._mix(q, k, v, near, crosses).transpose(0, 1))
        return torch.cat(mixed)

    def attend_padded(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        relative: Tensor,
        lengths: Sequence[int],
        first_lengths: Sequence[int],
    ) -> Tensor:
        """Attention over all segments in one call, with padding.

        Args:
            query: Shape ``(n_rows, n_heads, head_size)``.
            key: Shape ``(n_rows, n_heads, head_size)``.
            value: Shape ``(n_rows, n_heads, head_size)``.
            relative: Projected encodings of the distances from ``longest`` down to ``1 - longest``,
                where ``longest`` is ``max(lengths)``. Shape ``(n_heads, 2 * longest, head_size)``.
            lengths: Number of rows of each segment.
            first_lengths: Number of rows of the first side of each segment, if segments are pairs;
                otherwise empty.

        Returns:
            Shape ``(n_rows, n_heads, head_size)``.
        """
        device = query.device
        layout = padded_layout(tuple(lengths), device)
        places = torch.arange(max(lengths), device=device)
        crosses = None
        if first_lengths:
            is_first = places < torch.tensor(list(first_lengths), device=device).unsqueeze(1)
            crosses = (is_first.unsqueeze(2) != is_first.unsqueeze(1)).unsqueeze(1)
        is_real = layout.is_real[:, None, None, :]
        q, k, v = (layout.pad(x).transpose(1, 2) for x in (query, key, value))
        mixed = self._mix(q, k, v, relative, crosses, is_real).transpose(1, 2)
        return mixed[layout.segment, layout.position]

    def _mix(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        relative: Tensor,
        crosses: Tensor | None,
        is_real: Tensor | None = None,
    ) -> Tensor:
        """Attention of one segment, or of several segments padded to one length.

        Args:
            query: Shape ``(…, n_heads, n, head_size)``.
            key: Shape ``(…, n_heads, n, head_size)``.
            value: Shape ``(…, n_heads, n, head_size)``.
            relative: Projected encodings of distances. Shape ``(n_heads, 2 * n, head_size)``.
            crosses: True where query and key are on different sides; None if all are on one side.
                Shape ``(n, n)`` or ``(n_segments, 1, n, n)``.
            is_real: True where a key is not padding; None if there is no padding. Shape
                ``(n_segments, 1, 1, n)``.

        Returns:
            Shape ``(…, n_heads, n, head_size)``.
        """
        scores = (query + self.content_bias.unsqueeze(1)) @ key.transpose(-1, -2)
        by_distance = (query + self.position_bias.unsqueeze(1)) @ relative.transpose(-1, -2)
        scores = scores + _by_key(by_distance)
        if crosses is not None:
            by_side = (query + self.side_bias.unsqueeze(1)) @ self.sides.permute(1, 2, 0)
            scores = scores + torch.where(crosses, by_side[..., 1:], by_side[..., :1])
        scores = scores * query.shape[-1] ** -0.5
        if is_real is not None:
            scores = scores.masked_fill(~is_real, -torch.inf)
        return dropout(scores.softmax(-1), self.attention_dropout, self.training) @ value


def _distance_encoding(longest: int, size: int, device: torch.device) -> Tensor:
    """Sinusoids of the distances ``longest`` to ``1 - longest``. Shape ``(2 * longest, size)``.

    Source: Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762), section 3.5, with the sines
    before the cosines.
    """
    distances = torch.arange(longest, -longest, -1, device=device, dtype=torch.float32)
    return sinusoids(distances, size)


def sinusoids(places: Tensor, size: int) -> Tensor:
    """Sines, then cosines, of positions, with geometrically falling frequencies.

    Args:
        places: Positions or distances. Shape ``(n,)``, float32.
        size: Width of an encoding; even.

    Returns:
        Shape ``(n, size)``, float32.
    """
    steps = torch.arange(0, size, 2, device=places.device, dtype=torch.float32)
    angles = places.unsqueeze(1) * torch.exp(steps * (-math.log(10_000) / size))
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def _by_key(by_distance: Tensor) -> Tensor:
    """Turn scores by distance, shape ``(…, n, 2 * n)``, into scores by key, ``(…, n, n)``.

    Column ``m`` is distance ``n - m``. Of the ``2 n`` distances, row ``i`` needs those from ``i``
    down to ``i - n + 1``, which begin one column further left in each row. Read with a row length
    of ``2 n - 1`` instead of ``2 n``, they are aligned.

    Source: Dai et al. 2019, appendix B.
    """
    n = by_distance.shape[-2]
    end_to_end = by_distance.flatten(-2)[..., n:]
    return end_to_end.view(*by_distance.shape[:-1], 2 * n - 1)[..., :n]
