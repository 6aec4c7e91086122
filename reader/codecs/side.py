"""Predicting states from token ids, which are stored in any case."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag, gelu

from ..packing import Movable, Packed

_TOKENS_AT_ONCE = 64
"""Tokens whose products are made at a time."""


@dataclass(frozen=True, slots=True)
class Predictor(Movable):
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


class SideInformation:
    """A predictor for the vocabulary of a reader.

    The products of word embeddings with the maps of neighbours are kept, each token's when it is
    first needed: those of BERT's whole vocabulary are 270 MB, and most tokens never occur. On an
    accelerator all are made at once, since asking which are missing would make it wait.
    """

    def __init__(self, predictor: Predictor, embeddings: Tensor) -> None:
        """Reserve memory for the products; what is not written takes none.

        Args:
            predictor: Predicts states from token ids.
            embeddings: Word embeddings of the reader, on the device of the reader. Shape
                ``(vocab_size, hidden_size)``, float32 or float16.
        """
        self.predictor = predictor = predictor.to(embeddings.device)
        self._embeddings = embeddings
        vocab_size, self._n_tables = embeddings.shape[0], predictor.neighbours.shape[0]
        n_positions, width = predictor.position.shape
        self._zero_row = vocab_size * self._n_tables
        shape = (self._zero_row + 1 + n_positions, width)
        with torch.inference_mode(False), torch.no_grad():  # training writes to it, too
            self._rows = torch.empty(shape, dtype=torch.float16, device=embeddings.device)
            self._rows[self._zero_row] = 0
            self._rows[self._zero_row + 1 :] = predictor.position
            # Without neighbours there is no product to make.
            self._is_known = torch.full((vocab_size,), self._n_tables == 0)
        if embeddings.device.type != "cpu":
            self.expand()

    def expand(self) -> None:
        """Make the products of all tokens that are not known yet.

        An encoder does this before its first states: it meets most tokens anyway, and its codes
        must not depend on the order in which it met them.
        """
        if not bool(self._is_known.all()):
            self._make(torch.arange(len(self._is_known)))

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
        if ids.device.type == "cpu":
            missing = ids[~self._is_known[ids]]
            if len(missing):
                self._make(torch.unique(missing))
        with full_precision(ids.device):
            side = embedding_bag(self._rows_of(token_ids), self._rows, mode="sum").float()
            if self.predictor.mean.shape[0]:
                offsets = token_ids.offsets()[:-1].to(ids.device)
                means = embedding_bag(
                    torch.arange(len(ids), device=ids.device),
                    self._embeddings[ids].float(),
                    offsets,
                    mode="mean",
                )
                lengths = torch.tensor(token_ids.lengths, device=ids.device)
                side += (means @ self.predictor.mean).repeat_interleave(lengths, dim=0)
            linear, hidden = side[:, :size], side[:, size:]
            return torch.addmm(linear, gelu(hidden), self.predictor.output)

    def _make(self, tokens: Tensor) -> None:
        """Make the products of some tokens. Two threads may make the same ones: they are equal.

        Args:
            tokens: Token ids, each once. Shape ``(n,)``, int64, on CPU.
        """
        device = self._embeddings.device
        products = self._rows[: self._zero_row].view(-1, self._n_tables, self._rows.shape[1])
        with torch.no_grad(), full_precision(device):
            for some in torch.split(tokens, _TOKENS_AT_ONCE):
                here = some.to(device)
                # One shape, so that a row does not depend on how many others there are.
                shape = (_TOKENS_AT_ONCE, self._embeddings.shape[1])
                embeddings = torch.zeros(shape, device=device)
                embeddings[: len(here)] = self._embeddings[here]
                for table, word in enumerate(self.predictor.neighbours):
                    products[here, table] = (embeddings @ word)[: len(here)].half()
        self._is_known[tokens] = True

    def _rows_of(self, token_ids: Packed) -> Tensor:
        """Numbers of the rows for the position and the neighbours of each token.

        Args:
            token_ids: Token ids of windows. Shape ``(n_rows,)``, int64.

        Returns:
            Shape ``(n_rows, 1 + n_neighbours)``, int32.
        """
        ids = token_ids.rows.int()
        positions = token_ids.positions().int()
        lengths = torch.tensor(token_ids.lengths, dtype=torch.int32, device=ids.device)
        n_after = lengths.repeat_interleave(lengths) - 1 - positions
        last = self.predictor.position.shape[0] - 1
        columns = [self._zero_row + 1 + positions.clamp(max=last)]
        for table in range(self._n_tables):
            step = table - self.predictor.reach
            inside = (positions >= -step) & (n_after >= step)
            rows = ids.roll(-step) * self._n_tables + table
            columns.append(torch.where(inside, rows, self._zero_row))
        return torch.stack(columns, dim=1)


def full_precision(device: torch.device) -> torch.autocast:
    """Context without mixed precision, so that training sees exactly what an index returns."""
    return torch.autocast(device.type, enabled=False)
