"""A partition of an index, in a process of its own."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ...indexer import Hit
from ..qa.pipeline import OpenDomainQA
from ..qa.ranking import AnswerRule
from ..qa.types import CandidateSpans
from ..retrievers import RetrieverName
from ..retrievers.filtered import search_filtered
from ..retrievers.parameters import with_bm25_parameters
from ..server.retrieval import Retrieval

T = TypeVar("T")


class Partition:
    """Searches and reads one partition; a replica of a Ray Serve deployment."""

    def __init__(self, path: str, device: str, runtime: str, precision: str) -> None:
        """Open the partition with its reader.

        Args:
            path: Its folder, or its URL.
            device: Where the upper layers run: ``cpu`` or ``cuda``.
            runtime: What computes the upper layers: ``torch``, or ``onnx-int8`` on a CPU.
            precision: Number format in which PyTorch runs the upper layers.

        Raises:
            PrereadError: If the partition or its reader cannot be opened.
        """
        # One thread, in which Java and the reader's kernels are warm; questions wait their turn.
        self._thread = ThreadPoolExecutor(1)
        self._qa = self._thread.submit(
            OpenDomainQA.from_index,
            path,
            device=device,
            runtime=runtime,
            precision=precision,
            retriever=RetrieverName.BM25,  # its scores compare between partitions
        ).result()
        self._thread.submit(self._qa.index.bm25.search, "warm", 1).result()

    async def rule(self) -> AnswerRule:
        """How answers are ranked."""
        return self._qa.rule

    async def search(self, question: str, k: int, retrieval: Retrieval) -> list[Hit]:
        """Find passages of the partition, best first, with the scores of the whole index.

        Args:
            question: Any text.
            k: How many passages at most.
            retrieval: Conditions on metadata, and parameters of BM25.
        """
        index = self._qa.index

        def search() -> list[Hit]:
            parameters = retrieval.bm25_parameters(index)
            retriever = with_bm25_parameters(self._qa.retriever, parameters)
            return search_filtered(index, retriever, question, k, retrieval.filter)

        return await self._do(search)

    async def read(self, question: str, hits: Sequence[Hit]) -> CandidateSpans:
        """Find the spans that may answer a question in some passages of the partition.

        Args:
            question: Any text.
            hits: The passages.
        """
        return await self._do(lambda: self._qa.read(question, hits))

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
