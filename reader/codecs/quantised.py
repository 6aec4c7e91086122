"""Additive quantisation of lower states, less what the token ids tell of them.

A stored state is read back as a sum of table rows::

    side[t]  =  position[p]                          where in its window the token stands
              + word[-2][id[t-2]] + … + word[2][id[t+2]]   the token and its neighbours
              + mean_w(embedding) @ mean             what the window is about
    state[t] =  side[t, :size] + gelu(side[t, size:]) @ output
              + book[0][code[t,0]] + … + book[M-1][code[t,M-1]]

Token ids are stored anyway, so that everything but the last line costs no byte; the codes need
only cover what is left. The sums are two `embedding_bag`; one narrow product is left for the
hidden units.

The quantiser is a linear map, and then for each part of the vector a sum of rows of several
codebooks, found by beam search; with one codebook a part it is OPQ's. The way back is multiplied
into the books. The map is a rotation of states that were stretched along the directions the upper
layers are sensitive to (``sensitivity.py``).

Source: Jégou et al. 2011 (https://doi.org/10.1109/TPAMI.2010.57) and Ge et al. 2014
(https://doi.org/10.1109/TPAMI.2013.240) for product quantisers; Babenko and Lempitsky 2014
(https://doi.org/10.1109/CVPR.2014.124), section 3, for sums of rows and beam search; static
embeddings as side information as in SDR, Cohen et al. 2022
(https://aclanthology.org/2022.acl-long.457), section 3.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag, gelu

from ..packing import Packed
from .names import CodecName
from .scalar import check_finite

BOOK_SIZE = 256
"""Rows of a codebook: what a byte can say."""
BEAM = 4
"""Sums that are followed. More of them lose a little less, and take longer in proportion."""
_ROWS_AT_ONCE = 1024
"""Rows that are compared with all codebooks at once; only memory depends on it."""


@dataclass(frozen=True)
class Quantiser:
    """A linear map, the codebooks of its parts, and the way back."""

    analysis: Tensor
    """From a vector to its parts. Shape ``(n_parts * part_size, hidden_size)``, float32."""
    codebooks: Tensor
    """Those of the first part, then those of the second, ….
    Shape ``(n_bytes, 256, part_size)``, float32."""
    synthesis: Tensor
    """From parts to the vector; its transpose and ``analysis`` are each other's inverse. Shape
    ``(n_parts * part_size, hidden_size)``, float32."""

    @property
    def n_bytes(self) -> int:
        """Bytes of a code."""
        return self.codebooks.shape[0]

    @property
    def n_parts(self) -> int:
        """Parts of a vector; each is a sum of ``n_bytes / n_parts`` rows."""
        return self.synthesis.shape[0] // self.codebooks.shape[2]

    def encode(self, vectors: Tensor) -> Tensor:
        """Rows of the codebooks whose sums are near the parts.

        Args:
            vectors: Shape ``(n, hidden_size)``, float32.

        Returns:
            Shape ``(n, n_bytes)``, uint8.
        """
        if not vectors.shape[0]:
            return vectors.new_empty((0, self.n_bytes), dtype=torch.uint8)
        return torch.cat([self._nearest(some) for some in torch.split(vectors, _ROWS_AT_ONCE)])

    def books(self) -> Tensor:
        """Codebooks turned back. Shape ``(n_bytes * 256, hidden_size)``, float32."""
        parts = self.synthesis.view(self.n_parts, -1, self.synthesis.shape[1])
        of_parts = self.codebooks.view(self.n_parts, -1, self.codebooks.shape[2])
        return torch.bmm(of_parts, parts).flatten(0, 1)

    def to(self, device: torch.device | str) -> "Quantiser":
        """The same on a device."""
        return Quantiser(*(t.to(device) for t in (self.analysis, self.codebooks, self.synthesis)))

    @cached_property
    def _products(self) -> Tensor:
        """Of all rows of a part with one another. Shape ``(n_parts, rows, rows)``, float32."""
        of_parts = self.codebooks.view(self.n_parts, -1, self.codebooks.shape[2])
        return torch.bmm(of_parts, of_parts.transpose(1, 2))

    def _nearest(self, vectors: Tensor) -> Tensor:
        """Codes of some vectors."""
        parts = (vectors @ self.analysis.T).view(vectors.shape[0], self.n_parts, -1).transpose(0, 1)
        of_parts = self.codebooks.view(self.n_parts, -1, self.codebooks.shape[2])
        # |x - Σ r|² / 2 less |x|² / 2: a row's half square less its product with x, and its
        # products with the rows before it.
        costs = of_parts.square().sum(2)[:, None] / 2 - torch.bmm(parts, of_parts.transpose(1, 2))
        codes = [search_sums(*both, beam=BEAM) for both in zip(costs, self._products, strict=True)]
        return torch.cat(codes, dim=1).to(torch.uint8)


def search_sums(costs: Tensor, products: Tensor, beam: int) -> Tensor:
    """A row of each codebook, so that they cost little together; by beam search.

    Args:
        costs: Of each row by itself. Shape ``(n, n_books * 256)``.
        products: What two rows cost together besides. Shape ``(n_books * 256, n_books * 256)``.
        beam: Choices that are followed.

    Returns:
        Shape ``(n, n_books)``, int64.
    """
    n, n_rows = costs.shape
    best, code = costs[:, :BOOK_SIZE].topk(beam if n_rows > BOOK_SIZE else 1, largest=False)
    chosen = code[:, :, None]
    for first in range(BOOK_SIZE, n_rows, BOOK_SIZE):
        book = slice(first, first + BOOK_SIZE)
        together = best[:, :, None] + costs[:, None, book]
        together += embedding_bag(
            chosen.flatten(0, 1), products[:, book].contiguous(), mode="sum"
        ).view_as(together)
        n_kept = beam if first + BOOK_SIZE < n_rows else 1
        best, kept = together.flatten(1).topk(n_kept, largest=False)
        before = chosen.gather(1, (kept // BOOK_SIZE)[:, :, None].expand(-1, -1, chosen.shape[2]))
        chosen = torch.cat([before, (first + kept % BOOK_SIZE)[:, :, None]], dim=2)
    return chosen[:, 0] % BOOK_SIZE


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
        quantiser: Quantiser,
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
            places = self.predictor.position.half()
            self._side = torch.cat([*words, torch.zeros_like(places[:1]), places])
            self._books = self.quantiser.books().half()
        self._zero_row = len(words) * self._vocab_size
        self._first_position = self._zero_row + 1

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
        states = self.predict(token_ids)
        if states.shape[0]:
            books = torch.arange(self.quantiser.n_bytes, device=codes.device, dtype=torch.int32)
            with _full_precision(codes.device):
                numbers = codes.int() + books * BOOK_SIZE
                states += embedding_bag(numbers, self._books, mode="sum")
        return token_ids.with_rows(states)

    def predict(self, token_ids: Packed) -> Tensor:
        """What the token ids tell. Shape ``(n_rows, hidden_size)``, float32."""
        ids = token_ids.rows
        size = self.predictor.output.shape[1]
        if not ids.shape[0]:
            return self._side.new_empty((0, size), dtype=torch.float32)
        with _full_precision(ids.device):
            side = embedding_bag(self._side_rows(token_ids), self._side, mode="sum").float()
            if self.predictor.mean.shape[0]:
                offsets = token_ids.offsets()[:-1].to(ids.device)
                means = embedding_bag(ids, self._embeddings, offsets, mode="mean")
                lengths = torch.tensor(token_ids.lengths, device=ids.device)
                side += (means @ self.predictor.mean).repeat_interleave(lengths, dim=0)
            linear, hidden = side[:, :size], side[:, size:]
            return torch.addmm(linear, gelu(hidden), self.predictor.output)

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
