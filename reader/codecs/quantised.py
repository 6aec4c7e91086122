"""Additive quantisation of what token ids do not predict of lower states.

A decoded state is a sum of table rows, and the output of some hidden units::

    side[t]  =  position[p]                          where in its window the token stands
              + word[-2][id[t-2]] + … + word[2][id[t+2]]   the token and its neighbours
              + mean_w(embedding) @ mean             what the window is about
    state[t] =  side[t, :size] + gelu(side[t, size:]) @ output
              + book[0][code[t,0]] + … + book[M-1][code[t,M-1]]

Token ids are stored anyway, so everything but the last line costs no bytes, and the codes cover
only what remains. Decoding is two calls of `embedding_bag`, and one narrow product for the hidden
units.

The quantiser is a linear map, followed by a beam search in each part of the vector for a sum of
rows of several codebooks. With one codebook for each part it is OPQ. The inverse map is multiplied
into the codebooks. The map is a rotation of states that were stretched along the directions to
which the upper layers are sensitive (``learning/sensitivity.py``).

Source: Jégou et al. 2011 (https://doi.org/10.1109/TPAMI.2010.57) and Ge et al. 2014
(https://doi.org/10.1109/TPAMI.2013.240) for product quantisers; Babenko and Lempitsky 2014
(https://doi.org/10.1109/CVPR.2014.124), section 3, for sums of rows and beam search; SDR, Cohen et
al. 2022 (https://aclanthology.org/2022.acl-long.457), section 3, for static embeddings as side
information.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag, pad
from typing_extensions import override

from ..inference.mixed_precision import multiplies_bfloat16
from ..packing import Movable, Packed
from .base import Codec
from .beam_search import BOOK_SIZE, SumSearch
from .names import CodecName
from .scalar import check_finite
from .side import Predictor, SideInformation, full_precision

_ROWS_AT_ONCE = 1024
"""Rows that are compared with the codebooks at a time. It affects memory only."""
_ROWS_MULTIPLE = 128
"""Rows are padded to a multiple of this number. In bfloat16 oneDNN keeps about a megabyte for every
number of rows that it has met, up to a gigabyte."""


@dataclass(frozen=True)
class Quantiser(Movable):
    """A linear map into parts, the codebooks of the parts, and the inverse map."""

    analysis: Tensor
    """Map from a vector to its parts. Shape ``(n_parts * part_size, hidden_size)``, float32."""
    codebooks: Tensor
    """The codebooks of the first part, then those of the second, and so on. Shape
    ``(n_bytes, 256, part_size)``, float32."""
    synthesis: Tensor
    """Map from the parts to the vector: its transpose is the inverse of ``analysis``. Shape
    ``(n_parts * part_size, hidden_size)``, float32."""

    @property
    def n_bytes(self) -> int:
        """Number of bytes of a code."""
        return self.codebooks.shape[0]

    @property
    def n_parts(self) -> int:
        """Number of parts of a vector; each is a sum of ``n_bytes / n_parts`` rows."""
        return self.synthesis.shape[0] // self.codebooks.shape[2]

    def encode(self, vectors: Tensor) -> Tensor:
        """Find the codebook rows whose sums are close to the parts.

        Args:
            vectors: Shape ``(n, hidden_size)``, float32.

        Returns:
            Number of a row in each codebook. Shape ``(n, n_bytes)``, uint8.
        """
        n = vectors.shape[0]
        filled = pad(vectors, (0, 0, 0, -n % _ROWS_MULTIPLE))
        codes = [self._nearest(some) for some in torch.split(filled, _ROWS_AT_ONCE)]
        return torch.cat(codes)[:n]

    def books(self) -> Tensor:
        """Codebooks after the inverse map. Shape ``(n_bytes * 256, hidden_size)``, float32."""
        parts = self.synthesis.view(self.n_parts, -1, self.synthesis.shape[1])
        of_parts = self.codebooks.view(self.n_parts, -1, self.codebooks.shape[2])
        return torch.bmm(of_parts, parts).flatten(0, 1)

    @cached_property
    def _searches(self) -> list[SumSearch]:
        dtype = self._analysis.dtype
        return [SumSearch(books, dtype) for books in self.codebooks.chunk(self.n_parts)]

    @cached_property
    def _analysis(self) -> Tensor:
        """``analysis`` transposed, in the number format of the search's products.

        A code with one row for each part needs the nearest row, hence float32. Among sums of
        several rows the second best is hardly further away, so bfloat16 is enough.
        """
        sums = self.n_bytes > self.n_parts
        quick = sums and self.analysis.device.type == "cpu" and multiplies_bfloat16("cpu")
        return self.analysis.T.to(torch.bfloat16 if quick else torch.float32).contiguous()

    def _nearest(self, vectors: Tensor) -> Tensor:
        """Codes of a batch of vectors."""
        analysis = self._analysis
        parts = (vectors.to(analysis.dtype) @ analysis).chunk(self.n_parts, dim=1)
        return torch.cat(
            [search(part) for search, part in zip(self._searches, parts, strict=True)], dim=1
        )


class QuantisedCodec(Codec):
    """A predictor and a quantiser, for the vocabulary of a reader."""

    dtype = torch.uint8

    def __init__(
        self,
        name: CodecName,
        predictor: Predictor,
        quantiser: Quantiser,
        embeddings: Tensor,
    ) -> None:
        """Combine predictor and quantiser.

        Args:
            name: Name of the codec.
            predictor: Predicts states from token ids.
            quantiser: Quantises the remainder.
            embeddings: Word embeddings of the reader, on the reader's device. Shape
                ``(vocab_size, hidden_size)``, float32 or float16.
        """
        self.name = name
        self.quantiser = quantiser.to(embeddings.device)
        self.side = SideInformation(predictor, embeddings)
        with full_precision(embeddings.device):
            self._books = self.quantiser.books().half()

    @override
    def code_width(self, hidden_size: int) -> int:
        return self.quantiser.n_bytes

    @override
    def encode(self, states: Packed, token_ids: Packed) -> Tensor:
        check_finite(states.rows)
        self.side.expand()
        with full_precision(states.rows.device):
            return self.quantiser.encode(states.rows.float() - self.side.predict(token_ids))

    @override
    def decode(self, codes: Tensor, token_ids: Packed) -> Packed:
        states = self.side.predict(token_ids)
        if states.shape[0]:
            books = torch.arange(self.quantiser.n_bytes, device=codes.device, dtype=torch.int32)
            with full_precision(codes.device):
                numbers = codes.int() + books * BOOK_SIZE
                states += embedding_bag(numbers, self._books, mode="sum")
        return token_ids.with_rows(states)
