"""Lengths of the two segments in the paper's tasks, and the layout of a batch.

The authors' code pads both segments to the slots of the task; this package pads nothing::

    padded  [q q q . . | p p p p p . . .]     one question slot and one passage slot for every pair
            [q q q . . | p p p . . . . .]
    packed  [q q q] [p p p p p] [p p p]       one question, unpadded, for every passage
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch

from ...data import PrereadError
from ..config import Stored
from ..packing import Packed


class Arrangement(StrEnum):
    """How pairs are laid out."""

    PADDED = "padded"
    """As in the authors' code: every pair fills both slots."""
    PACKED = "packed"
    """As in this package: no padding, and one question for all passages of the batch."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Lengths of the two segments of a task.

    Source: tasks/__init__.py of https://github.com/StonyBrookNLP/deformer at e561102 for the slots,
    its README for the stored segment; ``benchmarks/task_lengths.py`` of commit 9392f47 for the
    means.
    """

    name: str
    total_tokens: int
    """Tokens of both slots together."""
    question_slot: int
    """Tokens of the first segment's slot, [CLS] and [SEP] included."""
    stored: Stored = Stored.SECOND
    mean_question: int | None = None
    """Mean length on a development set, in tokens, after cutting to the slot; None if it is not
    known."""
    mean_passage: int | None = None
    """Mean length of the second segment, in tokens; None if it is not known."""

    @property
    def passage_slot(self) -> int:
        """Tokens of the second segment's slot, [SEP] included."""
        return self.total_tokens - self.question_slot


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("squad", 320, 27, mean_question=15, mean_passage=158),
        Layout("race", 512, 32),
        Layout("boolq", 320, 17, mean_question=11, mean_passage=119),
        Layout("mnli", 120, 87, Stored.FIRST, mean_question=26, mean_passage=13),
        Layout("qqp", 100, 42, mean_question=16, mean_passage=15),
    )
}
"""Layouts by name. A question of RACE has four choices, each of which is a pair; costs are for one
pair."""


def find_layouts(names: Sequence[str]) -> tuple[Layout, ...]:
    """Find layouts by name.

    Args:
        names: Keys of `LAYOUTS`, or ``all`` for every one.

    Raises:
        PrereadError: If a name is unknown.
    """
    found: dict[str, Layout] = {}
    for name in names:
        if name != "all" and name not in LAYOUTS:
            raise PrereadError(
                f"layout: expected all or one of {', '.join(LAYOUTS)}, found {name!r}."
            )
        found |= LAYOUTS if name == "all" else {name: LAYOUTS[name]}
    return tuple(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Pairs that are read in one batch."""

    layout: Layout
    arrangement: Arrangement
    stored: Stored
    batch: int
    """Number of pairs."""
    question_tokens: int
    """Number of rows of each first segment."""
    passage_tokens: int
    """Number of rows of each second segment."""

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Segment numbers of a question and a passage, for each pair that is read."""
        is_padded = self.arrangement is Arrangement.PADDED
        return [(number if is_padded else 0, number) for number in range(self.batch)]

    def inputs(self, device: torch.device) -> tuple[Packed, Packed]:
        """Token ids of questions and passages, all of them 0.

        Args:
            device: Device of the ids.
        """
        n_questions = self.batch if self.arrangement is Arrangement.PADDED else 1
        return (
            _same_tokens(n_questions, self.question_tokens, device),
            _same_tokens(self.batch, self.passage_tokens, device),
        )


def _same_tokens(n_segments: int, n_tokens: int, device: torch.device) -> Packed:
    ids = torch.zeros(n_segments * n_tokens, dtype=torch.int64, device=device)
    return Packed(ids, (n_tokens,) * n_segments)
