"""Metrics of a server, in Prometheus' text format."""

from collections.abc import Sized

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_JOBS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The metrics of one server; several servers in one process have separate ones."""

    def __init__(self) -> None:
        """Start at zero."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "preread_requests",
            "Requests that have been answered.",
            ("route", "index", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "preread_request_seconds",
            "From the headers of a request to the end of its reply.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "preread_in_flight_requests",
            "Requests that are being received, wait or are being answered.",
            registry=self._registry,
        )
        self._waiting = Gauge(
            "preread_waiting_jobs", "Jobs in the queue.", ("worker",), registry=self._registry
        )
        self._batch_jobs = Histogram(
            "preread_batch_jobs",
            "Jobs of a batch.",
            ("worker",),
            buckets=_JOBS,
            registry=self._registry,
        )
        self._batch_seconds = Histogram(
            "preread_batch_seconds",
            "Seconds that a batch took.",
            ("worker",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._dropped = Counter(
            "preread_dropped_jobs",
            "Jobs dropped before any work: no client waited, or the deadline had passed.",
            ("worker",),
            registry=self._registry,
        )
        self._passages = Gauge(
            "preread_index_passages", "Passages of the index.", ("index",), registry=self._registry
        )
        self._generation = Gauge(
            "preread_index_generation",
            "Number of the index's state; each change adds one.",
            ("index",),
            registry=self._registry,
        )
        self._reloads = Counter(
            "preread_index_reloads",
            "Changes of the index that were opened, or could not be.",
            ("index", "outcome"),
            registry=self._registry,
        )

    def show_waiting(self, worker: str, jobs: Sized) -> None:
        """Show the length of a queue.

        Args:
            worker: Name of the worker.
            jobs: The queue; its length is read whenever the metrics are.
        """
        self._waiting.labels(worker).set_function(lambda: len(jobs))

    def worked(self, worker: str, n_jobs: int, seconds: float) -> None:
        """A batch is finished.

        Args:
            worker: Name of the worker.
            n_jobs: Jobs of the batch.
            seconds: Time that the batch took.
        """
        self._batch_jobs.labels(worker).observe(n_jobs)
        self._batch_seconds.labels(worker).observe(seconds)

    def dropped(self, worker: str, n_jobs: int) -> None:
        """Jobs were dropped before they were worked on.

        Args:
            worker: Name of the worker.
            n_jobs: How many jobs.
        """
        self._dropped.labels(worker).inc(n_jobs)

    def replied(self, route: str, index: str, status: int, seconds: float) -> None:
        """A request was answered.

        Args:
            route: Its address, with parameters as names.
            index: Name of the index, or empty.
            status: HTTP status code of the reply.
            seconds: Time from the request's headers to the end of the reply.
        """
        self._requests.labels(route, index, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def in_flight(self, n_requests: int) -> None:
        """The number of requests in flight has changed.

        Args:
            n_requests: How many there are now.
        """
        self._in_flight.set(n_requests)

    def opened(self, index: str, n_passages: int, generation: int) -> None:
        """A state of an index is served.

        Args:
            index: Name of the index.
            n_passages: How many passages it has.
            generation: Generation of its manifest.
        """
        self._passages.labels(index).set(n_passages)
        self._generation.labels(index).set(generation)

    def reloaded(self, index: str, *, ok: bool) -> None:
        """A changed index was opened, or could not be.

        Args:
            index: Name of the index.
            ok: Whether it was opened.
        """
        self._reloads.labels(index, "ok" if ok else "failed").inc()

    def text(self) -> bytes:
        """All metrics, as Prometheus reads them."""
        return generate_latest(self._registry)
