"""Learning a quantiser, with faiss."""

import faiss
import numpy as np
import torch
from torch import Tensor

from ..beam_search import BEAM, BOOK_SIZE
from ..quantised import Quantiser
from ..tables import rounded

_ROTATION_ROUNDS = 10
_MOST_BOOKS = 10
"""Most codebooks of a part. With more, the search for good sums of rows gets slow."""
_FLOOR = 0.2
"""Share of the metric that weights all directions equally, so that none is neglected."""


def stretching(sensitivity: Tensor | None, size: int) -> tuple[Tensor, Tensor]:
    """A map after which plain distances measure what errors cost, and its inverse.

    Args:
        sensitivity: From `fisher_information`. Shape ``(size, size)``. If it is None or 0, all
            directions have the same weight.
        size: Width of a state.

    Returns:
        Two symmetric matrices. Shape ``(size, size)`` each, float32.
    """
    if sensitivity is None or not bool(sensitivity.any()):
        return torch.eye(size), torch.eye(size)
    costs, directions = torch.linalg.eigh(sensitivity)
    costs = (1 - _FLOOR) * costs.clamp(min=0) / costs.mean() + _FLOOR
    roots = costs.sqrt()
    stretch, shrink = (directions * roots) @ directions.T, (directions / roots) @ directions.T
    return stretch.float(), shrink.float()


def parts_of(n_bytes: int) -> int:
    """Number of parts of a vector: as few as leave at most `_MOST_BOOKS` codebooks to each.

    Args:
        n_bytes: Number of bytes of a code.
    """
    return next(
        n for n in range(1, n_bytes + 1) if n_bytes % n == 0 and n_bytes // n <= _MOST_BOOKS
    )


def fit_quantiser(
    vectors: Tensor, n_bytes: int, n_parts: int, stretch: Tensor, shrink: Tensor
) -> Quantiser:
    """Learn a rotation and codebooks, rounded to the precision of their file.

    Args:
        vectors: Shape ``(n, size)``, float32.
        n_bytes: Number of bytes of a code.
        n_parts: Number of parts of a vector; with ``n_bytes`` parts the result is a product
            quantiser (OPQ), with fewer each part is a sum of rows. If it does not divide ``size``,
            vectors are padded with zeros.
        stretch: Map after which plain distances measure what errors cost. Shape ``(size, size)``.
        shrink: Inverse of ``stretch``. Shape ``(size, size)``.
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
