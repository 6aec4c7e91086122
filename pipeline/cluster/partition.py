"""A part of an index, in a process of its own."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from ...indexer import Hit
from ..qa.pipeline import OpenDomainQA
from ..qa.ranking import AnswerRule
from ..qa.types import CandidateSpans

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AboutPartition:
    """What a front must know of a part."""

    n_passages: int
    rule: AnswerRule
    """How answers are ranked."""


class Partition:
    """Searches and reads one part; a Ray Serve deployment's replica."""

    def __init__(self, path: str, device: str, runtime: str, precision: str) -> None:
        """Open the part with its reader; see `OpenDomainQA.from_index`."""
        # One thread: Java and the reader's kernels are warm in it, and questions wait their turn.
        self._thread = ThreadPoolExecutor(1)
        self._qa = self._thread.submit(
            OpenDomainQA.from_index, path, device=device, runtime=runtime, precision=precision
        ).result()
        self._thread.submit(self._qa.index.bm25.search, "warm", 1).result()

    async def about(self) -> AboutPartition:
        """What it is."""
        return AboutPartition(len(self._qa.index), self._qa.rule)

    async def search(self, question: str, k: int) -> list[Hit]:
        """Its best hits, by the scores of the whole index."""
        return await self._do(lambda: list(self._qa.retriever.search(question, k)))

    async def read(self, question: str, hits: Sequence[Hit]) -> CandidateSpans:
        """What may be an answer in some of its passages."""
        return await self._do(lambda: self._qa.read(question, hits))

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
