"""Searching passages by their vectors."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from ...data import PrereadError
from ..bm25.searcher import Hit
from ..index import PassageIndex
from .build import load_encoder
from .encoder import SentenceEncoder
from .vectors import read_vectors, search_vectors


class DenseSearcher:
    """Finds the passages whose vectors are nearest to a question's.

    A hit's score is the cosine of the two.
    """

    def __init__(
        self,
        index: PassageIndex,
        encoder: SentenceEncoder | None = None,
        *,
        device: str = "cpu",
    ) -> None:
        """Open the vectors of an index.

        Args:
            index: An open index; passages that it lacks are not found.
            encoder: Made the vectors; loaded by its name if left out.
            device: Where the encoder is to run, if it is loaded.

        Raises:
            IndexMismatchError: If the encoder is another than the one that made the vectors.
            PrereadError: If the index has no vectors, or the encoder is gone.
        """
        dense = index.manifest.dense
        if dense is None:
            raise PrereadError(
                f"{index.path}: holds no dense vectors. Make them with `preread dense "
                f"{index.path} --encoder ENCODER`."
            )
        self._index = index
        self._dense = dense
        self.encoder = load_encoder(index.path, dense, device, encoder)

    @property
    def encoder_fingerprint(self) -> str:
        """Whose similarities a hit has."""
        return self._dense.fingerprint

    @property
    def description(self) -> str:
        """Whose vectors they are."""
        return f"dense ({self._dense.kind}, {self.encoder.name} {self.encoder.fingerprint[:12]})"

    def search(self, query: str, k: int) -> list[Hit]:
        """Find passages.

        Args:
            query: Any text.
            k: How many passages at most.

        Returns:
            Hits, best first.
        """
        return self.search_many([query], k, threads=1)[0]

    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        """Find passages for several queries at once.

        Args:
            queries: As in `search`.
            k: As in `search`, for each query.
            threads: Not heeded: faiss and PyTorch have settings of their own.

        Returns:
            For each query what `search` finds.
        """
        vectors = self.encoder.encode_queries(queries)
        found: list[list[tuple[float, int]]] = [[] for _ in queries]
        for file in self._files if queries else ():
            some = search_vectors(file, vectors, k, self._index.deleted)
            for so_far, pairs in zip(found, some, strict=True):
                so_far += pairs
        return [
            [
                Hit(ordinal, product, similarity=product)
                for product, ordinal in sorted(pairs, key=_best_first)[:k]
            ]
            for pairs in found
        ]

    @cached_property
    def _files(self) -> list[Any]:
        return [read_vectors(self._index.path / file.file) for file in self._dense.files]


def _best_first(pair: tuple[float, int]) -> tuple[float, int]:
    """Like vectors come in the order of their passages."""
    product, ordinal = pair
    return -product, ordinal
