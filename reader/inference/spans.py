"""Decoding: from the logits of all passages to answer spans, without a loop over passages."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..packing import cumulative
from .window_table import WindowTable


@dataclass(frozen=True, slots=True)
class Span:
    """A span of tokens that may be the answer."""

    passage: int
    """Number of the passage, from 0, in the order of reading."""
    first_token: int
    """First token, counted in the passage's text from 0."""
    last_token: int
    """Last token, inclusive, counted in the passage's text from 0."""
    logit: float
    """Start logit plus end logit, plus the score of the passage if there is one."""
    probability: float
    """Softmax over all spans of all passages that were read, those without meaning included."""


def grouped_logsumexp(values: Tensor, group: Tensor, n_groups: int) -> Tensor:
    """Log of the summed exponentials of each group.

    Args:
        values: Shape ``(n,)``, float.
        group: Number of each value's group. Shape ``(n,)``, int64.
        n_groups: Number of groups.

    Returns:
        Shape ``(n_groups,)``, float as the values; -inf for a group without values.
    """
    highest = values.new_full((n_groups,), -torch.inf)
    highest = highest.scatter_reduce(0, group, values.detach(), "amax")
    sums = torch.zeros_like(highest).index_add(0, group, (values - highest[group]).exp())
    return sums.log() + highest


def passage_normalisers(start: Tensor, end: Tensor, windows: WindowTable) -> Tensor:
    """Log normaliser of each passage: the log softmax denominators of start and end, added.

    A span's logit minus the normaliser is the log of ``p_start * p_end`` within its passage.

    Args:
        start: Start logits of the rows of all windows, packed. Shape ``(n_rows,)``.
        end: End logits of the same rows. Shape ``(n_rows,)``.
        windows: Table of the windows, in the order of the rows.

    Returns:
        Shape ``(n_passages,)``, float32; 0 for a passage without text.

    Source: Cao et al. 2020, upstream ``tasks/qa.py``.
    """
    counts = torch.tensor(windows.lengths)
    is_text = windows.is_text()
    passage = torch.tensor(windows.passage).repeat_interleave(counts)[is_text].to(start.device)
    n_passages = max(windows.passage) + 1
    total = torch.zeros(n_passages, device=start.device)
    for logits in (start, end):
        of_text = logits.float()[is_text.to(start.device)]
        of_passage = grouped_logsumexp(of_text, passage, n_passages)
        total = total + torch.where(of_passage.isfinite(), of_passage, 0.0)
    return total


def _ends_in_reach(
    end: Tensor, is_text: Tensor, max_answer_length: int, breaks: Tensor | None = None
) -> Tensor:
    """Lay out the ends that a span from each row may have.

    A span may not reach beyond the text of its window; at least one row that is not text lies
    between the texts of two windows. It may not reach the next break either.

    Returns:
        End logits of each row and those after it, -inf out of reach. Shape
        ``(n_rows, max_answer_length)``, float32.
    """
    n_rows = end.shape[0]
    row = torch.arange(n_rows, device=end.device)
    limit = _next_true(~is_text)
    if breaks is not None:
        next_break = _next_true(breaks).roll(-1)  # a span may begin at a break
        next_break[-1:] = n_rows
        limit = torch.minimum(limit, next_break)
    step = torch.arange(max_answer_length, device=end.device)
    padded = torch.nn.functional.pad(end.float(), (0, max_answer_length))
    ends = padded.unfold(0, max_answer_length, 1)[:n_rows]
    return ends.masked_fill(step >= (limit - row)[:, None], -torch.inf)


def _best_ends(
    ends: Tensor, is_text: Tensor, is_meaningful: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Find the best end of a span from each row, which must reach a row that carries meaning.

    Args:
        ends: What `_ends_in_reach` returned; changed in place.
        is_text: True for text. Shape ``(n_rows,)``, bool.
        is_meaningful: True for rows whose token carries meaning; None if all do.

    Returns:
        The end logit, -inf if no span is allowed, and the last row, inclusive. Shapes
        ``(n_rows,)``, float32 and int64.
    """
    row = torch.arange(len(ends), device=ends.device)
    if is_meaningful is not None:
        n_without = (_next_true(is_meaningful & is_text) - row)[:, None]
        step = torch.arange(ends.shape[1], device=ends.device)
        ends = ends.masked_fill_(step < n_without, -torch.inf)
    best, steps = ends.max(dim=1)
    return best, row + steps


def _next_true(flags: Tensor) -> Tensor:
    """First row at or after each row that is True, or the number of rows. Shape ``(n_rows,)``."""
    n_rows = flags.shape[0]
    rows = torch.arange(n_rows, device=flags.device).masked_fill(~flags, n_rows)
    return rows.flip(0).cummin(0).values.flip(0)


def decode_spans(
    start: Tensor,
    end: Tensor,
    windows: WindowTable,
    *,
    max_answer_length: int,
    n_best: int,
    passage_scores: Sequence[float] | None = None,
    is_meaningful: Tensor | None = None,
    breaks: Tensor | None = None,
    of_each_passage: bool = False,
) -> list[Span]:
    """Find the best spans of all passages; a span that overlaps a better one is left out.

    Args:
        start: Start logits of the rows of all windows, packed. Shape ``(n_rows,)``.
        end: End logits of the same rows. Shape ``(n_rows,)``.
        windows: Table of the windows, in the order of the rows.
        max_answer_length: Longest span in tokens.
        n_best: Most spans to return.
        passage_scores: Score of each passage in logits, such as a prior from retrieval. It is added
            to every span of the passage.
        is_meaningful: True for rows whose token carries meaning, of which a span needs one; None if
            all do. Shape ``(n_rows,)``, bool.
        breaks: True for rows that a span may begin with, but not reach from an earlier row; None if
            there are none. Shape ``(n_rows,)``, bool.
        of_each_passage: Whether up to ``n_best`` spans of each passage are returned: those that
            would be among all, if all were asked for.

    Returns:
        Spans, best first; fewer than ``n_best`` if the texts hold no more.

    Source: Cao et al. 2020, upstream ``tasks/qa.py``: spans of bounded length, in the passage only.
    There each window has its own softmax; here one softmax covers all spans of all windows.
    """
    ranking = _rank(start, end, windows, max_answer_length, passage_scores, is_meaningful, breaks)
    return _select(ranking, windows, n_best, of_each_passage=of_each_passage)


def passage_margins(
    start: Tensor,
    end: Tensor,
    null: Tensor,
    windows: WindowTable,
    *,
    max_answer_length: int,
    is_meaningful: Tensor | None = None,
) -> Tensor:
    """How far the best span of each passage is ahead of its no-answer score, in logits.

    The margin of a passage with several windows is that of its best window.

    Args:
        start: Start logits of the rows of all windows, packed. Shape ``(n_rows,)``.
        end: End logits of the same rows. Shape ``(n_rows,)``.
        null: Start and end logit of each window's [CLS] row. Shape ``(n_windows, 2)``.
        windows: Table of the windows, in the order of the rows.
        max_answer_length: Longest span in tokens.
        is_meaningful: True for rows whose token carries meaning, of which a span needs one; None if
            all do. Shape ``(n_rows,)``, bool.

    Returns:
        Shape ``(n_passages,)``, float32; 0 for a passage without any span.

    Source: best span minus null as in Devlin et al. 2019 (https://aclanthology.org/N19-1423),
    section 4.3.
    """
    is_text = windows.is_text().to(start.device)
    ends = _ends_in_reach(end, is_text, max_answer_length)
    best_end, _ = _best_ends(ends, is_text, is_meaningful)
    best_from_row = (start.float() + best_end).masked_fill(~is_text, -torch.inf)
    counts = torch.tensor(windows.lengths, dtype=torch.int64)
    window_of_row = torch.arange(len(counts)).repeat_interleave(counts).to(start.device)
    best = torch.full((len(counts),), -torch.inf, device=start.device)
    best = best.scatter_reduce(0, window_of_row, best_from_row, "amax")
    margins = best - null.float().sum(1)
    n_passages = max(windows.passage, default=-1) + 1
    of_passage = torch.full((n_passages,), -torch.inf, device=start.device)
    passage = torch.tensor(windows.passage, dtype=torch.int64, device=start.device)
    of_passage = of_passage.scatter_reduce(0, passage, margins, "amax")
    return torch.where(of_passage.isfinite(), of_passage, 0.0)


def stretch_margins(
    start: Tensor,
    end: Tensor,
    null: Tensor | None,
    windows: WindowTable,
    stretches: Tensor,
    n_stretches: int,
    *,
    max_answer_length: int,
) -> Tensor:
    """How far all spans of a stretch of text together are ahead of the no-answer score, in logits.

    ``margin = logsumexp(start + end of each span within the stretch) - no-answer score``. A stretch
    that lies in several windows has the margin of the best one.

    Args:
        start: Start logits of the rows of all windows, packed. Shape ``(n_rows,)``.
        end: End logits of the same rows. Shape ``(n_rows,)``.
        null: Start and end logit of each window's [CLS] row; None takes the no-answer score for 0.
            Shape ``(n_windows, 2)``.
        windows: Table of the windows, in the order of the rows.
        stretches: Number of the stretch of each row; -1 for rows of none. The rows of a stretch lie
            together in a window. Shape ``(n_rows,)``, int64.
        n_stretches: Number of stretches.
        max_answer_length: Longest span in tokens.

    Returns:
        Shape ``(n_stretches,)``, float32; -inf for a stretch without rows.
    """
    stretches = stretches.to(start.device)
    is_inside = stretches >= 0
    changes = torch.ones_like(is_inside)
    changes[1:] = stretches[1:] != stretches[:-1]
    ends = _ends_in_reach(end, is_inside, max_answer_length, changes)
    begins = changes & is_inside  # a stretch in two windows begins in each
    run = begins.cumsum(0)[is_inside] - 1
    mass = (start.float() + ends.logsumexp(1))[is_inside]
    margins = grouped_logsumexp(mass, run, int(begins.sum()))
    if null is not None:
        counts = torch.tensor(windows.lengths, device=start.device)
        window = torch.arange(len(counts), device=start.device).repeat_interleave(counts)
        margins = margins - null.float().sum(1)[window[begins]]
    best = torch.full((n_stretches,), -torch.inf, device=start.device)
    return best.scatter_reduce(0, stretches[begins], margins, "amax")


@dataclass(frozen=True, slots=True)
class _Ranking:
    """The best span from each row where an allowed span begins, best first."""

    order: Tensor
    """First rows of the spans. Shape ``(n_starts,)``, int64."""
    last_row: Tensor
    """Last rows of the spans, inclusive. Shape ``(n_starts,)``, int64."""
    logits: Tensor
    """Start plus end logit plus the passage's score. Shape ``(n_starts,)``, float32."""
    log_total: Tensor
    """Log of the summed exponentials of the logits of all spans. A scalar."""


def _rank(
    start: Tensor,
    end: Tensor,
    windows: WindowTable,
    max_answer_length: int,
    passage_scores: Sequence[float] | None,
    is_meaningful: Tensor | None,
    breaks: Tensor | None = None,
) -> _Ranking:
    """Rank the rows where an allowed span begins by the best one."""
    is_text = windows.is_text().to(start.device)
    if passage_scores is not None:
        of_window = torch.tensor([passage_scores[p] for p in windows.passage])
        start = start + of_window.repeat_interleave(torch.tensor(windows.lengths)).to(start.device)
    start = start.float().masked_fill(~is_text, -torch.inf)
    ends = _ends_in_reach(end, is_text, max_answer_length, breaks)
    log_total = (start + ends.logsumexp(1)).logsumexp(0)
    best_end, last_row = _best_ends(ends, is_text, is_meaningful)
    logits = start + best_end
    order = torch.argsort(logits, descending=True, stable=True)[: int((logits > -torch.inf).sum())]
    return _Ranking(order, last_row[order], logits[order], log_total)


def _select(
    ranking: _Ranking, windows: WindowTable, n_best: int, *, of_each_passage: bool
) -> list[Span]:
    """Take spans from the best one down, leaving out those that overlap one already taken."""
    passage = torch.tensor(windows.passage, dtype=torch.int64)
    shift = torch.tensor(_shifts(windows), dtype=torch.int64)
    order = ranking.order.cpu()
    window = torch.arange(len(shift)).repeat_interleave(
        torch.tensor(windows.lengths, dtype=torch.int64)
    )[order]
    passages, shifts = passage[window], shift[window]
    firsts, lasts = order + shifts, ranking.last_row.cpu() + shifts
    rank = torch.argsort(passages, stable=True).numpy()
    passage_of, first, last = (column.numpy()[rank] for column in (passages, firsts, lasts))
    chosen = [rank[:0]]
    while len(rank) and len(chosen) <= n_best:
        # The best span that is left of each passage, and those that do not overlap it.
        begins = np.flatnonzero(np.diff(passage_of, prepend=-1))
        counts = np.diff(begins, append=len(rank))
        chosen.append(rank[begins])
        apart = last < np.repeat(first[begins], counts)
        apart |= first > np.repeat(last[begins], counts)
        rank, passage_of, first, last = rank[apart], passage_of[apart], first[apart], last[apart]
    ranks = torch.from_numpy(np.sort(np.concatenate(chosen)))
    if not of_each_passage:
        ranks = ranks[:n_best]
    logits = ranking.logits.cpu()[ranks]
    probabilities = (logits - ranking.log_total.cpu()).exp()
    columns = (passages[ranks], firsts[ranks], lasts[ranks], logits, probabilities)
    return [Span(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _shifts(windows: WindowTable) -> list[int]:
    """The number of the first token of each window's text, less the row where it lies."""
    offsets = cumulative(windows.lengths)[:-1].tolist()
    return [
        first - prefix - offset
        for first, prefix, offset in zip(
            windows.first_token, windows.n_prefix, offsets, strict=True
        )
    ]
