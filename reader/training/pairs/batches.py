"""Batches of pairs, and the targets of their logits.

A classifier's labels and a question's choices are *options* alike: an example's logits are its
options' under one softmax, laid end to end::

    classifier  [e n c] [e n c]         choice  [A B C D] [A B C D]
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...packing import Movable, cumulative
from ...pairs.features import PairFeature, PairInputs, pack_pairs


@dataclass(frozen=True, slots=True)
class PairBatch(Movable):
    """The inputs of a pair model, and the targets of its logits."""

    inputs: PairInputs
    example: Tensor
    """Number of each option's example. Shape ``(n_options,)``, int64."""
    gold: Tensor
    """Number of each example's gold option, all options counted through. Shape ``(n_examples,)``,
    int64."""

    @property
    def n_examples(self) -> int:
        """Number of examples in the batch."""
        return self.gold.shape[0]


def collate_pairs(features: Sequence[PairFeature], n_labels: int) -> PairBatch:
    """Pack features.

    Args:
        features: Features of one task.
        n_labels: Number of a classifier's labels; 0 where the first texts are the options.
    """
    counts = [n_labels or len(feature.firsts) for feature in features]
    gold = torch.tensor([feature.gold for feature in features])
    return PairBatch(
        pack_pairs(features),
        torch.arange(len(features)).repeat_interleave(torch.tensor(counts)),
        cumulative(counts)[:-1] + gold,
    )
