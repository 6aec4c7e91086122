"""Where windows lie among packed rows, and in their passages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..packing import cumulative

if TYPE_CHECKING:
    from ..text.windows import Window  # an index makes tables without transformers


@dataclass(frozen=True, slots=True)
class WindowTable:
    """What decoding needs to know of each window, in the order of the logits."""

    lengths: tuple[int, ...]
    """Number of rows of each window."""
    n_prefix: tuple[int, ...]
    """Number of rows before the text of each window: its title and separators."""
    first_token: tuple[int, ...]
    """Position in the passage's text of the first text token of each window, in tokens from 0."""
    passage: tuple[int, ...]
    """Number of the passage of each window."""
    token_ids: tuple[Tensor, ...] = field(default=(), compare=False)
    """Token ids of each window's rows, int64, on CPU; empty if they are not known. Without them,
    spans of punctuation alone cannot be told from others."""

    def __post_init__(self) -> None:
        """Check that token ids are known for all windows or for none."""
        if self.token_ids and len(self.token_ids) != len(self.lengths):
            raise ValueError(
                f"window table: expected the token ids of all {len(self.lengths)} windows or of "
                f"none, found those of {len(self.token_ids)}"
            )

    def of_passages(self, passages: Sequence[int]) -> tuple[list[int], "WindowTable"]:
        """Select the windows of some passages.

        Args:
            passages: Numbers of passages. The first becomes passage 0 of the new table, the next
                passage 1, and so on. A passage that occurs twice has its windows twice.

        Returns:
            The numbers of the selected windows in this table, and the new table.
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
            token_ids=tuple(self.token_ids[w] for w in chosen) if self.token_ids else (),
        )

    def followed_by(self, other: "WindowTable", n_passages: int) -> "WindowTable":
        """Append another table, whose passages are renumbered.

        Args:
            other: The table to append.
            n_passages: Added to the passage numbers of ``other``: the number of passages of this
                table.
        """
        return WindowTable(
            self.lengths + other.lengths,
            self.n_prefix + other.n_prefix,
            self.first_token + other.first_token,
            self.passage + tuple(n_passages + passage for passage in other.passage),
            self.token_ids + other.token_ids,
        )

    def text_token_ids(self) -> dict[int, list[int]]:
        """Put the windows of each passage together again.

        Returns:
            Token ids of the text of each passage, by its number. Passages are left out whose token
            ids are not known, or whose windows leave a gap.
        """
        found: dict[int, list[int]] = {}
        broken: set[int] = set()
        for token_ids, prefix, first, passage in zip(
            self.token_ids, self.n_prefix, self.first_token, self.passage, strict=False
        ):
            ids = found.setdefault(passage, [])
            if not 0 <= first <= len(ids):
                broken.add(passage)
            ids += token_ids[prefix + len(ids) - first : -1].tolist()
        return {passage: ids for passage, ids in found.items() if passage not in broken}

    def rows_of(self, tokens: Mapping[int, Sequence[int]]) -> Tensor:
        """Find the rows of some tokens, in all windows that contain them.

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

    def numbers_of_rows(self, numbers: Mapping[int, Sequence[int]]) -> Tensor:
        """Give each row the number of its token.

        Args:
            numbers: For each passage, by its number, a number for each token of its text.

        Returns:
            The numbers; -1 for rows that are not text. Shape ``(n_rows,)``, int64, on CPU.
        """
        found = torch.full((sum(self.lengths),), -1, dtype=torch.int64)
        offsets = cumulative(self.lengths).tolist()
        for window, passage in enumerate(self.passage):
            n_tokens = self.lengths[window] - self.n_prefix[window] - 1
            first_row, first = offsets[window] + self.n_prefix[window], self.first_token[window]
            of_window = torch.tensor(numbers[passage][first : first + n_tokens], dtype=torch.int64)
            found[first_row : first_row + n_tokens] = of_window
        return found

    def is_text(self) -> Tensor:
        """Rows where answers may begin and end: the text of the windows.

        Returns:
            True for text, False for title and separators. Shape ``(n_rows,)``, bool, on CPU.
        """
        counts = torch.tensor(self.lengths, dtype=torch.int64)
        offsets = cumulative(self.lengths)
        row = torch.arange(int(offsets[-1]))
        first = torch.repeat_interleave(offsets[:-1] + torch.tensor(self.n_prefix), counts)
        last = torch.repeat_interleave(offsets[1:] - 1, counts)  # the closing [SEP]
        return (row >= first) & (row < last)


def table_of_passages(passages: Sequence[Sequence["Window"]]) -> WindowTable:
    """Make the table of the windows of some passages, with their token ids.

    Args:
        passages: Windows of each passage.
    """
    numbered = [(window, number) for number, windows in enumerate(passages) for window in windows]
    return WindowTable(
        lengths=tuple(len(window.token_ids) for window, _ in numbered),
        n_prefix=tuple(window.n_prefix for window, _ in numbered),
        first_token=tuple(window.first_token for window, _ in numbered),
        passage=tuple(number for _, number in numbered),
        token_ids=tuple(torch.tensor(window.token_ids) for window, _ in numbered),
    )


def window_table(windows: Sequence[tuple[int, int, int, int]]) -> WindowTable:
    """Make a table without token ids.

    Args:
        windows: For each window, ``(length, n_prefix, first_token, passage)``.
    """
    columns = zip(*windows, strict=True) if windows else ((), (), (), ())
    lengths, n_prefix, first_token, passage = columns
    return WindowTable(tuple(lengths), tuple(n_prefix), tuple(first_token), tuple(passage))
