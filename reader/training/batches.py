"""Batches of about equal size, in an order that a seed fixes."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..packing import Movable, Packed, cumulative, positions_of
from .features import Feature, Taught

FeatureT = TypeVar("FeatureT")
BatchT = TypeVar("BatchT")


class Costly(Protocol):
    """An item that batches are made of."""

    def cost(self) -> int:
        """Rows that the upper layers compute for it."""

    def longest(self) -> int:
        """Rows of its longest pair."""


@dataclass(frozen=True, slots=True)
class Targets(Movable):
    """The gold spans of a batch, as rows of its logits."""

    is_text: Tensor
    """Whether an answer may begin or end at a row. Shape ``(n_rows,)``, bool."""
    pair: Tensor
    """Number of each row's pair. Shape ``(n_rows,)``, int64."""
    question: Tensor
    """Number of each row's question. Shape ``(n_rows,)``, int64."""
    start: Tensor
    """Row of the gold start of each question that has one. Shape ``(n_gold,)``, int64."""
    end: Tensor
    """Row of the gold end of the same questions, inclusive. Shape ``(n_gold,)``, int64."""
    gold_pair: Tensor
    """Pair that holds the answer to each of them. Shape ``(n_gold,)``, int64."""
    n_pairs: int
    n_questions: int
    taught: Taught | None = None
    """A teacher's stored logits of the first rows and pairs, which are those of questions with an
    answer; None where the recipe names none."""


@dataclass(frozen=True, slots=True)
class Batch(Movable):
    """The inputs of a span model, and the targets of its logits."""

    questions: Packed
    passages: Packed
    pairs: list[tuple[int, int]]
    """Which question is read with which window, as numbers of the two."""
    targets: Targets


def make_batches(
    features: Sequence[Costly], max_rows: int, seed: int, *, sorted_together: int = 1
) -> list[list[int]]:
    """Shuffle features and cut them into batches of at most ``max_rows`` rows in the upper layers.

    Args:
        features: What is trained on.
        max_rows: Largest number of rows in a batch. A larger feature is a batch by itself.
        seed: Decides the order; the same seed gives the same batches.
        sorted_together: Number of batches whose features are sorted by length together, so that
            each batch holds pairs of similar length. The batches are shuffled afterwards. This
            pays on a GPU, where attention is padded to the longest pair.

    Returns:
        For each batch the numbers of its features.
    """
    draw = random.Random(seed)
    order = list(range(len(features)))
    draw.shuffle(order)
    if sorted_together > 1 and features:
        mean_cost = sum(f.cost() for f in features) / len(features)
        chunk = max(1, round(sorted_together * max_rows / mean_cost))
        chunks = [order[i : i + chunk] for i in range(0, len(order), chunk)]
        order = [n for c in chunks for n in sorted(c, key=lambda n: features[n].longest())]
    batches: list[list[int]] = []
    rows = max_rows
    for number in order:
        cost = features[number].cost()
        if rows + cost > max_rows:
            batches.append([])
            rows = 0
        batches[-1].append(number)
        rows += cost
    if sorted_together > 1:
        draw.shuffle(batches)
    return batches


def collate(features: Sequence[Feature]) -> Batch:
    """Pack features. Each question of a feature is paired with each of its windows.

    Features without an answer come last, so that the rows that a teacher labelled are the first.

    Args:
        features: The features of one batch.
    """
    features = sorted(features, key=lambda feature: not feature.has_answer)
    windows = [w for f in features for w in f.windows]
    questions = [q for f in features for q in f.questions]
    with_gold = [q for q in questions if q.window is not None]
    first_window = cumulative([len(f.windows) for f in features]).tolist()
    pairs: list[tuple[int, int]] = []
    gold_pair: list[int] = []
    numbers = count()
    for feature, first in zip(features, first_window[:-1], strict=True):
        for question in feature.questions:
            number = next(numbers)
            if question.window is not None:
                gold_pair.append(len(pairs) + question.window)
            pairs += [(number, first + w) for w in range(len(feature.windows))]
    lengths = [len(windows[w].token_ids) for _, w in pairs]
    counts = torch.tensor(lengths, dtype=torch.int64)
    prefixes = torch.tensor([windows[w].n_prefix for _, w in pairs])
    positions = positions_of(lengths)
    first_row = cumulative(lengths)[torch.tensor(gold_pair, dtype=torch.int64)]
    targets = Targets(
        is_text=(positions >= prefixes.repeat_interleave(counts))
        & (positions < (counts - 1).repeat_interleave(counts)),
        pair=torch.arange(len(pairs)).repeat_interleave(counts),
        question=torch.tensor([q for q, _ in pairs]).repeat_interleave(counts),
        start=first_row + torch.tensor([q.start for q in with_gold], dtype=torch.int64),
        end=first_row + torch.tensor([q.end for q in with_gold], dtype=torch.int64),
        gold_pair=torch.tensor(gold_pair, dtype=torch.int64),
        n_pairs=len(pairs),
        n_questions=len(questions),
        taught=_taught(features),
    )
    return Batch(
        Packed.from_lists([q.token_ids for q in questions]),
        Packed.from_lists([w.token_ids for w in windows]),
        pairs,
        targets,
    )


def _taught(features: Sequence[Feature]) -> Taught | None:
    """The stored logits of all features, joined; None where none are stored."""
    known = [feature.taught for feature in features if feature.taught is not None]
    assert len(known) in (0, len(features))
    return Taught.join(known) if known else None


@dataclass(frozen=True, eq=False)
class BatchDataset(Dataset[BatchT], Generic[FeatureT, BatchT]):
    """A data set whose items are whole batches, so that no sampler composes them."""

    features: Sequence[FeatureT]
    """All features of the run."""
    batches: Sequence[Sequence[int]]
    """For each batch the numbers of its features."""
    collate: Callable[[Sequence[FeatureT]], BatchT]
    """Packs the features of one batch."""

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.batches)

    def __getitem__(self, number: int) -> BatchT:
        """One batch, packed."""
        return self.collate([self.features[i] for i in self.batches[number]])
