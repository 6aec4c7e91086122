"""The losses of pair tasks, by name."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from typing_extensions import override

from ...pairs.models import PairLogits
from ..losses import distillation_loss, layer_loss, segment_log_softmax
from ..objective import Objective, Teacher
from .batches import PairBatch


@dataclass(frozen=True, slots=True)
class PairObjective(Objective):
    """Cross-entropy of the gold option and, with a teacher, distillation and layer similarity.

    The input of the classifier counts as one more layer.

    Source: Cao et al. 2020, section 3.3; for the classifier's input, the authors' code.
    """

    teacher: Teacher | None = None
    """Runs in every step; None where there is none."""

    @override
    def losses(self, model: nn.Module, batch: PairBatch) -> dict[str, Tensor]:
        inputs = batch.inputs.firsts, batch.inputs.seconds, batch.inputs.pairs
        said: PairLogits = model(*inputs, keep_hidden=self.teacher is not None)
        logits = said.logits.flatten()
        everywhere = torch.ones_like(logits, dtype=torch.bool)
        where = everywhere, batch.example, batch.n_examples
        gold = -segment_log_softmax(logits, *where)[batch.gold].mean()
        if self.teacher is None:
            return {"gold": gold}
        weights = self.teacher.config
        with self.teacher.running(logits.device):
            taught: PairLogits = self.teacher.model(*inputs, keep_hidden=True)
        outputs = distillation_loss(logits, taught.logits.flatten(), *where, weights.temperature)
        layers = layer_loss((*said.hidden, said.pooled), (*taught.hidden, taught.pooled))
        return {
            "gold": weights.gold * gold,
            "outputs": weights.outputs * outputs,
            "layers": weights.layers * layers,
        }
