"""Beam search for the codebook rows whose sum is close to a vector.

Source: Babenko and Lempitsky 2014 (https://doi.org/10.1109/CVPR.2014.124), section 3.
"""

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

BOOK_SIZE = 256
"""Rows of a codebook; the number of a row is one byte."""
BEAM = 4
"""Number of partial sums that are kept. More lose slightly less, and take proportionally longer."""


class SumSearch:
    """Searches the codebooks of one part, on a CPU with faiss, elsewhere with PyTorch.

    faiss is faster. The two may choose different sums if the distances are equal up to rounding.
    """

    def __init__(self, books: Tensor, dtype: torch.dtype = torch.float32) -> None:
        """Prepare the search by multiplying all rows with one another.

        Args:
            books: Codebooks. Shape ``(n_books, 256, size)``, float32.
            dtype: Number format of the products of vectors and rows on a CPU. A search spends its
                time on them. With bfloat16 the sums that are found are hardly further away.
        """
        n_books, _, size = books.shape
        import faiss  # 13 MiB, which decoding does without

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
        """Find the rows whose sum is close to each vector.

        Args:
            vectors: Shape ``(n, size)``, in float32 or the number format of the products.

        Returns:
            Number of a row in each codebook. Shape ``(n, n_books)``, uint8.
        """
        if vectors.device.type == "cpu":
            return self._by_faiss(vectors)
        # |x - Σ r|² / 2 - |x|² / 2 is the sum over the rows r of |r|² / 2 - r·x, plus the products
        # of all pairs of chosen rows.
        costs = self._half_squares - vectors @ self._rows.T
        return search_sums(costs, self._products, BEAM).to(torch.uint8)

    def _by_faiss(self, vectors: Tensor) -> Tensor:
        """Beam search of faiss, over products in our number format; its own are float32."""
        import faiss

        n = vectors.shape[0]
        products = (vectors.to(self._columns.dtype) @ self._columns).float()
        codes = torch.empty(n, BEAM, self._n_books, dtype=torch.int32)
        squares = torch.zeros(n)  # squares of the vectors, which are the same for all sums
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
    """Choose a row of each codebook by beam search, so that the total cost is low.

    Args:
        costs: Cost of each row by itself. Shape ``(n, n_books * 256)``.
        products: Additional cost of two rows chosen together. Shape
            ``(n_books * 256, n_books * 256)``.
        beam: Number of partial choices that are kept.

    Returns:
        Number of a row in each codebook. Shape ``(n, n_books)``, int64.
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
