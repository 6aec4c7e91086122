"""Batches of about equal work, in an order fixed by a seed."""

import random
from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import Dataset

from ..packing import Packed, positions_of
from .features import Feature

Batch = dict[str, Any]


def make_batches(features: Sequence[Feature], max_rows: int, seed: int) -> list[list[int]]:
    """Shuffle features and cut them into batches of at most ``max_rows`` rows in the upper layers.

    Args:
        features: What is trained on.
        max_rows: Rows of a batch; a feature larger than that makes a batch of its own.
        seed: Same seed, same batches.

    Returns:
        For each batch the numbers of its features.
    """
    order = list(range(len(features)))
    random.Random(seed).shuffle(order)
    batches: list[list[int]] = []
    rows = max_rows
    for number in order:
        cost = features[number].cost()
        if rows + cost > max_rows:
            batches.append([])
            rows = 0
        batches[-1].append(number)
        rows += cost
    return batches


def collate(features: Sequence[Feature]) -> Batch:
    """Pack features into the arguments of ``DeformerForQuestionAnswering.forward``."""
    questions = [span.question_ids for f in features for span in f.spans]
    met = [p for p, f in enumerate(features) for _ in f.spans]
    spans = [span for f in features for span in f.spans]
    windows = [features[p].window for p in met]
    positions = positions_of([len(w.token_ids) for w in windows])
    counts = torch.tensor([len(w.token_ids) for w in windows])
    first = torch.repeat_interleave(torch.tensor([w.n_prefix for w in windows]), counts)
    end = torch.repeat_interleave(counts - 1, counts)
    return {
        "questions": Packed.from_lists(questions),
        "passages": Packed.from_lists([f.window.token_ids for f in features]),
        "pairs": list(enumerate(met)),
        "is_text": (positions >= first) & (positions < end),
        "starts": torch.tensor([s.start for s in spans]),
        "ends": torch.tensor([s.end for s in spans]),
    }


class BatchDataset(Dataset[Batch]):
    """Whole batches as items of a data set: their make-up is ours, not a sampler's."""

    def __init__(self, features: Sequence[Feature], batches: Sequence[Sequence[int]]) -> None:
        """Keep features and the batches made of them."""
        self.features = features
        self.batches = batches

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.batches)

    def __getitem__(self, number: int) -> Batch:
        """One batch, packed."""
        return collate([self.features[i] for i in self.batches[number]])
