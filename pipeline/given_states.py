"""What an index knows of passages that somebody else found, and their states, stored or not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from ..data import Passage, PrereadError
from ..indexer import PassageIndex
from ..reader import Packed, Window, WindowTable
from .qa import OpenDomainQA

_ROWS_AT_ONCE = 4096
"""Tokens that go through the lower layers at a time; memory grows with them."""


class UnknownPassageError(PrereadError):
    """A passage was given by an identifier that the index does not have.

    Attributes:
        place: Which of the given passages, from 0.
    """

    def __init__(self, passage_id: str, place: int) -> None:
        """Say which."""
        self.place = place
        super().__init__(
            f"passages[{place}]: expected an identifier of the index or a text, found the unknown "
            f"identifier {passage_id!r}. Send its text too."
        )


@dataclass(frozen=True, slots=True)
class GivenPassage:
    """A passage to be read. It has an identifier, a text, or both."""

    passage_id: str | None = None
    text: str | None = None
    """What is read where it is given; the identifier is then a label."""
    title: str | None = None
    """Goes with the text. None: any title that the index knows the text by."""
    score: float = 0.0
    """Of whoever found it; weighs in as BM25's does in `OpenDomainQA.answer`."""


@dataclass(frozen=True, slots=True)
class KnownPassage:
    """A given passage, and where its states are stored, if they are."""

    passage: Passage
    ordinal: int | None


def find_given(
    index: PassageIndex, given: Sequence[Sequence[GivenPassage]]
) -> list[list[KnownPassage]]:
    """What the index knows of the given passages.

    Raises:
        UnknownPassageError: If a passage has no text, and the index not its identifier.
    """
    return [
        [_find(index, passage, place) for place, passage in enumerate(passages)]
        for passages in given
    ]


def _find(index: PassageIndex, given: GivenPassage, place: int) -> KnownPassage:
    if given.text is None:
        ordinals = index.find(given.passage_id) if given.passage_id is not None else []
        if not ordinals:
            raise UnknownPassageError(given.passage_id or "", place)
        return KnownPassage(index.passage(ordinals[0]), ordinals[0])
    for ordinal in index.find_text(given.text):
        known = index.passage(ordinal)
        # The title is part of what was read: under another one the states would not be these.
        if given.title in (None, known.title):
            label = given.passage_id or known.passage_id
            return KnownPassage(Passage(label, known.text, known.title), ordinal)
    return KnownPassage(Passage(given.passage_id or "", given.text, given.title or ""), None)


@dataclass(frozen=True, slots=True)
class GivenStates:
    """States of given passages; those that were stored first."""

    states: Packed
    windows: WindowTable

    @classmethod
    def of(cls, qa: OpenDomainQA, found: Sequence[KnownPassage]) -> "GivenStates":
        """Fetch what is stored, compute the rest."""
        stored = [(n, p.ordinal) for n, p in enumerate(found) if p.ordinal is not None]
        fresh = [n for n, p in enumerate(found) if p.ordinal is None]
        fetched = qa.index.fetch([ordinal for _, ordinal in stored])
        parts, tables = [], []
        if stored:
            parts.append(fetched.decode(qa.codec, qa.reader.device))
            tables.append(_renumbered(fetched.windows, [number for number, _ in stored]))
        if fresh:
            passages = [found[number].passage for number in fresh]
            windows = qa.reader.encoder.encode_passages(
                [p.text for p in passages], [p.title for p in passages]
            )
            flat = [(w, n) for n, some in zip(fresh, windows, strict=True) for w in some]
            parts += _states_of(qa, [window for window, _ in flat])
            tables.append(
                WindowTable(
                    tuple(len(w.token_ids) for w, _ in flat),
                    tuple(w.n_prefix for w, _ in flat),
                    tuple(w.first_token for w, _ in flat),
                    tuple(number for _, number in flat),
                )
            )
        if not parts:
            return cls(Packed(torch.empty(0, qa.reader.config.hidden_size), ()), fetched.windows)
        lengths = tuple(length for part in parts for length in part.lengths)
        windows_of_all = WindowTable((), (), (), ())
        for table in tables:
            windows_of_all = windows_of_all.followed_by(table, 0)
        return cls(Packed(torch.cat([part.rows for part in parts]), lengths), windows_of_all)


def _states_of(qa: OpenDomainQA, windows: Sequence[Window]) -> Iterable[Packed]:
    """Lower states of windows, some at a time, as the index would give them back.

    That is what the upper layers know, and a text has the same answers whether it is stored or not.
    """
    batch: list[Window] = []
    n_rows = 0
    for window in windows:
        if batch and n_rows + len(window.token_ids) > _ROWS_AT_ONCE:
            yield _through_codec(qa, batch)
            batch, n_rows = [], 0
        batch.append(window)
        n_rows += len(window.token_ids)
    if batch:
        yield _through_codec(qa, batch)


@torch.inference_mode()
def _through_codec(qa: OpenDomainQA, windows: Sequence[Window]) -> Packed:
    states = qa.reader.window_states(windows)
    token_ids = Packed.from_lists([w.token_ids for w in windows]).to(qa.reader.device)
    return qa.codec.decode(qa.codec.encode(states, token_ids), token_ids)


def _renumbered(windows: WindowTable, numbers: Sequence[int]) -> WindowTable:
    """The same windows, of passages with other numbers."""
    passages = tuple(numbers[passage] for passage in windows.passage)
    return WindowTable(windows.lengths, windows.n_prefix, windows.first_token, passages)
