"""Searching passages by their dense vectors."""

from collections.abc import Sequence

import numpy as np

from ...data import PrereadError
from ...reader import Reader
from ..bm25.searcher import Hit
from ..index import PassageIndex
from .base import VectorEncoder
from .build import load_encoder
from .checking import check_vectors
from .vectors import read_vectors, search_among, search_vectors


class DenseSearcher:
    """Finds the passages whose vectors are nearest to the vector of a question.

    The score of a hit is the cosine of the two vectors.
    """

    name = "dense"

    def __init__(
        self,
        index: PassageIndex,
        encoder: VectorEncoder | None = None,
        *,
        reader: Reader | None = None,
        device: str = "cpu",
        allow_hub: bool | None = None,
    ) -> None:
        """Open the vectors of an index.

        Args:
            index: An open index; its deleted passages are not found.
            encoder: The encoder that made the vectors; by default it is loaded by its name.
            reader: The reader of the index, whose retrieval head may be the encoder; by default it
                is loaded if it is needed.
            device: Device of the encoder, if it is loaded here.
            allow_hub: Whether an encoder that is in no folder here may be fetched from the Hugging
                Face hub; by default what ``$PREREAD_ALLOW_HUB`` says.

        Raises:
            IndexFormatError: If the files of vectors are damaged.
            IndexMismatchError: If another encoder made the vectors, or the head of a reader that
                has none now.
            PrereadError: If the index has no vectors, or the encoder cannot be loaded.
        """
        dense = index.manifest.dense
        if dense is None:
            raise PrereadError(
                f"{index.path}: has no dense vectors. Make them with `preread dense "
                f"{index.path} --encoder ENCODER`."
            )
        self._index = index
        self._dense = dense
        # At once: hashing the files may take seconds, and a question should not wait for it.
        self._files = [read_vectors(path) for path in check_vectors(index.path, dense)]
        self.encoder = load_encoder(
            index.path, dense, device, encoder, reader=reader, allow_hub=allow_hub
        )

    @property
    def encoder_fingerprint(self) -> str:
        """Fingerprint of the encoder that made the vectors."""
        return self._dense.fingerprint

    @property
    def description(self) -> str:
        """Kind of the vectors, and name and fingerprint of their encoder."""
        return f"dense ({self._dense.kind}, {self.encoder.name} {self.encoder.fingerprint[:12]})"

    def search(self, query: str, k: int) -> list[Hit]:
        """Find passages for a question, best first.

        Args:
            query: Any text.
            k: Greatest number of hits.
        """
        return self.search_many([query], k, threads=1)[0]

    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        """Find passages for several questions together.

        Args:
            queries: Any texts.
            k: Greatest number of hits for each question.
            threads: Not used; faiss and PyTorch have their own settings.
        """
        vectors = self.encoder.encode_queries(queries)
        found: list[list[tuple[float, int]]] = [[] for _ in queries]
        for file in self._files if queries else ():
            some = search_vectors(file, vectors, k, self._index.deleted)
            for so_far, pairs in zip(found, some, strict=True):
                so_far += pairs
        return [_hits(pairs, k) for pairs in found]

    def search_among(self, query: str, k: int, ordinals: Sequence[int]) -> list[Hit]:
        """Find passages among given ones, best first, whatever cells their vectors are in.

        Args:
            query: Any text.
            k: Greatest number of hits.
            ordinals: Numbers of the passages that may be found; none is deleted.
        """
        if not ordinals:
            return []
        vector = self.encoder.encode_queries([query])
        among = np.asarray(ordinals, "<u4")
        pairs = [pair for file in self._files for pair in search_among(file, vector, among)]
        return _hits(pairs, k)


def _hits(pairs: Sequence[tuple[float, int]], k: int) -> list[Hit]:
    """The hits of the greatest products; equal products in the order of the passages."""
    best = sorted(pairs, key=lambda pair: (-pair[0], pair[1]))[:k]
    return [Hit(ordinal, product, similarity=product) for product, ordinal in best]
