"""Where windows begin and end among packed rows, and where in their passages they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..packing import cumulative


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

    def of_passages(self, passages: Sequence[int]) -> tuple[list[int], "WindowTable"]:
        """The windows of some passages, as if no others were read.

        Args:
            passages: Which; their places in it become their numbers. One that comes twice has its
                windows twice.

        Returns:
            The windows' numbers here, and their own table.
        """
        windows: dict[int, list[int]] = {}
        for window, passage in enumerate(self.passage):
            windows.setdefault(passage, []).append(window)
        known = [(n, w) for n, passage in enumerate(passages) for w in windows.get(passage, ())]
        chosen = [w for _, w in known]
        return chosen, WindowTable(
            lengths=tuple(self.lengths[w] for w in chosen),
            n_prefix=tuple(self.n_prefix[w] for w in chosen),
            first_token=tuple(self.first_token[w] for w in chosen),
            passage=tuple(number for number, _ in known),
        )

    def followed_by(self, other: "WindowTable", n_passages: int) -> "WindowTable":
        """Both, another table's passages counted on after ``n_passages`` of this one."""
        return WindowTable(
            self.lengths + other.lengths,
            self.n_prefix + other.n_prefix,
            self.first_token + other.first_token,
            self.passage + tuple(n_passages + passage for passage in other.passage),
        )

    def rows_of(self, tokens: Mapping[int, Sequence[int]]) -> Tensor:
        """The rows of some tokens, in all windows that hold them.

        Args:
            tokens: For each passage, by its number, tokens of its text.

        Returns:
            True for their rows. Shape ``(n_rows,)``, bool, on CPU.
        """
        found = torch.zeros(sum(self.lengths), dtype=torch.bool)
        offsets = cumulative(self.lengths).tolist()
        for window, passage in enumerate(self.passage):
            n_tokens = self.lengths[window] - self.n_prefix[window] - 1
            first_row = offsets[window] + self.n_prefix[window]
            for token in tokens.get(passage, ()):
                place = token - self.first_token[window]
                if 0 <= place < n_tokens:
                    found[first_row + place] = True
        return found

    def is_text(self) -> Tensor:
        """True for rows where answers may begin and end. Shape ``(n_rows,)``, bool, on CPU."""
        counts = torch.tensor(self.lengths, dtype=torch.int64)
        offsets = cumulative(self.lengths)
        row = torch.arange(int(offsets[-1]))
        first = torch.repeat_interleave(offsets[:-1] + torch.tensor(self.n_prefix), counts)
        last = torch.repeat_interleave(offsets[1:] - 1, counts)  # the closing [SEP]
        return (row >= first) & (row < last)


def window_table(windows: Sequence[tuple[int, int, int, int]]) -> WindowTable:
    """Make a table of rows ``(length, n_prefix, first_token, passage)``."""
    columns = zip(*windows, strict=True) if windows else ((), (), (), ())
    lengths, n_prefix, first_token, passage = columns
    return WindowTable(tuple(lengths), tuple(n_prefix), tuple(first_token), tuple(passage))
