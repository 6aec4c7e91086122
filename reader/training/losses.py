"""Training losses, one formula a function.

A *segment* here is a set of rows under one softmax: all windows that one question is read with
(shared normalization), or a single window.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import mse_loss


def segment_log_softmax(logits: Tensor, allowed: Tensor, segment: Tensor, n: int) -> Tensor:
    """Log-softmax within each segment, over the rows that are allowed.

    Args:
        logits: Shape ``(n_rows,)``, float.
        allowed: Whether a row takes part. Shape ``(n_rows,)``, bool.
        segment: Number of each row's segment. Shape ``(n_rows,)``, int64.
        n: Number of segments.

    Returns:
        Shape ``(n_rows,)``, float32; -inf where a row is not allowed.
    """
    masked = logits.float().masked_fill(~allowed, -torch.inf)
    highest = torch.full((n,), -torch.inf, device=logits.device)
    highest = highest.scatter_reduce(0, segment, masked.detach(), "amax")
    shifted = masked - torch.where(highest.isfinite(), highest, 0.0)[segment]
    sums = torch.zeros(n, device=logits.device).index_add(0, segment, shifted.exp())
    return shifted - sums.clamp_min(torch.finfo(sums.dtype).tiny).log()[segment]


def gold_loss(
    log_start: Tensor, log_end: Tensor, gold_start: Tensor, gold_end: Tensor, n_questions: int
) -> Tensor:
    """Mean cross-entropy of the start and of the end: (CE_start + CE_end) / 2.

    Args:
        log_start: Log-probability of each row as a start, by `segment_log_softmax`. Shape
            ``(n_rows,)``, float32.
        log_end: Log-probability of each row as an end. Shape ``(n_rows,)``, float32.
        gold_start: Row of the gold start of each question that has one. Shape ``(n_gold,)``, int64.
        gold_end: Row of the gold end of the same questions, inclusive. Shape ``(n_gold,)``, int64.
        n_questions: Number of questions that the mean is taken over.

    Source: Cao et al. 2020, section 3.2, where a segment is one window. With one segment for all
    windows of a question, it is the shared normalization of Clark & Gardner 2018
    (https://aclanthology.org/P18-1078), section 3.2.
    """
    total = log_start[gold_start].sum() + log_end[gold_end].sum()
    return -total / (2 * n_questions)


def distillation_loss(
    student: Tensor,
    teacher: Tensor,
    allowed: Tensor,
    segment: Tensor,
    n: int,
    temperature: float = 2.0,
) -> Tensor:
    """Divergence of the student's distribution from the teacher's, softened.

    Args:
        student: The student's logits. Shape ``(n_rows,)``, float.
        teacher: The teacher's logits of the same rows. Shape ``(n_rows,)``, float.
        allowed: Whether a row takes part. Shape ``(n_rows,)``, bool.
        segment: Number of each row's segment. Shape ``(n_rows,)``, int64.
        n: Number of segments.
        temperature: Divisor of the logits, T.

    Returns:
        A scalar: ``T² · KL(softmax(teacher / T) ‖ softmax(student / T))``, the mean over segments.

    Source: Cao et al. 2020, section 3.3. The factor T² is that of Hinton et al. 2015
    (https://arxiv.org/abs/1503.02531), section 2.
    """
    log_p = segment_log_softmax(teacher.float() / temperature, allowed, segment, n)
    log_q = segment_log_softmax(student.float() / temperature, allowed, segment, n)
    divergence = (log_p.exp() * (log_p - log_q))[allowed]
    return temperature**2 * divergence.sum() / n


def layer_loss(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
    """Mean squared difference of upper layers' outputs: layerwise representation similarity.

    Args:
        student: Output of each of the student's upper layers. Shape ``(n_rows, hidden_size)`` each.
        teacher: Outputs of at least as many layers of the teacher, of the same shape. The last ones
            are compared.

    Returns:
        A scalar, mean over layers, rows and dimensions.

    Source: Cao et al. 2020, section 3.3. The authors' code averages over padding, too.
    """
    pairs = zip(student, teacher[len(teacher) - len(student) :], strict=True)
    losses = [mse_loss(mine.float(), theirs.float()) for mine, theirs in pairs]
    return torch.stack(losses).mean()
