"""Learning a quantiser, by faiss."""

import faiss
import numpy as np
import torch
from torch import Tensor

from ..beam_search import BEAM, BOOK_SIZE
from ..quantised import Quantiser
from ..tables import rounded

_ROTATION_ROUNDS = 10
_MOST_BOOKS = 10
"""Of a part. More of them, and the way to find good sums of rows gets long."""
_FLOOR = 0.2
"""Share of the metric that weighs all directions alike, so that none is given up."""


def stretching(sensitivity: Tensor | None, size: int) -> tuple[Tensor, Tensor]:
    """A map after which plain distances are what errors cost, and its inverse.

    Args:
        sensitivity: Shape ``(size, size)``, as `fisher_information` gives it; without it, or where
            it is 0, all directions are alike.
        size: Of a state.

    Returns:
        Both symmetric. Shape ``(size, size)``, float32.
    """
    if sensitivity is None or not bool(sensitivity.any()):
        return torch.eye(size), torch.eye(size)
    costs, directions = torch.linalg.eigh(sensitivity)
    costs = (1 - _FLOOR) * costs.clamp(min=0) / costs.mean() + _FLOOR
    roots = costs.sqrt()
    stretch, shrink = (directions * roots) @ directions.T, (directions / roots) @ directions.T
    return stretch.float(), shrink.float()


def parts_of(n_bytes: int) -> int:
    """Parts that a vector is cut into: as few as leave each a number of codebooks to search."""
    return next(
        n for n in range(1, n_bytes + 1) if n_bytes % n == 0 and n_bytes // n <= _MOST_BOOKS
    )


def fit_quantiser(
    vectors: Tensor, n_bytes: int, n_parts: int, stretch: Tensor, shrink: Tensor
) -> Quantiser:
    """Learn rotation and codebooks; widths that do not divide are filled up.

    Args:
        vectors: Shape ``(n, size)``, float32.
        n_bytes: Of a code.
        n_parts: Of a vector; ``n_bytes`` of them are a product quantiser (OPQ), fewer a sum of
            rows for each part.
        stretch: See `stretching`.
        shrink: Its inverse.

    Returns:
        The quantiser, rounded to what its file can say.
    """
    n, size = vectors.shape
    part_size = -(-size // n_parts)
    width = n_parts * part_size
    filled = np.zeros((n, width), np.float32)
    filled[:, :size] = (vectors @ stretch).numpy()
    matrix = torch.eye(width)
    if n_parts > 1:
        rotation = faiss.OPQMatrix(width, n_parts)
        rotation.niter = _ROTATION_ROUNDS
        rotation.train(filled)
        matrix = torch.from_numpy(faiss.vector_to_array(rotation.A).reshape(width, width))
        filled = rotation.apply(filled)
    n_books = n_bytes // n_parts
    books = [
        _books(np.ascontiguousarray(filled[:, first : first + part_size]), n_books)
        for first in range(0, width, part_size)
    ]
    analysis, synthesis = matrix[:, :size] @ stretch, matrix[:, :size] @ shrink
    return Quantiser(analysis.half().float(), rounded(torch.cat(books)), synthesis.half().float())


def _books(vectors: np.ndarray, n_books: int) -> Tensor:
    """Codebooks of one part. Shape ``(n_books, 256, part_size)``, float32."""
    size = vectors.shape[1]
    if n_books == 1:
        single = faiss.ProductQuantizer(size, 1, 8)
        single.train(vectors)
        found = single.centroids
    else:
        several = faiss.ResidualQuantizer(size, n_books, 8)
        several.train_type = faiss.ResidualQuantizer.Train_default
        several.max_beam_size = BEAM
        several.train(vectors)
        found = several.codebooks
    return torch.from_numpy(faiss.vector_to_array(found).reshape(n_books, BOOK_SIZE, size).copy())
