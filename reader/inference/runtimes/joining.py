"""Cutting pairs into batches of like length, and laying their rows out, all in index arithmetic.

Within a batch every pair is one segment, the question's rows first, or the passage's::

    [q q p p p | q q p p p p | q q q p p p p]
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...packing import Packed, cumulative, positions_of

ROWS_AT_ONCE = {"cpu": 2_048, "cuda": 65_536}
"""On a CPU a batch's widest tensor is to stay in the cache; a GPU wants to be filled."""


@dataclass(frozen=True, slots=True)
class JoinedBatch:
    """Some pairs, as rows to be gathered and put back."""

    lengths: tuple[int, ...]
    """Rows of each pair."""
    first_lengths: tuple[int, ...]
    """Those of them that come first in the pair: the question's, or the passage's."""
    read_lengths: tuple[int, ...]
    """Those of them whose logits are wanted: the passage's, and the question's [CLS], which is the
    pair's first row, or its last where the passage comes first."""
    source: Tensor
    """Which row of questions and passages, laid end to end, each row is. Int64."""
    read_rows: Tensor
    """Which rows' logits are wanted, in order. Int64."""
    target: Tensor
    """Where they belong: first the passage rows of all pairs, then a row for each pair. Int64."""

    def filled_up(self, multiple: int) -> "JoinedBatch":
        """With a pair more, of rows that nobody reads, so that the number of rows is a multiple.

        So is that of the rows whose logits are wanted; ``target`` has the real ones only.
        """
        n_rows, n_read = (multiple - n % multiple for n in (len(self.source), len(self.read_rows)))
        nothing = self.source.new_zeros(n_rows)
        return JoinedBatch(
            (*self.lengths, n_rows),
            (*self.first_lengths, n_rows),
            (*self.read_lengths, n_read),
            torch.cat([self.source, nothing]),
            torch.cat([self.read_rows, self.read_rows.new_zeros(n_read)]),
            self.target,
        )


def joined_batches(
    questions: Packed,
    passages: Packed,
    pairs: Sequence[tuple[int, int]],
    rows_at_once: int,
    *,
    passage_first: bool = False,
) -> Iterator[JoinedBatch]:
    """Batches of all pairs, shortest first.

    Args:
        questions: Their lengths count.
        passages: Likewise.
        pairs: Which question is read with which passage.
        rows_at_once: Most rows of a batch; a longer pair makes one of its own.
        passage_first: Whether the passage comes before the question.
    """
    of_question = torch.tensor([q for q, _ in pairs], dtype=torch.int64)
    of_passage = torch.tensor([p for _, p in pairs], dtype=torch.int64)
    n_question = torch.tensor(questions.lengths, dtype=torch.int64)[of_question]
    n_passage = torch.tensor(passages.lengths, dtype=torch.int64)[of_passage]
    question_start = questions.offsets()[of_question]
    passage_start = questions.rows.shape[0] + passages.offsets()[of_passage]
    target_start = torch.cumsum(n_passage, 0) - n_passage
    n_passage_rows = int(n_passage.sum())
    total = n_question + n_passage
    n_first = n_passage if passage_first else n_question
    order = torch.argsort(total, stable=True)
    for some in _cut(order, total[order].tolist(), rows_at_once):
        lengths = tuple(total[some].tolist())
        position = positions_of(lengths)
        segment = torch.repeat_interleave(torch.arange(len(lengths)), total[some])
        in_second = position - n_first[some][segment]
        inside, asking = (position, in_second) if passage_first else (in_second, position)
        is_passage = (in_second < 0) == passage_first
        source = torch.where(
            is_passage,
            passage_start[some][segment] + inside,
            question_start[some][segment] + asking,
        )
        cls_at = total[some][segment] - 1 if passage_first else 0
        is_read = is_passage | (position == cls_at)
        target = torch.where(
            is_passage, target_start[some][segment] + inside, n_passage_rows + some[segment]
        )[is_read]
        read_lengths = tuple((1 + n_passage[some]).tolist())
        read_rows = is_read.nonzero().squeeze(1)
        first_lengths = tuple(n_first[some].tolist())
        yield JoinedBatch(lengths, first_lengths, read_lengths, source, read_rows, target)


def _cut(order: Tensor, lengths: Sequence[int], rows_at_once: int) -> Iterator[Tensor]:
    """Runs of the order, of at most so many rows."""
    ends = cumulative(lengths).tolist()
    first = 0
    for number in range(1, len(lengths) + 1):
        is_last = number == len(lengths)
        if is_last or ends[number + 1] - ends[first] > rows_at_once:
            yield order[first:number]
            first = number
