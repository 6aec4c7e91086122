"""Asking all parts of an index, and doing without those that do not answer."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar

from ...indexer import Hit
from ..qa.ranking import rank
from ..qa.types import Answered, CandidateSpans, Result, Timings
from .federated import best_hits, merge_candidates
from .partition import AboutPartition

_LOG = logging.getLogger(__name__)
_PROBE_SECONDS = 0.5
"""How often a lost part is asked whether it is there again."""
T = TypeVar("T")
Call: TypeAlias = Callable[["PartitionHandle"], Coroutine[Any, Any, T]]
"""What is asked of a part."""


class Remote(Protocol):
    """A method of a part, wherever the part is."""

    def remote(self, *arguments: Any) -> Awaitable[Any]:
        """Call it."""


class PartitionHandle(Protocol):
    """A part, wherever it is: Ray Serve's ``DeploymentHandle`` of a `Part`."""

    about: Remote
    search: Remote
    read: Remote


@dataclass(frozen=True, slots=True)
class FederatedResult:
    """What parts answered together."""

    result: Result
    failed: dict[str, str] = field(default_factory=dict)
    """Parts that did not, and why; their passages are not in the result."""


class AllPartitions:
    """The parts of an index.

    A part that fails or is late is left out at once until it answers again, so that only the
    requests under way when it is lost wait for it.
    """

    def __init__(self, partitions: Mapping[str, PartitionHandle], *, deadline_s: float) -> None:
        """Take the parts.

        Args:
            partitions: By name, in the order of their passages.
            deadline_s: Seconds that a part may take to search, and again to read.
        """
        self._partitions = dict(partitions)
        self._names = list(partitions)
        self._deadline_s = deadline_s
        self._lost: dict[str, str] = {}
        self._probes: set[asyncio.Task[None]] = set()
        self._about: AboutPartition | None = None

    @property
    def lost(self) -> dict[str, str]:
        """Parts that are left out now, and why."""
        return dict(self._lost)

    async def answer(self, question: str, *, top_k: int, n_answers: int) -> FederatedResult:
        """Ask all parts.

        Args:
            question: Any text.
            top_k: How many passages are read, of all parts together.
            n_answers: How many answers at most.
        """
        timings = Timings()
        failed = dict(self._lost)
        about = await self._first_about(failed)
        search = partial(_search, question, top_k)
        found = await self._each({name: search for name in self._there(failed)}, failed)
        numbers = {self._names.index(name): hits for name, hits in found.items()}
        hits = best_hits(numbers, top_k)
        timings.lap("retrieve")
        theirs: dict[str, list[Hit]] = {}
        for number, hit in hits:
            theirs.setdefault(self._names[number], []).append(hit)
        calls = {name: partial(_read, question, some) for name, some in theirs.items()}
        read = await self._each(calls, failed)
        timings.lap("read")
        whole = merge_candidates(hits, {self._names.index(name): one for name, one in read.items()})
        answered = rank(whole, about.rule, n_answers) if about else Answered()
        timings.lap("answers")
        result = Result(
            answered.answers,
            [hit for _, hit in hits],
            timings,
            n_read=whole.n_read,
            confidence=answered.confidence,
        )
        return FederatedResult(result, failed)

    async def _first_about(self, failed: dict[str, str]) -> AboutPartition | None:
        """How answers are ranked: all parts have the same reader, so that one need say it."""
        if self._about is None:
            found = await self._each({name: _about for name in self._there(failed)}, failed)
            self._about = next(iter(found.values()), None)
        return self._about

    def _there(self, failed: Mapping[str, str]) -> list[str]:
        return [name for name in self._names if name not in failed]

    async def _each(
        self,
        calls: Mapping[str, Callable[[PartitionHandle], Coroutine[Any, Any, T]]],
        failed: dict[str, str],
    ) -> dict[str, T]:
        """What parts say; who says nothing in time is noted."""

        async def one(name: str) -> T:
            return await asyncio.wait_for(calls[name](self._partitions[name]), self._deadline_s)

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
        """Leave a part out until it answers again."""
        if name not in self._lost:
            self._lost[name] = why
            _LOG.warning("part lost: %s (%s)", name, why)
            probe = asyncio.create_task(self._probe(name))
            self._probes.add(probe)
            probe.add_done_callback(self._probes.discard)

    async def _probe(self, name: str) -> None:
        """Ask a lost part until it answers."""
        while name in self._lost:
            await asyncio.sleep(_PROBE_SECONDS)
            with contextlib.suppress(Exception):  # any error means that it is not there yet
                await asyncio.wait_for(_about(self._partitions[name]), self._deadline_s)
                del self._lost[name]
                _LOG.warning("part is there again: %s", name)


async def _about(partition: PartitionHandle) -> AboutPartition:
    found: AboutPartition = await partition.about.remote()
    return found


async def _search(question: str, k: int, partition: PartitionHandle) -> list[Hit]:
    found: list[Hit] = await partition.search.remote(question, k)
    return found


async def _read(question: str, hits: Sequence[Hit], partition: PartitionHandle) -> CandidateSpans:
    found: CandidateSpans = await partition.read.remote(question, hits)
    return found
