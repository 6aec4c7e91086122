"""Finding the rows of codebooks whose sum is near a vector, by beam search.

Source: Babenko and Lempitsky 2014 (https://doi.org/10.1109/CVPR.2014.124), section 3.
"""

import faiss
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

BOOK_SIZE = 256
"""Rows of a codebook: what a byte can say."""
BEAM = 4
"""Sums that are followed. More of them lose a little less, and take longer in proportion."""


class SumSearch:
    """Searches the codebooks of one part: by faiss on CPU, which is quicker, by PyTorch elsewhere.

    They differ where two sums are equally near up to rounding.
    """

    def __init__(self, books: Tensor) -> None:
        """Multiply the rows with one another.

        Args:
            books: Shape ``(n_books, 256, size)``, float32.
        """
        n_books, _, size = books.shape
        self._rows = books.flatten(0, 1)
        if books.device.type == "cpu":
            self._quantizer = faiss.ResidualQuantizer(size, n_books, BOOK_SIZE.bit_length() - 1)
            self._quantizer.max_beam_size = BEAM
            self._quantizer.use_beam_LUT = 1
            faiss.copy_array_to_vector(self._rows.flatten().numpy(), self._quantizer.codebooks)
            self._quantizer.is_trained = True
            self._quantizer.compute_codebook_tables()  # type: ignore[attr-defined]  # not in its stubs
        else:
            self._half_squares = self._rows.square().sum(1) / 2
            self._products = self._rows @ self._rows.T

    def __call__(self, vectors: Tensor) -> Tensor:
        """Rows whose sum is near.

        Args:
            vectors: Shape ``(n, size)``, float32.

        Returns:
            A row of each codebook. Shape ``(n, n_books)``, uint8.
        """
        if vectors.device.type == "cpu":
            faiss.omp_set_num_threads(torch.get_num_threads())
            return torch.from_numpy(self._quantizer.compute_codes(vectors.contiguous().numpy()))
        # |x - Σ r|² / 2 less |x|² / 2: a row's half square less its product with x, and its
        # products with the rows before it.
        costs = self._half_squares - vectors @ self._rows.T
        return search_sums(costs, self._products, BEAM).to(torch.uint8)


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
