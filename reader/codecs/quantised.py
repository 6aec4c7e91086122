"""Product quantisation of lower states, less what the token ids tell of them.

A stored state is read back as a sum of table rows::

    state[t] =  position[p]                          where in its window the token stands
              + word[-2][id[t-2]] + … + word[2][id[t+2]]   the token and its neighbours
              + mean_w(embedding) @ mean             what the window is about
              + book[0][code[t,0]] + … + book[M-1][code[t,M-1]]

Token ids are stored anyway, so that everything but the last line costs no byte; the codes need
only cover what is left. All of it but the window's mean is one `embedding_bag`.

The quantiser is OPQ's: a linear map, then a codebook of 256 for each of M parts. The way back is
multiplied into the books, so that decoding has no matrix product. The map is a rotation of states
that were stretched along the directions the upper layers are sensitive to (``sensitivity.py``).

Source: Jégou et al. 2011 (https://doi.org/10.1109/TPAMI.2010.57) and Ge et al. 2014
(https://doi.org/10.1109/TPAMI.2013.240) for the quantiser; static embeddings as side information as
in SDR, Cohen et al. 2022 (https://aclanthology.org/2022.acl-long.457), section 3.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from ..packing import Packed
from .names import CodecName
from .scalar import check_finite

BOOK_SIZE = 256
"""Rows of a codebook: what a byte can say."""
_ROWS_AT_ONCE = 2048
"""Rows that are compared with all codebooks at once; only memory depends on it."""


@dataclass(frozen=True, slots=True)
class ProductQuantiser:
    """A linear map, the codebooks of its parts, and the way back."""

    analysis: Tensor
    """From a vector to its parts. Shape ``(n_bytes * part_size, hidden_size)``, float32."""
    codebooks: Tensor
    """Shape ``(n_bytes, 256, part_size)``, float32."""
    synthesis: Tensor
    """From parts to the vector; its transpose and ``analysis`` are each other's inverse. Shape
    ``(n_bytes * part_size, hidden_size)``, float32."""

    @property
    def n_bytes(self) -> int:
        """Bytes of a code."""
        return self.codebooks.shape[0]

    def encode(self, vectors: Tensor) -> Tensor:
        """The nearest row of each codebook.

        Args:
            vectors: Shape ``(n, hidden_size)``, float32.

        Returns:
            Shape ``(n, n_bytes)``, uint8.
        """
        half_norms = self.codebooks.square().sum(2) / 2
        codes = []
        for some in torch.split(vectors, _ROWS_AT_ONCE):
            parts = (some @ self.analysis.T).view(some.shape[0], self.n_bytes, -1).transpose(0, 1)
            likeness = torch.bmm(parts, self.codebooks.transpose(1, 2)) - half_norms[:, None]
            codes.append(likeness.argmax(2).T.to(torch.uint8))
        return (
            torch.cat(codes) if codes else vectors.new_empty((0, self.n_bytes), dtype=torch.uint8)
        )

    def books(self) -> Tensor:
        """Codebooks turned back. Shape ``(n_bytes * 256, hidden_size)``, float32."""
        parts = self.synthesis.view(self.n_bytes, -1, self.synthesis.shape[1])
        return torch.bmm(self.codebooks, parts).flatten(0, 1)

    def to(self, device: torch.device | str) -> "ProductQuantiser":
        """The same on a device."""
        return ProductQuantiser(
            *(t.to(device) for t in (self.analysis, self.codebooks, self.synthesis))
        )


@dataclass(frozen=True, slots=True)
class Predictor:
    """What token ids tell of a state, linear in the reader's embeddings."""

    position: Tensor
    """What each place in a window adds. Shape ``(n_positions, hidden_size)``, float32. Later places
    are as the last."""
    neighbours: Tensor
    """From the word embedding of the token ``-reach … reach`` places on. Shape
    ``(2 * reach + 1, hidden_size, hidden_size)``, or ``(0, …)`` where ids are not used."""
    mean: Tensor
    """From the mean word embedding of the window. Shape ``(hidden_size, hidden_size)``, or
    ``(0, hidden_size)``."""

    @property
    def reach(self) -> int:
        """How far neighbours count."""
        return self.neighbours.shape[0] // 2

    def to(self, device: torch.device | str) -> "Predictor":
        """The same on a device."""
        return Predictor(*(t.to(device) for t in (self.position, self.neighbours, self.mean)))


def _full_precision(device: torch.device) -> torch.autocast:
    """Training runs in mixed precision; what it learns from must be what an index gives back."""
    return torch.autocast(device.type, enabled=False)


class QuantisedCodec:
    """Predictor and quantiser, with the tables they become for a reader's vocabulary."""

    dtype = torch.uint8

    def __init__(
        self,
        name: CodecName,
        predictor: Predictor,
        quantiser: ProductQuantiser,
        embeddings: Tensor,
    ) -> None:
        """Multiply the tables out.

        Args:
            name: What it is called.
            predictor: Of states by token ids.
            quantiser: Of what is left.
            embeddings: The reader's word embeddings, on the device where it runs. Shape
                ``(vocab_size, hidden_size)``, float32.
        """
        device = embeddings.device
        self.name = name
        self.predictor = predictor.to(device)
        self.quantiser = quantiser.to(device)
        self._embeddings = embeddings
        self._vocab_size = embeddings.shape[0]
        self._n_positions = predictor.position.shape[0]
        with _full_precision(device):
            words = [(embeddings @ w).half() for w in self.predictor.neighbours]
            nothing = torch.zeros(1, embeddings.shape[1], dtype=torch.float16, device=device)
            places, books = self.predictor.position.half(), self.quantiser.books().half()
            self._rows = torch.cat([*words, nothing, places, books])
        self._zero_row = len(words) * self._vocab_size
        self._first_position = self._zero_row + 1
        self._first_book = self._first_position + self._n_positions

    def code_width(self, hidden_size: int) -> int:
        """Bytes of a code."""
        return self.quantiser.n_bytes

    def encode(self, states: Packed, token_ids: Packed) -> Tensor:
        """Quantise what the token ids do not tell.

        Raises:
            PrereadError: If a state is not finite: the reader is broken.
        """
        check_finite(states.rows)
        with _full_precision(states.rows.device):
            return self.quantiser.encode(states.rows.float() - self.predict(token_ids))

    def decode(self, codes: Tensor, token_ids: Packed) -> Packed:
        """Add up the rows."""
        books = torch.arange(self.quantiser.n_bytes, device=codes.device, dtype=torch.int32)
        of_codes = codes.int() + books * BOOK_SIZE + self._first_book
        with _full_precision(codes.device):
            return token_ids.with_rows(self._add_up(token_ids, of_codes))

    def predict(self, token_ids: Packed) -> Tensor:
        """What the token ids tell. Shape ``(n_rows, hidden_size)``, float32."""
        nothing = token_ids.rows.new_empty((token_ids.rows.shape[0], 0), dtype=torch.int32)
        with _full_precision(token_ids.rows.device):
            return self._add_up(token_ids, nothing)

    def _add_up(self, token_ids: Packed, of_codes: Tensor) -> Tensor:
        """Sum the rows of side information and of codes, and add the windows' means."""
        if not token_ids.rows.shape[0]:
            return self._rows.new_empty((0, self._rows.shape[1]), dtype=torch.float32)
        numbers = torch.cat([self._side_rows(token_ids), of_codes], dim=1)
        states = embedding_bag(numbers, self._rows, mode="sum").float()
        if self.predictor.mean.shape[0]:
            ids = token_ids.rows
            offsets = token_ids.offsets()[:-1].to(ids.device)
            means = embedding_bag(ids, self._embeddings, offsets, mode="mean")
            lengths = torch.tensor(token_ids.lengths, device=ids.device)
            states += (means @ self.predictor.mean).repeat_interleave(lengths, dim=0)
        return states

    def _side_rows(self, token_ids: Packed) -> Tensor:
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
