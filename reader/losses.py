"""Training losses, one formula a function."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from .packing import pad


def span_loss(
    start_logits: Tensor,
    end_logits: Tensor,
    is_text: Tensor,
    lengths: Sequence[int],
    starts: Tensor,
    ends: Tensor,
) -> Tensor:
    """Mean cross-entropy of the start and of the end position, over the text of each window.

    Args:
        start_logits: Shape ``(n_passage_rows,)``; so has ``end_logits``.
        end_logits: See ``start_logits``.
        is_text: True where a row may begin or end an answer. Shape ``(n_passage_rows,)``, bool.
        lengths: Passage rows of each pair.
        starts: Gold first row, counted in the window. Shape ``(n_pairs,)``, int64.
        ends: Gold last row, inclusive. Shape ``(n_pairs,)``, int64.

    Returns:
        A scalar: (CE_start + CE_end) / 2.

    Source: Cao et al. 2020, section 3.2; upstream sums over padding too, which is left out here.
    """
    total = torch.zeros((), device=start_logits.device)
    for logits, gold in ((start_logits, starts), (end_logits, ends)):
        masked = logits.float().masked_fill(~is_text, float("-inf"))
        total = total + cross_entropy(pad(masked, lengths, float("-inf")), gold)
    return total / 2
