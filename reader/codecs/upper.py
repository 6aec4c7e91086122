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
from .tables import to_int8

RANK = 32
"""Of a matrix's difference."""
_OUT, _INTO, _SCALES = ".out", ".into", ".scales"
"""What the names of a difference's two factors end in, and of what they are multiplied by."""


@dataclass(frozen=True, slots=True)
class UpperChanges:
    """Differences of the weights of upper layers and head."""

    upper: str
    """SHA-256 of the weights which they change, by `upper_sha256`."""
    tensors: Mapping[str, Tensor]
    """By the weight's name, float16. A matrix has two factors in signed bytes, ``.out`` of shape
    ``(n_out, rank)`` and ``.into`` of shape ``(rank, n_in)``, and ``.scales`` of shape ``(rank,)``,
    float32, by which the columns of the first are multiplied. In older files there are no scales,
    and factors are float16."""

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
            out, out_scales = to_int8(left[:, :rank] * roots)
            into, into_scales = to_int8((roots[:, None] * right[:rank]).T)
            tensors[name + _OUT], tensors[name + _INTO] = out, into.T.contiguous()
            tensors[name + _SCALES] = out_scales.float() * into_scales.float()
        return cls(upper_sha256(before), tensors)

    def difference(self, name: str) -> Tensor:
        """Of one weight, in float32.

        Raises:
            KeyError: If there is none.
        """
        if name in self.tensors:
            return self.tensors[name].float()
        out, into = (self.tensors[name + end].float() for end in (_OUT, _INTO))
        scales = self.tensors.get(name + _SCALES)
        return (out if scales is None else out * scales) @ into
