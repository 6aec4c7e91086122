"""Self-attention over packed segments."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from .packing import padded_layout


class SelfAttention(nn.Module):
    """Multi-head self-attention, each segment attending to itself only.

    Source: Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762), section 3.2.
    """

    def __init__(self, hidden_size: int, n_heads: int, dropout: float) -> None:
        """Create projections for ``n_heads`` heads of ``hidden_size // n_heads`` dimensions."""
        super().__init__()
        self.n_heads = n_heads
        self.dropout = dropout
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size)
        self.value = nn.Linear(hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, hidden_size)

    def forward(self, hidden: Tensor, lengths: Sequence[int]) -> Tensor:
        """Attend.

        Args:
            hidden: Packed rows. Shape ``(n_rows, hidden_size)``.
            lengths: Rows of each segment.

        Returns:
            Shape ``(n_rows, hidden_size)``.
        """
        heads = (hidden.shape[0], self.n_heads, -1)
        query = self.query(hidden).view(heads)
        key = self.key(hidden).view(heads)
        value = self.value(hidden).view(heads)
        dropout = self.dropout if self.training else 0.0
        # On CPU one call per segment wastes no padding and takes the fast kernel, which has no
        # mask; on a GPU the many small launches would cost more than the padding.
        attend = attend_by_segment if hidden.device.type == "cpu" else attend_padded
        mixed: Tensor = self.output(attend(query, key, value, lengths, dropout).flatten(1))
        return mixed


def attend_by_segment(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    lengths: Sequence[int],
    dropout: float = 0.0,
    *,
    query_lengths: Sequence[int] | None = None,
) -> Tensor:
    """Attention, one segment after the other.

    Args:
        query: Shape ``(n_query_rows, n_heads, head_size)``.
        key: Shape ``(n_rows, n_heads, head_size)``; so has ``value``.
        value: See ``key``.
        lengths: Rows of each segment.
        dropout: Probability with which an attention weight is dropped.
        query_lengths: Rows of each segment that ask, where it is not all of them.

    Returns:
        Shape ``(n_query_rows, n_heads, head_size)``.
    """
    mixed = []
    sizes, query_sizes = list(lengths), list(query_lengths or lengths)
    queries = torch.split(query, query_sizes)
    for q, k, v in zip(queries, torch.split(key, sizes), torch.split(value, sizes), strict=True):
        q, k, v = (x.transpose(0, 1) for x in (q, k, v))
        if query.requires_grad:
            out = _attend_written_out(q, k, v, dropout)
        else:
            out = scaled_dot_product_attention(q[None], k[None], v[None])[0]
        mixed.append(out.transpose(0, 1))
    return torch.cat(mixed) if mixed else query


def _attend_written_out(query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
    """Attention as three products: on CPU its gradient takes a third of the fused kernel's time."""
    scores = torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(1, 2))
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
) -> Tensor:
    """Attention in one call over padded segments; arguments and result as `attend_by_segment`."""
    if not lengths:
        return query
    layout = padded_layout(tuple(lengths), query.device)
    asking = padded_layout(tuple(query_lengths), query.device) if query_lengths else layout
    q = asking.pad(query).transpose(1, 2)
    k, v = (layout.pad(x).transpose(1, 2) for x in (key, value))
    out = scaled_dot_product_attention(
        q, k, v, attn_mask=layout.is_real[:, None, None, :], dropout_p=dropout
    )
    return out.transpose(1, 2)[asking.segment, asking.position]
