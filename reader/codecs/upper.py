"""What upper layers change, so that they read what a codec gives back.

Upper layers that were trained on exact states answer worse from decoded ones; trained further on
decoded states, they make up for much of it. What that training changed is kept beside the codec's
tables: of a vector the difference itself, of a matrix the nearest one of low rank, as two narrow
factors. So a reader can serve several codecs, and ships its weights once.

Source: differences of low rank as in LoRA, Hu et al. 2022 (https://arxiv.org/abs/2106.09685),
section 4.1; here they are cut out of what ordinary training gave, by singular values.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..fingerprint import upper_sha256
from ..model import DeformerForQuestionAnswering
from ..weight_names import is_lower

RANK = 16
"""Of a matrix's difference."""
_OUT, _INTO = ".out", ".into"
"""What the names of a difference's two factors end in."""


@dataclass(frozen=True, slots=True)
class UpperChanges:
    """Differences of the weights of upper layers and head."""

    upper: str
    """SHA-256 of the weights which they change, by `upper_sha256`."""
    tensors: Mapping[str, Tensor]
    """By the weight's name; a matrix's factors end in ``.out``, shape ``(n_out, rank)``, and in
    ``.into``, shape ``(rank, n_in)``. Float16."""

    @classmethod
    def between(
        cls,
        before: DeformerForQuestionAnswering,
        after: DeformerForQuestionAnswering,
        rank: int = RANK,
    ) -> "UpperChanges":
        """What training changed.

        Args:
            before: The model as it was.
            after: As it is; the lower layers are the same.
            rank: Of a matrix's difference, at most.
        """
        trained = after.state_dict()
        tensors: dict[str, Tensor] = {}
        for name, weight in before.state_dict().items():
            if is_lower(name, before.config.num_lower_layers):
                continue
            difference = trained[name].detach().cpu().float() - weight.detach().cpu().float()
            if difference.dim() < 2:
                tensors[name] = difference.half()
                continue
            left, sizes, right = torch.linalg.svd(difference, full_matrices=False)
            roots = sizes[:rank].sqrt()
            tensors[name + _OUT] = (left[:, :rank] * roots).half()
            tensors[name + _INTO] = (roots[:, None] * right[:rank]).half()
        return cls(upper_sha256(before), tensors)

    def difference(self, name: str) -> Tensor:
        """Of one weight, in float32.

        Raises:
            KeyError: If there is none.
        """
        if name in self.tensors:
            return self.tensors[name].float()
        return self.tensors[name + _OUT].float() @ self.tensors[name + _INTO].float()
