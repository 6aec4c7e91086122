"""What token ids tell of a state, at no byte."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag, gelu

from ..packing import Packed


@dataclass(frozen=True, slots=True)
class Predictor:
    """What token ids tell of a state: a linear map of the reader's embeddings, and hidden units.

    The first ``hidden_size`` columns of the first three tensors are the linear map's, the others
    the hidden units'.
    """

    position: Tensor
    """What each place in a window adds. Shape ``(n_positions, width)``, float32. Later places are
    as the last."""
    neighbours: Tensor
    """From the word embedding of the token ``-reach … reach`` places on. Shape
    ``(2 * reach + 1, hidden_size, width)``, or ``(0, …)`` where ids are not used."""
    mean: Tensor
    """From the mean word embedding of the window. Shape ``(hidden_size, width)``, or
    ``(0, width)``."""
    output: Tensor
    """From the hidden units, after GELU. Shape ``(width - hidden_size, hidden_size)``."""

    @property
    def reach(self) -> int:
        """How far neighbours count."""
        return self.neighbours.shape[0] // 2

    def to(self, device: torch.device | str) -> "Predictor":
        """The same on a device."""
        tensors = self.position, self.neighbours, self.mean, self.output
        return Predictor(*(t.to(device) for t in tensors))


class SideInformation:
    """A predictor's tables, multiplied out for a reader's vocabulary."""

    def __init__(self, predictor: Predictor, embeddings: Tensor) -> None:
        """Multiply the tables out, on the device of the embeddings.

        Args:
            predictor: Of states by token ids.
            embeddings: The reader's word embeddings. Shape ``(vocab_size, hidden_size)``, float32.
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
        """What the token ids tell. Shape ``(n_rows, hidden_size)``, float32."""
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
        """Which rows a token's place and neighbours stand for. Shape ``(n_rows, …)``, int32."""
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
    """Training runs in mixed precision; what it learns from must be what an index gives back."""
    return torch.autocast(device.type, enabled=False)
