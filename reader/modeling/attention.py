"""Self-attention over packed segments."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from ..packing import padded_layout

_LONGEST_DISTANCE = 128
"""All distances from this one on share one bucket, in tokens."""


class DistanceBias(nn.Module):
    """Learned bias of attention scores, by head and by the distance of the two tokens.

    Each distance below ``n_buckets // 4`` has its own bucket. Longer distances share buckets whose
    width grows with the logarithm of the distance, up to ``_LONGEST_DISTANCE``. Tokens before and
    tokens after the query have separate buckets.

    Source: Raffel et al. 2020 (https://jmlr.org/papers/v21/20-074.html), section 2.1; for MPNet,
    Song et al. 2020 (https://arxiv.org/abs/2004.09297), section 3.1.
    """

    def __init__(self, n_heads: int, *, n_buckets: int = 32) -> None:
        """Create the table of biases.

        Args:
            n_heads: Number of attention heads.
            n_buckets: Rows of the table, half of them for tokens before the query and half for
                tokens after.
        """
        super().__init__()
        self.table = nn.Embedding(n_buckets, n_heads)

    def forward(self, n: int) -> Tensor:
        """Biases of all pairs of tokens in a segment.

        Args:
            n: Number of tokens of the segment.

        Returns:
            Bias of each query (second axis) and key (third axis). Shape ``(n_heads, n, n)``.
        """
        distances = torch.arange(1 - n, n, device=self.table.weight.device)
        by_distance: Tensor = self.table(self._buckets(distances)).T
        position = torch.arange(n, device=distances.device)
        return by_distance[:, position - position[:, None] + n - 1]

    def _buckets(self, distances: Tensor) -> Tensor:
        """Bucket of each distance: position of the key minus that of the query. Int64."""
        half = self.table.num_embeddings // 2
        n_exact = half // 2
        size = distances.abs()
        growth = torch.log(size.clamp_min(1).float() / n_exact) / math.log(
            _LONGEST_DISTANCE / n_exact
        )
        shared = n_exact + (growth * (half - n_exact)).long()
        bucket = torch.where(size < n_exact, size, shared.clamp_max(half - 1))
        return bucket + half * (distances > 0)


class SelfAttention(nn.Module):
    """Multi-head self-attention in which each segment attends only to itself.

    Source: Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762), section 3.2.
    """

    def __init__(
        self, hidden_size: int, n_heads: int, dropout: float, bias: DistanceBias | None = None
    ) -> None:
        """Create the projections.

        Args:
            hidden_size: Width of a row.
            n_heads: Number of heads, each ``hidden_size // n_heads`` wide.
            dropout: Probability with which an attention weight is dropped in training.
            bias: Bias by distance, added to the scores. All layers share one, so the embedder owns
                it and it is not among the parameters of this module. None if the scores do not
                depend on distance.
        """
        super().__init__()
        self.n_heads = n_heads
        self.dropout = dropout
        self._bias = (bias,)  # a tuple hides the module from this one's parameters
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size)
        self.value = nn.Linear(hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, hidden_size)

    @property
    def has_bias(self) -> bool:
        """Whether a bias by distance is added to the scores."""
        return self._bias != (None,)

    def forward(self, hidden: Tensor, lengths: Sequence[int]) -> Tensor:
        """Attend.

        Args:
            hidden: Packed rows. Shape ``(n_rows, hidden_size)``.
            lengths: Number of rows of each segment.

        Returns:
            Shape ``(n_rows, hidden_size)``.
        """
        heads = (hidden.shape[0], self.n_heads, -1)
        query = self.query(hidden).view(heads)
        key = self.key(hidden).view(heads)
        value = self.value(hidden).view(heads)
        dropout = self.dropout if self.training else 0.0
        (distance_bias,) = self._bias
        bias = None if distance_bias is None else distance_bias(max(lengths, default=0))
        # On a CPU, one call for each segment needs no padding, and no mask, so that the fast kernel
        # is used. On a GPU many small launches would cost more than the padding. So would, on any
        # device, the gradient of a bias that is cut to the length of each segment.
        is_apart = hidden.device.type == "cpu" and not (bias is not None and bias.requires_grad)
        attend = attend_by_segment if is_apart else attend_padded
        mixed = attend(query, key, value, lengths, dropout, bias=bias).flatten(1)
        out: Tensor = self.output(mixed)
        return out


def attend_by_segment(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    lengths: Sequence[int],
    dropout: float = 0.0,
    *,
    query_lengths: Sequence[int] | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """Attention, one segment after the other.

    Args:
        query: Shape ``(n_query_rows, n_heads, head_size)``.
        key: Shape ``(n_rows, n_heads, head_size)``.
        value: Shape ``(n_rows, n_heads, head_size)``.
        lengths: Number of rows of each segment, in ``key`` and ``value``.
        dropout: Probability with which an attention weight is dropped.
        query_lengths: Number of rows of each segment in ``query``; by default ``lengths``.
        bias: Bias of the scores for a segment of the greatest length; shorter ones use its upper
            left part. Not for use with ``query_lengths``. Shape ``(n_heads, longest, longest)``.

    Returns:
        Shape ``(n_query_rows, n_heads, head_size)``.
    """
    mixed = []
    sizes, query_sizes = list(lengths), list(query_lengths or lengths)
    queries = torch.split(query, query_sizes)
    for q, k, v in zip(queries, torch.split(key, sizes), torch.split(value, sizes), strict=True):
        q, k, v = (x.transpose(0, 1) for x in (q, k, v))
        added = None if bias is None else bias[:, : q.shape[1], : k.shape[1]].to(q.dtype)
        if query.requires_grad:
            out = _attend_written_out(q, k, v, dropout, added)
        else:
            mask = None if added is None else added[None]
            out = scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=mask)[0]
        mixed.append(out.transpose(0, 1))
    return torch.cat(mixed) if mixed else query


def _attend_written_out(
    query: Tensor, key: Tensor, value: Tensor, dropout: float, added: Tensor | None = None
) -> Tensor:
    """Attention as separate products.

    On a CPU their gradient takes a third of the time of the fused kernel's.

    Args:
        query: Shape ``(..., n_queries, head_size)``.
        key: Shape ``(..., n_keys, head_size)``.
        value: Shape ``(..., n_keys, head_size)``.
        dropout: Probability with which an attention weight is dropped.
        added: Added to the scores. Broadcasts to ``(..., n_queries, n_keys)``.

    Returns:
        Shape ``(..., n_queries, head_size)``.
    """
    scores = torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(-1, -2))
    if added is not None:
        scores = scores + added
    weights = torch.nn.functional.dropout(torch.softmax(scores, dim=-1), dropout, dropout > 0)
    return torch.matmul(weights, value)


def attend_padded(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    lengths: Sequence[int],
    dropout: float = 0.0,
    *,
    query_lengths: Sequence[int] | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """Attention over all segments in one call, with padding.

    Args:
        query: Shape ``(n_query_rows, n_heads, head_size)``.
        key: Shape ``(n_rows, n_heads, head_size)``.
        value: Shape ``(n_rows, n_heads, head_size)``.
        lengths: Number of rows of each segment, in ``key`` and ``value``.
        dropout: Probability with which an attention weight is dropped.
        query_lengths: Number of rows of each segment in ``query``; by default ``lengths``.
        bias: Bias of the scores for a segment of the greatest length; shorter ones use its upper
            left part. Not for use with ``query_lengths``. Shape ``(n_heads, longest, longest)``.

    Returns:
        Shape ``(n_query_rows, n_heads, head_size)``.
    """
    if not lengths:
        return query
    layout = padded_layout(tuple(lengths), query.device)
    asking = padded_layout(tuple(query_lengths), query.device) if query_lengths else layout
    q = asking.pad(query).transpose(1, 2)
    k, v = (layout.pad(x).transpose(1, 2) for x in (key, value))
    mask = layout.is_real[:, None, None, :]
    if bias is None:
        out = scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
    else:
        added = bias.to(q.dtype).masked_fill(~mask, -torch.inf)
        if bias.requires_grad and q.device.type == "cpu":
            out = _attend_written_out(q, k, v, dropout, added)
        else:
            out = scaled_dot_product_attention(q, k, v, attn_mask=added, dropout_p=dropout)
    return out.transpose(1, 2)[asking.segment, asking.position]
