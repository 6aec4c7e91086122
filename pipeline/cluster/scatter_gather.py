"""Asking all partitions of an index, and answering without those that fail."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from ...indexer import Hit
from ...indexer.bm25.partition_searcher import merge_hits
from ..qa.ranking import AnswerRule, rank
from ..qa.types import Answered, CandidateSpans, Result, Timings
from ..server.retrieval import Retrieval
from .federated import merge_candidates

_LOG = logging.getLogger(__name__)
_PROBE_SECONDS = 0.5
"""Time between two attempts to reach a lost partition."""
T = TypeVar("T")


class Remote(Protocol):
    """A method of a partition, which may be in another process."""

    def remote(self, *arguments: Any) -> Awaitable[Any]:
        """Call the method.

        Args:
            *arguments: Its arguments.
        """


class PartitionHandle(Protocol):
    """A partition, which may be in another process: Ray Serve's handle of a `Partition`."""

    rule: Remote
    search: Remote
    read: Remote


@dataclass(frozen=True, slots=True)
class FederatedResult:
    """The answer of several partitions together."""

    result: Result
    """Answers, hits and timings."""
    failed: dict[str, str] = field(default_factory=dict)
    """Partitions that did not answer, and why. Their passages are not in the result."""


class AllPartitions:
    """The partitions of an index.

    A partition that fails or is late is left out until it answers again, so that only the requests
    that are under way when it is lost wait for it.
    """

    def __init__(self, partitions: Mapping[str, PartitionHandle], *, deadline_s: float) -> None:
        """Take the partitions.

        Args:
            partitions: The partitions by name, in the order of their passages.
            deadline_s: Seconds that a partition may take to search, and again to read.
        """
        self._partitions = dict(partitions)
        self._names = list(partitions)
        self._deadline_s = deadline_s
        self._lost: dict[str, str] = {}
        self._probes: set[asyncio.Task[None]] = set()
        self._rule: AnswerRule | None = None

    @property
    def lost(self) -> dict[str, str]:
        """Partitions that are left out now, and why."""
        return dict(self._lost)

    async def answer(
        self,
        question: str,
        *,
        top_k: int,
        n_answers: int,
        retrieval: Retrieval,
    ) -> FederatedResult:
        """The answers of all partitions together, and the partitions that failed.

        Args:
            question: Any text.
            top_k: How many passages are read, of all partitions together.
            n_answers: How many answers at most.
            retrieval: Conditions on metadata, and parameters of BM25.
        """
        timings = Timings()
        failed = dict(self._lost)
        rule = await self._first_rule(failed)
        search = partial(_search, question, top_k, retrieval)
        found = await self._each(dict.fromkeys(self._there(failed), search), failed)
        of_numbers = ((self._names.index(name), hits) for name, hits in found.items())
        hits = merge_hits([(number, hit) for number, some in of_numbers for hit in some], top_k)
        timings.lap("retrieve")
        theirs: dict[str, list[Hit]] = {}
        for number, hit in hits:
            theirs.setdefault(self._names[number], []).append(hit)
        calls = {name: partial(_read, question, some) for name, some in theirs.items()}
        read = await self._each(calls, failed)
        timings.lap("read")
        whole = merge_candidates(hits, {self._names.index(name): one for name, one in read.items()})
        answered = rank(whole, rule, n_answers) if rule else Answered()
        timings.lap("answers")
        result = Result(
            answered.answers,
            [hit for _, hit in hits],
            timings,
            n_read=whole.n_read,
            confidence=answered.confidence,
        )
        return FederatedResult(result, failed)

    async def _first_rule(self, failed: dict[str, str]) -> AnswerRule | None:
        """How answers are ranked. All partitions have the same reader, so one answer is enough."""
        if self._rule is None:
            found = await self._each(dict.fromkeys(self._there(failed), _rule), failed)
            self._rule = next(iter(found.values()), None)
        return self._rule

    def _there(self, failed: Mapping[str, str]) -> list[str]:
        return [name for name in self._names if name not in failed]

    async def _each(
        self,
        calls: Mapping[str, Callable[[PartitionHandle], Awaitable[T]]],
        failed: dict[str, str],
    ) -> dict[str, T]:
        """The replies of partitions; those that fail or are late are added to ``failed``."""

        async def one(name: str) -> T:
            async with asyncio.timeout(self._deadline_s):
                return await calls[name](self._partitions[name])

        results = await asyncio.gather(*map(one, calls), return_exceptions=True)
        said: dict[str, T] = {}
        for name, result in zip(calls, results, strict=True):
            if isinstance(result, asyncio.CancelledError):
                raise result
            if isinstance(result, BaseException):
                failed[name] = type(result).__name__
                self._lose(name, failed[name])
            else:
                said[name] = result
        return said

    def _lose(self, name: str, why: str) -> None:
        """Leave a partition out until it answers again."""
        if name not in self._lost:
            self._lost[name] = why
            _LOG.warning("partition lost: %s (%s)", name, why)
            probe = asyncio.create_task(self._probe(name))
            self._probes.add(probe)
            probe.add_done_callback(self._probes.discard)

    async def _probe(self, name: str) -> None:
        """Try a lost partition until it answers."""
        while name in self._lost:
            await asyncio.sleep(_PROBE_SECONDS)
            with contextlib.suppress(Exception):  # after any error it is tried again
                async with asyncio.timeout(self._deadline_s):
                    await _rule(self._partitions[name])
                del self._lost[name]
                _LOG.warning("partition answers again: %s", name)


def _rule(partition: PartitionHandle) -> Awaitable[AnswerRule]:
    return partition.rule.remote()


def _search(
    question: str, k: int, retrieval: Retrieval, partition: PartitionHandle
) -> Awaitable[list[Hit]]:
    return partition.search.remote(question, k, retrieval)


def _read(
    question: str, hits: Sequence[Hit], partition: PartitionHandle
) -> Awaitable[CandidateSpans]:
    return partition.read.remote(question, hits)
