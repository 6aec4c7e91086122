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
layers are sensitive to (``learning/sensitivity.py``).

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
from torch.nn.functional import embedding_bag, pad

from ..inference.number_formats import multiplies_bfloat16
from ..packing import Packed
from .beam_search import BOOK_SIZE, SumSearch
from .names import CodecName
from .scalar import check_finite
from .side import Predictor, SideInformation, full_precision

_ROWS_AT_ONCE = 1024
"""Rows that are compared with all codebooks at once; only memory depends on it."""
_ROWS_MULTIPLE = 128
"""Rows are filled up to a multiple: oneDNN keeps about a megabyte for every number of rows it has
met in bfloat16, up to a gigabyte."""


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
        n = vectors.shape[0]
        filled = pad(vectors, (0, 0, 0, -n % _ROWS_MULTIPLE))
        codes = [self._nearest(some) for some in torch.split(filled, _ROWS_AT_ONCE)]
        return torch.cat(codes)[:n]

    def books(self) -> Tensor:
        """Codebooks turned back. Shape ``(n_bytes * 256, hidden_size)``, float32."""
        parts = self.synthesis.view(self.n_parts, -1, self.synthesis.shape[1])
        of_parts = self.codebooks.view(self.n_parts, -1, self.codebooks.shape[2])
        return torch.bmm(of_parts, parts).flatten(0, 1)

    def to(self, device: torch.device | str) -> "Quantiser":
        """The same on a device."""
        return Quantiser(*(t.to(device) for t in (self.analysis, self.codebooks, self.synthesis)))

    @cached_property
    def _searches(self) -> list[SumSearch]:
        """One for each part."""
        dtype = self._analysis.dtype
        return [SumSearch(books, dtype) for books in self.codebooks.chunk(self.n_parts)]

    @cached_property
    def _analysis(self) -> Tensor:
        """Transposed, in the number format of the search's products.

        One row of a book must be the nearest; among sums of several, others are hardly farther.
        """
        sums = self.n_bytes > self.n_parts
        quick = sums and self.analysis.device.type == "cpu" and multiplies_bfloat16("cpu")
        return self.analysis.T.to(torch.bfloat16 if quick else torch.float32).contiguous()

    def _nearest(self, vectors: Tensor) -> Tensor:
        """Codes of some vectors."""
        analysis = self._analysis
        parts = (vectors.to(analysis.dtype) @ analysis).chunk(self.n_parts, dim=1)
        return torch.cat(
            [search(part) for search, part in zip(self._searches, parts, strict=True)], dim=1
        )


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
        self.name = name
        self.quantiser = quantiser.to(embeddings.device)
        self.side = SideInformation(predictor, embeddings)
        with full_precision(embeddings.device):
            self._books = self.quantiser.books().half()

    def code_width(self, hidden_size: int) -> int:
        """Bytes of a code."""
        return self.quantiser.n_bytes

    def encode(self, states: Packed, token_ids: Packed) -> Tensor:
        """Quantise what the token ids do not tell.

        Raises:
            PrereadError: If a state is not finite: the reader is broken.
        """
        check_finite(states.rows)
        with full_precision(states.rows.device):
            return self.quantiser.encode(states.rows.float() - self.side.predict(token_ids))

    def decode(self, codes: Tensor, token_ids: Packed) -> Packed:
        """Add up the rows."""
        states = self.side.predict(token_ids)
        if states.shape[0]:
            books = torch.arange(self.quantiser.n_bytes, device=codes.device, dtype=torch.int32)
            with full_precision(codes.device):
                numbers = codes.int() + books * BOOK_SIZE
                states += embedding_bag(numbers, self._books, mode="sum")
        return token_ids.with_rows(states)
