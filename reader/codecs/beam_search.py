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

    def __init__(self, books: Tensor, dtype: torch.dtype = torch.float32) -> None:
        """Multiply the rows with one another.

        Args:
            books: Shape ``(n_books, 256, size)``, float32.
            dtype: In which vectors and rows are multiplied on CPU. Products are what a search
                spends its time on; in bfloat16 the sums found are hardly farther off.
        """
        n_books, _, size = books.shape
        self._n_books = n_books
        self._rows = books.flatten(0, 1)
        if books.device.type == "cpu":
            self._columns = self._rows.T.to(dtype).contiguous()
            self._quantizer = faiss.ResidualQuantizer(size, n_books, BOOK_SIZE.bit_length() - 1)
            self._quantizer.approx_topk_mode = faiss.APPROX_TOPK_BUCKETS_B8_D3  # type: ignore[attr-defined]
            faiss.copy_array_to_vector(self._rows.flatten().numpy(), self._quantizer.codebooks)
            self._quantizer.is_trained = True
            self._quantizer.compute_codebook_tables()  # type: ignore[attr-defined]  # not in its stubs
        else:
            self._half_squares = self._rows.square().sum(1) / 2
            self._products = self._rows @ self._rows.T

    def __call__(self, vectors: Tensor) -> Tensor:
        """Rows whose sum is near.

        Args:
            vectors: Shape ``(n, size)``, float32 or the number format of the products.

        Returns:
            A row of each codebook. Shape ``(n, n_books)``, uint8.
        """
        if vectors.device.type == "cpu":
            return self._by_faiss(vectors)
        # |x - Σ r|² / 2 less |x|² / 2: a row's half square less its product with x, and its
        # products with the rows before it.
        costs = self._half_squares - vectors @ self._rows.T
        return search_sums(costs, self._products, BEAM).to(torch.uint8)

    def _by_faiss(self, vectors: Tensor) -> Tensor:
        """Its beam search, on products of ours: its own are float32's only."""
        n = vectors.shape[0]
        products = (vectors.to(self._columns.dtype) @ self._columns).float()
        codes = torch.empty(n, BEAM, self._n_books, dtype=torch.int32)
        squares = torch.zeros(n)  # of the vectors: they are the same for all sums
        faiss.omp_set_num_threads(torch.get_num_threads())
        self._quantizer.refine_beam_LUT(
            n,
            faiss.swig_ptr(squares.numpy()),
            faiss.swig_ptr(products.numpy()),
            BEAM,
            faiss.swig_ptr(codes.numpy()),
        )
        return codes[:, 0].to(torch.uint8)


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
