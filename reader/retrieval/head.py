"""The retrieval head: from lower states to one vector for a question or a passage.

::

    lower states --> transformer layers --> mean of the rows --> projection --> length 1

Questions and passages go through the same weights. The lower states are computed for reading in any
case, so that a vector costs the layers of the head only.

Source: the two towers of Reimers and Gurevych 2019 (https://aclanthology.org/D19-1410), section 3,
on states that the reader has.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..config import DeformerConfig
from ..modeling.layers import TransformerLayer, run_layers
from ..packing import Packed


@dataclass(frozen=True, slots=True)
class HeadShape:
    """The sizes of a retrieval head."""

    hidden_size: int
    """Width of the lower states."""
    n_layers: int
    """Number of transformer layers."""
    width: int
    """Numbers in a vector."""


class RetrievalHead(nn.Module):
    """Makes vectors of length 1 whose products say how well a passage fits a question."""

    def __init__(self, config: DeformerConfig, n_layers: int, width: int) -> None:
        """Create a head with random layers.

        The projection begins as the identity, where the sizes allow that.

        Args:
            config: The reader's; the layers have the sizes of its own.
            n_layers: Number of transformer layers.
            width: Numbers in a vector.
        """
        super().__init__()
        without_dropout = copy(config)
        without_dropout.hidden_dropout_prob = 0.0
        without_dropout.attention_probs_dropout_prob = 0.0
        self.layers = nn.ModuleList(TransformerLayer(without_dropout) for _ in range(n_layers))
        self.project = nn.Linear(config.hidden_size, width, bias=False)
        nn.init.eye_(self.project.weight)
        self.shape = HeadShape(config.hidden_size, n_layers, width)

    def forward(self, states: Packed, owners: Sequence[int]) -> Tensor:
        """Make vectors.

        Args:
            states: Lower states of questions or of windows. Shape ``(n_rows, hidden_size)``, float.
            owners: For each segment the number of the text that it belongs to, from 0, without
                gaps. The windows of one passage have the same number.

        Returns:
            One vector for each text. Shape ``(n_texts, width)``, float32, each of length 1.
        """
        of_segments = self.segment_sums(states)
        text = torch.tensor(owners, dtype=torch.int64, device=of_segments.device)
        n_texts = max(owners) + 1 if owners else 0
        sums = of_segments.new_zeros(n_texts, of_segments.shape[1])
        return self.vectors(sums.index_add(0, text, of_segments))

    def segment_sums(self, states: Packed) -> Tensor:
        """Run the layers over each segment, and add up its rows.

        The sum of a segment does not depend on the segments beside it, up to rounding.

        Args:
            states: Lower states of questions or of windows. Shape ``(n_rows, hidden_size)``, float.

        Returns:
            Shape ``(n_segments, hidden_size)``, float32.
        """
        rows = run_layers(self.layers, states.rows, states.lengths).float()
        lengths = torch.tensor((0, *states.lengths), dtype=torch.int64, device=rows.device)
        # A bag has a fixed order of addition on a GPU too; `index_add` does not.
        return nn.functional.embedding_bag(
            torch.arange(len(rows), device=rows.device),
            rows,
            lengths.cumsum(0),
            mode="sum",
            include_last_offset=True,
        )

    def vectors(self, sums: Tensor) -> Tensor:
        """Project sums of rows, and scale them to length 1.

        The mean has the direction of the sum, and only the direction counts.

        Args:
            sums: For each text the sum of its segments. Shape ``(n_texts, hidden_size)``, float32.

        Returns:
            Shape ``(n_texts, width)``, float32, each of length 1.
        """
        # There are few numbers here, so that float32 costs nothing.
        with torch.autocast(sums.device.type, enabled=False):
            return nn.functional.normalize(nn.functional.linear(sums, self.project.weight.float()))
