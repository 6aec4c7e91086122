"""Decoding: from the logits of all passages to answer spans, with no loop over passages."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .packing import cumulative


@dataclass(frozen=True, slots=True)
class WindowTable:
    """What decoding must know of each window that is read, in the order of the logits."""

    lengths: tuple[int, ...]
    """Rows of the window."""
    n_prefix: tuple[int, ...]
    """Rows before its text (title and [SEP])."""
    first_token: tuple[int, ...]
    """Which token of the passage's text its text begins with."""
    passage: tuple[int, ...]
    """Which of the passages that are read it belongs to."""

    def is_text(self) -> Tensor:
        """True for rows where answers may begin and end. Shape ``(n_rows,)``, bool, on CPU."""
        counts = torch.tensor(self.lengths, dtype=torch.int64)
        offsets = cumulative(self.lengths)
        row = torch.arange(int(offsets[-1]))
        first = torch.repeat_interleave(offsets[:-1] + torch.tensor(self.n_prefix), counts)
        last = torch.repeat_interleave(offsets[1:] - 1, counts)  # the closing [SEP]
        return (row >= first) & (row < last)


@dataclass(frozen=True, slots=True)
class Span:
    """An answer, in tokens."""

    passage: int
    """Which of the passages that were read."""
    first_token: int
    """First token, counted in the passage's text."""
    last_token: int
    """Last token, inclusive."""
    logit: float
    """Start logit plus end logit, plus the passage's score if there is one."""
    probability: float
    """Softmax over all texts that were read, start and end apart, multiplied."""

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share a token."""
        return (
            self.passage == other.passage
            and self.first_token <= other.last_token
            and other.first_token <= self.last_token
        )


def best_ends(end: Tensor, is_text: Tensor, max_answer_length: int) -> tuple[Tensor, Tensor]:
    """For every row, the best end of a span that begins there.

    Windows need no care of their own: between the texts of two windows lies at least one row that
    is no text, and a span may not cross it.

    Args:
        end: End logits. Shape ``(n_rows,)``.
        is_text: Where answers may begin and end. Shape ``(n_rows,)``, bool.
        max_answer_length: Longest span, in rows.

    Returns:
        Logit of the best end (-inf where ``is_text`` is False) and its row. Shape ``(n_rows,)``
        each.
    """
    n_rows = end.shape[0]
    blocked = torch.nn.functional.pad(~is_text, (0, max_answer_length), value=True)
    logits = torch.nn.functional.pad(end.float(), (0, max_answer_length))
    reach = blocked.unfold(0, max_answer_length, 1)[:n_rows].cumsum(1) == 0
    candidates = logits.unfold(0, max_answer_length, 1)[:n_rows].masked_fill(~reach, -torch.inf)
    best, step = candidates.max(dim=1)
    return best, torch.arange(n_rows, device=end.device) + step


def decode_spans(
    start: Tensor,
    end: Tensor,
    windows: WindowTable,
    *,
    max_answer_length: int,
    n_best: int,
    passage_scores: Sequence[float] | None = None,
) -> list[Span]:
    """The best spans of all passages, none overlapping a better one.

    Args:
        start: Start logits of all windows' rows, packed. Shape ``(n_rows,)``.
        end: End logits, likewise.
        windows: The windows, in the same order.
        max_answer_length: Longest span in tokens.
        n_best: How many spans at most.
        passage_scores: What each passage brings along, in logits: a prior from retrieval. It is
            added to every span of the passage.

    Returns:
        Spans, best first; fewer than ``n_best`` where the texts hold fewer, none where all are
        empty.

    Source: Cao et al. 2020, upstream ``tasks/qa.py``: span scores over the passage only, bounded
        length;
    there one window at a time, here all of them under one normalisation.
    """
    is_text = windows.is_text().to(start.device)
    if not bool(is_text.any()):
        return []
    if passage_scores is not None:
        of_window = torch.tensor([passage_scores[p] for p in windows.passage])
        start = start + of_window.repeat_interleave(torch.tensor(windows.lengths)).to(start.device)
    start = start.float().masked_fill(~is_text, -torch.inf)
    end = end.float().masked_fill(~is_text, -torch.inf)
    best_end, last_row = best_ends(end, is_text, max_answer_length)
    logit = start + best_end
    normaliser = float(start.logsumexp(0) + end.logsumexp(0))
    order = torch.argsort(logit, descending=True, stable=True)[: int(is_text.sum())]
    return _select(order, last_row, logit, normaliser, windows, n_best)


def _select(
    order: Tensor,
    last_row: Tensor,
    logit: Tensor,
    normaliser: float,
    windows: WindowTable,
    n_best: int,
) -> list[Span]:
    """Walk down the ranking, leaving out what overlaps a better span."""
    offsets = cumulative(windows.lengths)
    first_rows = order.cpu()
    window_of = torch.searchsorted(offsets, first_rows, right=True) - 1
    chosen: list[Span] = []
    for row, window in zip(first_rows.tolist(), window_of.tolist(), strict=True):
        shift = windows.first_token[window] - windows.n_prefix[window] - int(offsets[window])
        score = float(logit[row])
        span = Span(
            passage=windows.passage[window],
            first_token=row + shift,
            last_token=int(last_row[row]) + shift,
            logit=score,
            probability=float(torch.exp(torch.tensor(score - normaliser, dtype=torch.float64))),
        )
        if not any(span.overlaps(better) for better in chosen):
            chosen.append(span)
        if len(chosen) == n_best:
            break
    return chosen


def window_table(windows: Sequence[tuple[int, int, int, int]]) -> WindowTable:
    """Make a table of rows ``(length, n_prefix, first_token, passage)``."""
    columns = zip(*windows, strict=True) if windows else ((), (), (), ())
    lengths, n_prefix, first_token, passage = columns
    return WindowTable(tuple(lengths), tuple(n_prefix), tuple(first_token), tuple(passage))
