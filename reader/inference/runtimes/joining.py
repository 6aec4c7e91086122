"""Dividing pairs into batches of similar length, and joining their rows, by index arithmetic alone.

Within a batch every pair is one segment: the question's rows first, or the passage's::

    [q q p p p | q q p p p p | q q q p p p p]
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...packing import Packed, cumulative, positions_of

ROWS_AT_ONCE = {"cpu": 2_048, "cuda": 65_536}
"""Most rows of a batch by type of device. On a CPU the widest tensor of a batch should fit the
cache; a GPU needs large batches to be busy."""


@dataclass(frozen=True, slots=True)
class JoinedBatch:
    """The rows of some pairs: where they come from, and where their logits go."""

    lengths: tuple[int, ...]
    """Number of rows of each pair."""
    first_lengths: tuple[int, ...]
    """Number of rows of the first segment of each pair: the question, or the passage."""
    read_lengths: tuple[int, ...]
    """Number of rows of each pair whose logits are needed: the passage rows and the [CLS] row.
    [CLS] is the first row of the pair, or the last if the passage comes first."""
    source: Tensor
    """Source of each row: its number among the rows of questions and passages laid end to end.
    Shape ``(n_rows,)``, int64."""
    read_rows: Tensor
    """Numbers of the rows whose logits are needed, ascending. Shape ``(n_read_rows,)``, int64."""
    target: Tensor
    """Place of each of these logits in the output, which holds the passage rows of all pairs and
    then one [CLS] row for each pair. Shape ``(n_read_rows,)``, int64."""

    def filled_up(self, multiple: int) -> "JoinedBatch":
        """Add one pair of unused rows, so that the numbers of rows and of read rows are multiples.

        Args:
            multiple: The numbers are rounded up to a multiple of this number.

        Returns:
            The batch with another pair. ``target`` is unchanged: it covers the real rows only.
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
    """Divide pairs into batches, shortest pairs first.

    Args:
        questions: Token ids or states of the questions; only the lengths are used.
        passages: Token ids or states of the windows; only the lengths are used.
        pairs: Segment numbers of a question and a window, for each pair.
        rows_at_once: Most rows of a batch. A longer pair is a batch by itself.
        passage_first: Whether the passage comes before the question.

    Yields:
        The batches.
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
    """Divide the order into runs of at most ``rows_at_once`` rows."""
    ends = cumulative(lengths).tolist()
    first = 0
    for number in range(1, len(lengths) + 1):
        is_last = number == len(lengths)
        if is_last or ends[number + 1] - ends[first] > rows_at_once:
            yield order[first:number]
            first = number
