"""Pairs of texts as token ids: one feature for each example, in every task."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...data import ChoiceExample, PairExample, PrereadError
from ..packing import Movable, Packed
from ..text.windows import TextEncoder

Example: TypeAlias = PairExample | ChoiceExample


@dataclass(frozen=True, slots=True)
class PairFeature:
    """Token ids of one or more first texts, each read with the same second text."""

    firsts: tuple[tuple[int, ...], ...]
    """Token ids of the first text; in multiple choice, of the question with each choice."""
    second: tuple[int, ...]
    """Token ids of the second text."""
    gold: int
    """Number of the right label or choice."""

    def cost(self) -> int:
        """Number of rows that the upper layers process."""
        return sum(len(first) + len(self.second) for first in self.firsts)

    def longest(self) -> int:
        """Number of rows of the longest pair."""
        return max(map(len, self.firsts)) + len(self.second)


class PairEncoder:
    """Converts examples to token ids, and counts those that are cut.

    Attributes:
        cut: Number of texts that were longer than the reader's limit, by ``first`` and ``second``.
    """

    def __init__(self, encoder: TextEncoder, labels: Sequence[str] = ()) -> None:
        """Prepare to encode examples.

        Args:
            encoder: Converts text to token ids.
            labels: Labels of a classifier, in the order of its logits; empty for multiple choice.
        """
        self._encoder = encoder
        self._labels = {label: number for number, label in enumerate(labels)}
        self.cut: Counter[str] = Counter()

    def encode(self, examples: Sequence[Example]) -> list[PairFeature]:
        """Convert examples to features, one for each.

        A first text is cut to ``max_question_length`` and a second text to ``window_length``, as in
        the paper.

        Args:
            examples: Pairs with a label, or questions with choices.

        Raises:
            PrereadError: If the label of an example is not one of the reader's.
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
                f"({', '.join(self._labels)}), found {example.label!r}. Use a reader and a data "
                "set of the same task."
            )
        return self._labels[example.label]


@dataclass(frozen=True, slots=True)
class PairInputs(Movable):
    """Packed input of a model of pairs."""

    firsts: Packed
    """Token ids of the first texts, int64."""
    seconds: Packed
    """Token ids of the second texts, int64."""
    pairs: list[tuple[int, int]]
    """Segment numbers of a first and a second text, for each pair."""


def pack_pairs(features: Sequence[PairFeature]) -> PairInputs:
    """Pack features. Equal texts become one segment, which is run through the lower layers once.

    Args:
        features: Features; their pairs keep this order.
    """
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
    """The second text of an example."""
    return example.passage if isinstance(example, ChoiceExample) else example.second
