"""Self-attention over packed segments by content, distance and side, as in XLNet.

A query sees what a key holds, how far away it is, and, where segments are pairs, whether it is on
the same side of the pair. Distances count rows of the segment itself, so that no padding, neither
of passages nor of questions, ever moves two tokens apart::

    lower   [p p p p]  [q q q]       distances within each
    upper   [p p p p q q q]          distances across both, rows numbered through
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from ..packing import padded_layout


class RelativeAttention(nn.Module):
    """Multi-head self-attention, each segment attending to itself only.

    The second, query stream of XLNet's pretraining has no part in reading and is not here.

    Source: Dai et al. 2019 (https://aclanthology.org/P19-1285), section 3.3, for distances; Yang et
    al. 2019 (https://arxiv.org/abs/1906.08237), section 2.5, for sides.
    """

    def __init__(
        self, hidden_size: int, n_heads: int, attention_dropout: float, position_dropout: float
    ) -> None:
        """Create projections and biases, not yet filled."""
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
        """Draw all weights from a normal distribution."""
        for weight in self.parameters():
            nn.init.normal_(weight, std=std)

    def forward(
        self, hidden: Tensor, lengths: Sequence[int], first_lengths: Sequence[int] = ()
    ) -> Tensor:
        """Attend.

        Args:
            hidden: Packed rows. Shape ``(n_rows, hidden_size)``.
            lengths: Rows of each segment.
            first_lengths: Where segments are pairs, how many rows of each are those of its first
                side. Where they are not, all keys are on the query's side, which softmax does not
                notice.

        Returns:
            Shape ``(n_rows, hidden_size)``.
        """
        heads = (hidden.shape[0], self.n_heads, -1)
        query, key, value = (
            (hidden @ weight.flatten(1)).view(heads)
            for weight in (self.query, self.key, self.value)
        )
        encoded = distance_encoding(max(lengths), hidden.shape[1], hidden.device).to(hidden.dtype)
        encoded = dropout(encoded, self.position_dropout, self.training)
        relative = (encoded @ self.relative.flatten(1)).view(encoded.shape[0], self.n_heads, -1)
        # As in `attention.SelfAttention`: no padding on a CPU, few launches on a GPU.
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
            query: Shape ``(n_rows, n_heads, head_size)``; so have ``key`` and ``value``.
            key: See ``query``.
            value: See ``query``.
            relative: Distances from the longest length down, projected. Shape ``(n_heads,
                2 * max(lengths), head_size)``.
            lengths: As in `forward`.
            first_lengths: As in `forward`.

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
        """Attention in one call; arguments and result as `attend_by_segment`."""
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
        """Attention of one segment, or of several of one length.

        ``query``, ``key``, ``value`` have shape ``(…, n_heads, n, head_size)``, ``relative``
        ``(n_heads, 2 * n, head_size)``; ``crosses`` is True where query and key are on two sides,
        ``is_real`` where a key is no padding. The result is as ``query``.
        """
        scores = (query + self.content_bias.unsqueeze(1)) @ key.transpose(-1, -2)
        by_distance = (query + self.position_bias.unsqueeze(1)) @ relative.transpose(-1, -2)
        scores = scores + by_key(by_distance)
        if crosses is not None:
            by_side = (query + self.side_bias.unsqueeze(1)) @ self.sides.permute(1, 2, 0)
            scores = scores + torch.where(crosses, by_side[..., 1:], by_side[..., :1])
        scores = scores * query.shape[-1] ** -0.5
        if is_real is not None:
            scores = scores.masked_fill(~is_real, -torch.inf)
        return dropout(scores.softmax(-1), self.attention_dropout, self.training) @ value


def distance_encoding(longest: int, size: int, device: torch.device) -> Tensor:
    """Sinusoids of the distances ``longest`` down to ``1 - longest``.

    Args:
        longest: Rows of the longest segment.
        size: Width; even.
        device: Where they are wanted.

    Returns:
        Shape ``(2 * longest, size)``, float32.

    Source: Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762), section 3.5, sines before
    cosines.
    """
    distances = torch.arange(longest, -longest, -1, device=device, dtype=torch.float32)
    return sinusoids(distances, size)


def sinusoids(places: Tensor, size: int) -> Tensor:
    """Sines, then cosines, of places in geometrically falling frequencies.

    Args:
        places: Shape ``(n,)``, float32.
        size: Width; even.

    Returns:
        Shape ``(n, size)``, float32.
    """
    steps = torch.arange(0, size, 2, device=places.device, dtype=torch.float32)
    angles = places.unsqueeze(1) * torch.exp(steps * (-math.log(10_000) / size))
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def by_key(by_distance: Tensor) -> Tensor:
    """Scores by distance turned into scores by key.

    Row ``i`` needs of its ``2 n`` distances those from ``i`` down to ``i - n + 1``, which begin one
    column further left in each row: cut at ``2 n - 1`` instead of ``2 n``, they are in line.

    Args:
        by_distance: Column ``m`` is distance ``n - m``. Shape ``(…, n, 2 * n)``.

    Returns:
        Column ``j`` is key ``j``. Shape ``(…, n, n)``.

    Source: Dai et al. 2019, appendix B.
    """
    n = by_distance.shape[-2]
    end_to_end = by_distance.flatten(-2)[..., n:]
    return end_to_end.view(*by_distance.shape[:-1], 2 * n - 1)[..., :n]
