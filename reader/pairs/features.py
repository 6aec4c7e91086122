"""Pairs of texts as token ids: one example a feature, whatever the task."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch

from ...data import ChoiceExample, PairExample, PrereadError
from ..packing import Packed
from ..text.windows import TextEncoder

Example: TypeAlias = PairExample | ChoiceExample


@dataclass(frozen=True, slots=True)
class PairFeature:
    """First texts, each read with the one second text."""

    firsts: tuple[tuple[int, ...], ...]
    """Token ids of the first text; of a choice, of the question with each of the choices."""
    second: tuple[int, ...]
    """Token ids of the second text."""
    gold: int
    """Number of the label, or of the right choice."""

    def cost(self) -> int:
        """Rows the upper layers see."""
        return sum(len(first) + len(self.second) for first in self.firsts)

    def longest(self) -> int:
        """Rows of its longest pair."""
        return max(map(len, self.firsts)) + len(self.second)


class PairEncoder:
    """Lays examples out, and counts those that lose words.

    Attributes:
        cut: How many first and how many second texts were longer than the reader takes.
    """

    def __init__(self, encoder: TextEncoder, labels: Sequence[str] = ()) -> None:
        """Lay text out with ``encoder``; ``labels`` are a classifier's, in their order."""
        self._encoder = encoder
        self._labels = {label: number for number, label in enumerate(labels)}
        self.cut: Counter[str] = Counter()

    def encode(self, examples: Sequence[Example]) -> list[PairFeature]:
        """One feature for each example.

        A first text is cut to ``max_question_length`` and a second to ``window_length``; what is
        beyond them is not read, as in the paper.

        Raises:
            PrereadError: If an example's label is none of the reader's.
        """
        seconds = self._seconds([second_text(example) for example in examples])
        firsts = [_firsts(example) for example in examples]
        ids = iter(self._firsts([text for texts in firsts for text in texts]))
        return [
            PairFeature(tuple(next(ids) for _ in texts), second, self._gold(example))
            for example, texts, second in zip(examples, firsts, seconds, strict=True)
        ]

    def _firsts(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        self.cut["first"] += self._encoder.count_cut_questions(texts)
        return [tuple(ids) for ids in self._encoder.encode_questions(texts)]

    def _seconds(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        windows = self._encoder.encode_passages(texts)
        self.cut["second"] += sum(len(of_text) > 1 for of_text in windows)
        return [of_text[0].token_ids for of_text in windows]

    def _gold(self, example: Example) -> int:
        if isinstance(example, ChoiceExample):
            return example.label
        if example.label not in self._labels:
            raise PrereadError(
                f"pair {example.example_id!r}: expected one of the reader's labels "
                f"({', '.join(self._labels)}), found {example.label!r}. Name a reader or a data "
                "set of the same task."
            )
        return self._labels[example.label]


@dataclass(frozen=True, slots=True)
class PairInputs:
    """What a model of pair tasks is given."""

    firsts: Packed
    seconds: Packed
    pairs: list[tuple[int, int]]

    def to(self, device: torch.device | str) -> "PairInputs":
        """The same on a device."""
        return PairInputs(self.firsts.to(device), self.seconds.to(device), self.pairs)


def pack_pairs(features: Sequence[PairFeature]) -> PairInputs:
    """Pack features, pairs in their order; equal texts go through the lower layers once."""
    firsts: dict[tuple[int, ...], int] = {}
    seconds: dict[tuple[int, ...], int] = {}
    pairs = [
        (firsts.setdefault(first, len(firsts)), seconds.setdefault(feature.second, len(seconds)))
        for feature in features
        for first in feature.firsts
    ]
    return PairInputs(Packed.from_lists([*firsts]), Packed.from_lists([*seconds]), pairs)


def _firsts(example: Example) -> tuple[str, ...]:
    return example.asked if isinstance(example, ChoiceExample) else (example.first,)


def second_text(example: Example) -> str:
    """An example's second text."""
    return example.passage if isinstance(example, ChoiceExample) else example.second
