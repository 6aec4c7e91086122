"""One thread that works for many clients, several requests at a time.

    clients ──> waiting (bounded) ──> batch of like requests ──> handle ──> futures

Requests that come while a batch is being worked on wait, and make the next batch together. Those
that nobody waits for any more, or whose time is over, are thrown away unread.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from .errors import OverloadedError, ShuttingDownError

Job = TypeVar("Job")
Result = TypeVar("Result")

_SMOOTHING = 0.2
"""Weight of the newest batch in the running mean of seconds a job."""


class Observer(Protocol):
    """Is told what a worker does."""

    def worked(self, worker: str, n_jobs: int, seconds: float) -> None:
        """A batch is done."""

    def dropped(self, worker: str, n_jobs: int) -> None:
        """Jobs were thrown away unread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRules(Generic[Job]):
    """What goes into a batch, and how much may wait."""

    max_queue: int
    max_batch: int = 1
    max_weight: int = 1
    """A job of more weight goes alone."""
    wait_s: float = 0.0
    """How long the first job of a batch waits for others, from when it came."""
    key: Callable[[Job], Hashable] = id
    """Jobs of one key may share a batch."""
    weight: Callable[[Job], int] = field(default=lambda job: 1)


@dataclass(slots=True)
class _Waiting(Generic[Job, Result]):
    """A job whose turn has not come."""

    job: Job
    deadline: float
    came: float = field(default_factory=time.monotonic)
    future: "Future[Result]" = field(default_factory=Future)

    def is_wanted(self) -> bool:
        """Whether somebody still waits for it; if not, its future is cancelled."""
        if time.monotonic() > self.deadline:
            self.future.cancel()
        return not self.future.cancelled()


class BatchWorker(Generic[Job, Result]):
    """The thread, and what waits for it."""

    def __init__(
        self,
        name: str,
        handle: Callable[[Sequence[Job]], Sequence[Result]],
        rules: BatchRules[Job],
        observer: Observer,
        *,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the thread.

        Args:
            name: Of the thread, and in metrics.
            handle: Gives one result for each job of a batch. Where it raises, every job of the
                batch is tried by itself, so that one's fault is not another's.
            rules: How batches are made.
            observer: Is told of batches, from the thread.
            on_end: Called in the thread, last.
        """
        self.name = name
        self._handle = handle
        self._rules = rules
        self._observer = observer
        self._on_end = on_end
        self._waiting: deque[_Waiting[Job, Result]] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._seconds_a_job = 0.0
        self._thread = threading.Thread(target=self._run, name=f"preread-{name}", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    @property
    def is_alive(self) -> bool:
        """Whether the thread still works."""
        return self._thread.is_alive()

    def submit(self, job: Job, deadline: float) -> "Future[Result]":
        """Let a job wait for its turn.

        Args:
            job: What is to be done.
            deadline: When it is no longer worth doing, by ``time.monotonic``.

        Returns:
            Its result to be. Cancelling it takes the job out, unless it is being worked on.

        Raises:
            OverloadedError: If too many jobs wait already.
            ShuttingDownError: If the worker takes no more.
        """
        with self._changed:
            if self._is_closed:
                raise ShuttingDownError("the server is shutting down. Ask another, or later.")
            if len(self._waiting) >= self._rules.max_queue:
                self._drop_unwanted()
            if len(self._waiting) >= self._rules.max_queue:
                raise OverloadedError(
                    f"{len(self._waiting)} requests wait already, and no more may. Try again "
                    "later.",
                    retry_after_s=len(self._waiting) * self._seconds_a_job,
                )
            waiting: _Waiting[Job, Result] = _Waiting(job, deadline)
            self._waiting.append(waiting)
            self._changed.notify()
        return waiting.future

    def close(self, timeout_s: float = 5.0) -> None:
        """Finish the batch that is being worked on, refuse what waits, and end the thread."""
        with self._changed:
            self._is_closed = True
            while self._waiting:
                future = self._waiting.popleft().future
                if future.set_running_or_notify_cancel():
                    future.set_exception(ShuttingDownError("the server was stopped."))
            self._changed.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                started = time.monotonic()
                self._work(batch)
                seconds = time.monotonic() - started
                newest = seconds / len(batch)
                self._seconds_a_job += _SMOOTHING * (newest - self._seconds_a_job)
                self._observer.worked(self.name, len(batch), seconds)
        finally:
            self._on_end()

    def _work(self, batch: list[_Waiting[Job, Result]]) -> None:
        """Set the futures of a batch."""
        try:
            results = self._handle([waiting.job for waiting in batch])
        except Exception as error:
            if len(batch) == 1:
                batch[0].future.set_exception(error)
                return
            for waiting in batch:
                self._work([waiting])
            return
        for waiting, result in zip(batch, results, strict=True):
            waiting.future.set_result(result)

    def _next_batch(self) -> list[_Waiting[Job, Result]]:
        """Wait for jobs; an empty list means the end."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                self._wait_for_company()
                batch = self._take()
                if batch or self._is_closed:
                    return batch

    def _wait_for_company(self) -> None:
        """Give others the time to come, if the first job has not waited long enough already."""
        while self._waiting and not self._is_closed:
            left = self._waiting[0].came + self._rules.wait_s - time.monotonic()
            if left <= 0 or len(self._waiting) >= self._rules.max_batch:
                return
            self._changed.wait(left)

    def _take(self) -> list[_Waiting[Job, Result]]:
        """The job that has waited longest, and those that can go with it."""
        self._drop_unwanted()
        batch: list[_Waiting[Job, Result]] = []
        left: deque[_Waiting[Job, Result]] = deque()
        weight = 0
        for waiting in self._waiting:
            more = weight + self._rules.weight(waiting.job)
            fits = not batch or (
                len(batch) < self._rules.max_batch
                and more <= self._rules.max_weight
                and self._rules.key(waiting.job) == self._rules.key(batch[0].job)
            )
            if fits and waiting.future.set_running_or_notify_cancel():
                batch.append(waiting)
                weight = more
            elif not waiting.future.cancelled():
                left.append(waiting)
        self._waiting = left
        return batch

    def _drop_unwanted(self) -> None:
        """Throw away what nobody waits for."""
        wanted = deque(waiting for waiting in self._waiting if waiting.is_wanted())
        n_dropped = len(self._waiting) - len(wanted)
        self._waiting = wanted
        if n_dropped:
            self._observer.dropped(self.name, n_dropped)
