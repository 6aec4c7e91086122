"""Predicting states from token ids, which are stored in any case."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag, gelu

from ..packing import Packed


@dataclass(frozen=True, slots=True)
class Predictor:
    """A predictor of states: a linear map of the reader's embeddings, and hidden units.

    The first ``hidden_size`` columns of ``position``, ``neighbours`` and ``mean`` belong to the
    linear map, the other columns to the hidden units.
    """

    position: Tensor
    """Contribution of each position in a window. Positions beyond the table use its last row. Shape
    ``(n_positions, width)``, float32."""
    neighbours: Tensor
    """Maps of the word embeddings of the tokens at distances ``-reach … reach``. Shape
    ``(2 * reach + 1, hidden_size, width)``, or ``(0, hidden_size, width)`` if token ids are not
    used."""
    mean: Tensor
    """Map of the mean word embedding of the window. Shape ``(hidden_size, width)``, or
    ``(0, width)`` if it is not used."""
    output: Tensor
    """Map of the hidden units, after GELU. Shape ``(width - hidden_size, hidden_size)``."""

    @property
    def reach(self) -> int:
        """Number of neighbours on each side that are used."""
        return self.neighbours.shape[0] // 2

    def to(self, device: torch.device | str) -> "Predictor":
        """The same predictor on a device."""
        tensors = self.position, self.neighbours, self.mean, self.output
        return Predictor(*(t.to(device) for t in tensors))


class SideInformation:
    """A predictor with tables expanded for the vocabulary of a reader."""

    def __init__(self, predictor: Predictor, embeddings: Tensor) -> None:
        """Expand the tables, on the device of the embeddings.

        Args:
            predictor: Predicts states from token ids.
            embeddings: Word embeddings of the reader. Shape ``(vocab_size, hidden_size)``, float32.
        """
        self.predictor = predictor.to(embeddings.device)
        self._embeddings = embeddings
        self._vocab_size = embeddings.shape[0]
        self._n_positions = predictor.position.shape[0]
        with full_precision(embeddings.device):
            words = [(embeddings @ w).half() for w in self.predictor.neighbours]
            places = self.predictor.position.half()
            self._rows = torch.cat([*words, torch.zeros_like(places[:1]), places])
        self._zero_row = len(words) * self._vocab_size
        self._first_position = self._zero_row + 1

    def predict(self, token_ids: Packed) -> Tensor:
        """Predict states.

        Args:
            token_ids: Token ids of windows. Shape ``(n_rows,)``, int64.

        Returns:
            Shape ``(n_rows, hidden_size)``, float32.
        """
        ids = token_ids.rows
        size = self.predictor.output.shape[1]
        if not ids.shape[0]:
            return self._rows.new_empty((0, size), dtype=torch.float32)
        with full_precision(ids.device):
            side = embedding_bag(self._rows_of(token_ids), self._rows, mode="sum").float()
            if self.predictor.mean.shape[0]:
                offsets = token_ids.offsets()[:-1].to(ids.device)
                means = embedding_bag(ids, self._embeddings, offsets, mode="mean")
                lengths = torch.tensor(token_ids.lengths, device=ids.device)
                side += (means @ self.predictor.mean).repeat_interleave(lengths, dim=0)
            linear, hidden = side[:, :size], side[:, size:]
            return torch.addmm(linear, gelu(hidden), self.predictor.output)

    def _rows_of(self, token_ids: Packed) -> Tensor:
        """Table rows for the position and the neighbours of each token.

        Args:
            token_ids: Token ids of windows. Shape ``(n_rows,)``, int64.

        Returns:
            Shape ``(n_rows, 1 + n_neighbours)``, int32.
        """
        ids = token_ids.rows.int()
        positions = token_ids.positions().int()
        lengths = torch.tensor(token_ids.lengths, dtype=torch.int32, device=ids.device)
        n_after = lengths.repeat_interleave(lengths) - 1 - positions
        columns = [self._first_position + positions.clamp(max=self._n_positions - 1)]
        for table in range(self.predictor.neighbours.shape[0]):
            step = table - self.predictor.reach
            inside = (positions >= -step) & (n_after >= step)
            columns.append(
                torch.where(inside, ids.roll(-step) + table * self._vocab_size, self._zero_row)
            )
        return torch.stack(columns, dim=1)


def full_precision(device: torch.device) -> torch.autocast:
    """Context without mixed precision, so that training sees exactly what an index returns."""
    return torch.autocast(device.type, enabled=False)
