"""A thread that works for many clients and does several of their jobs at a time.

    clients ──> queue (bounded) ──> batch of similar jobs ──> handle ──> futures

Jobs that arrive while a batch is being worked on wait and form the next batch together. A job that
no client waits for any more, or whose deadline has passed, is dropped: from the queue at once, and
out of a batch when none of the batch's jobs is wanted.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .errors import DeadlineError, OverloadedError, ShuttingDownError, UnavailableError
from .metrics import Metrics

Job = TypeVar("Job")
Result = TypeVar("Result")
CheckWanted = Callable[[], None]
"""Raises when the batch that is being worked on is not wanted any more."""

_SMOOTHING = 0.2
"""Weight of the newest batch in the running mean of seconds per job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRules(Generic[Job]):
    """Which jobs form a batch, and how many may wait."""

    max_queue: int
    """Jobs that may wait."""
    max_batch: int = 1
    """Jobs of a batch."""
    max_weight: int = 1
    """Total weight of a batch; a heavier job goes alone."""
    wait_s: float = 0.0
    """Seconds that the first job of a batch waits for others, counted from its arrival."""
    key: Callable[[Job], Hashable] = id
    """Jobs with equal keys may share a batch."""
    weight: Callable[[Job], int] = field(default=lambda job: 1)
    """Weight of a job."""


class _JobFuture(Future[Result]):
    """A result that remembers whether a client still waits for it, also while it is worked on."""

    is_abandoned = False

    def cancel(self) -> bool:
        """Stop waiting; the job is dropped unless it is being worked on."""
        self.is_abandoned = True
        return super().cancel()


@dataclass(slots=True)
class _Waiting(Generic[Job, Result]):
    """A job in the queue or in a batch."""

    job: Job
    deadline: float
    came: float = field(default_factory=time.monotonic)
    future: "_JobFuture[Result]" = field(default_factory=_JobFuture)

    def is_wanted(self) -> bool:
        """Whether a client still waits for the result and the deadline has not passed."""
        return not self.future.is_abandoned and time.monotonic() <= self.deadline


class BatchWorker(Generic[Job, Result]):
    """The thread and its queue."""

    def __init__(
        self,
        name: str,
        handle: Callable[[Sequence[Job], CheckWanted], Sequence[Result]],
        rules: BatchRules[Job],
        metrics: Metrics,
        *,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the thread.

        Args:
            name: Name of the worker, in metrics and in the thread's name.
            handle: Gives one result for each job of a batch. If it raises, every job of the batch
                is tried alone, so that the fault of one does not fail the others. Long work calls
                its second argument now and then, which raises when no job is wanted any more.
            rules: How batches are formed.
            metrics: Counts batches and dropped jobs.
            on_end: Called last in the thread.
        """
        self.name = name
        self._handle = handle
        self._rules = rules
        self._metrics = metrics
        self._on_end = on_end
        self._waiting: deque[_Waiting[Job, Result]] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._seconds_per_job = 0.0
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
        """Put a job into the queue.

        Args:
            job: What to do.
            deadline: When the result is no longer wanted, by ``time.monotonic``.

        Returns:
            The future result. Cancelling it drops the job. A job that is being worked on is given
            up at the next check when no other job of its batch is wanted either.

        Raises:
            OverloadedError: If too many jobs are waiting.
            ShuttingDownError: If the worker accepts no more jobs.
            UnavailableError: If there is no thread to work, as in a process that was forked.
        """
        if not self._thread.is_alive() and not self._is_closed:
            raise UnavailableError(
                f"expected the thread {self._thread.name}, found it ended. Restart the server; in "
                "a server that forks, make the service in each process after the fork."
            )
        with self._changed:
            if self._is_closed:
                raise ShuttingDownError("the server is shutting down. Try another, or later.")
            if len(self._waiting) >= self._rules.max_queue:
                self._drop_unwanted()
            if len(self._waiting) >= self._rules.max_queue:
                raise OverloadedError(
                    f"{len(self._waiting)} requests are waiting, the most that may. Try again "
                    "later.",
                    retry_after_s=len(self._waiting) * self._seconds_per_job,
                )
            waiting: _Waiting[Job, Result] = _Waiting(job, deadline)
            self._waiting.append(waiting)
            self._changed.notify()
        return waiting.future

    def close(self, timeout_s: float = 5.0) -> None:
        """Refuse what waits, give up the current batch at its next check, and end the thread.

        Args:
            timeout_s: Seconds to wait for the thread.
        """
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
                self._seconds_per_job += _SMOOTHING * (newest - self._seconds_per_job)
                self._metrics.batch_jobs.labels(self.name).observe(len(batch))
                self._metrics.batch_seconds.labels(self.name).observe(seconds)
        finally:
            self._on_end()

    def _work(self, batch: list[_Waiting[Job, Result]]) -> None:
        """Set the futures of a batch."""

        def check_wanted() -> None:
            if self._is_closed:
                raise ShuttingDownError("the server was stopped.")
            if not any(waiting.is_wanted() for waiting in batch):
                raise DeadlineError("nobody waits for the answer any more.")

        try:
            check_wanted()
            results = self._handle([waiting.job for waiting in batch], check_wanted)
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
        """Wait for jobs; an empty list is the end."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                self._wait_for_company()
                batch = self._take()
                if batch or self._is_closed:
                    return batch

    def _wait_for_company(self) -> None:
        """Let more jobs arrive, unless the first has waited long enough already."""
        while self._waiting and not self._is_closed:
            left = self._waiting[0].came + self._rules.wait_s - time.monotonic()
            if left <= 0 or len(self._waiting) >= self._rules.max_batch:
                return
            self._changed.wait(left)

    def _take(self) -> list[_Waiting[Job, Result]]:
        """The job that has waited longest, and those that can share its batch."""
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
        """Drop the jobs that no client waits for, and those whose deadline has passed."""
        wanted: deque[_Waiting[Job, Result]] = deque()
        for waiting in self._waiting:
            if waiting.is_wanted():
                wanted.append(waiting)
            else:
                waiting.future.cancel()
        n_dropped = len(self._waiting) - len(wanted)
        self._waiting = wanted
        if n_dropped:
            self._metrics.dropped.labels(self.name).inc(n_dropped)
