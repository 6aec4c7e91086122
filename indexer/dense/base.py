"""What turns texts into vectors: a sentence encoder, or the reader's own retrieval head."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...data import Passage

Vectors = npt.NDArray[np.float32]


class VectorEncoder(Protocol):
    """Turns passages and questions into vectors whose products measure how well they fit."""

    name: str
    """Name by which the encoder is loaded."""
    query_prefix: str
    """Text that is put before a question."""
    passage_prefix: str
    """Text that is put before a passage."""

    @property
    def width(self) -> int:
        """Numbers in a vector."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that decides a vector, hexadecimal."""

    def encode_passages(self, passages: Sequence[Passage]) -> Vectors:
        """Compute the vectors of passages.

        Args:
            passages: Passages, which are encoded with their titles.

        Returns:
            Vectors of length 1. Shape ``(n_passages, width)``, float32.
        """

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Compute the vectors of questions.

        Args:
            queries: Questions.

        Returns:
            Vectors of length 1. Shape ``(n_queries, width)``, float32.
        """
