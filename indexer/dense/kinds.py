"""Kinds of dense vectors, and the name of the encoder that every reader may bring."""

from enum import StrEnum

READER = "reader"
"""Name of the reader's own retrieval head among encoders, in a manifest and on the command line."""
MOST_SEARCHED_FLAT = 500_000
"""Number of passages above which comparing a question with each of them takes too long."""
BYTES_OF_NUMBERS = 4
"""Number of a vector's dimensions that one byte of a product quantiser encodes."""


class VectorKind(StrEnum):
    """How vectors are stored and searched."""

    INT8 = "int8"
    """Stored in int8; each is compared with the question."""
    FLAT = "flat"
    """Stored in float16; each is compared with the question, so the search is exact."""
    IVF = "ivf"
    """Stored in float16 in cells; the cells nearest to the question are searched."""
    IVFPQ = "ivfpq"
    """Stored in cells, product-quantised to an eighth of the bytes of float16."""

    @classmethod
    def for_size(cls, n_vectors: int) -> "VectorKind":
        """The kind that suits a number of vectors.

        Args:
            n_vectors: Number of vectors.
        """
        return cls.INT8 if n_vectors <= MOST_SEARCHED_FLAT else cls.IVF
