"""Numbers about a server, in Prometheus' text format."""

from collections.abc import Sized

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_JOBS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The numbers of one server; several in one process keep theirs apart."""

    def __init__(self) -> None:
        """Start at zero."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "preread_requests",
            "Requests that were replied to.",
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
            "Requests that are being received, waiting or answered.",
            registry=self._registry,
        )
        self._waiting = Gauge(
            "preread_waiting_jobs", "Jobs that wait.", ("worker",), registry=self._registry
        )
        self._batch_jobs = Histogram(
            "preread_batch_jobs",
            "Requests that were worked on together.",
            ("worker",),
            buckets=_JOBS,
            registry=self._registry,
        )
        self._batch_seconds = Histogram(
            "preread_batch_seconds",
            "Time that a batch took.",
            ("worker",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._dropped = Counter(
            "preread_dropped_jobs",
            "Jobs thrown away unread: nobody waited for them any more, or their time was over.",
            ("worker",),
            registry=self._registry,
        )
        self._passages = Gauge(
            "preread_index_passages", "Passages.", ("index",), registry=self._registry
        )
        self._generation = Gauge(
            "preread_index_generation",
            "Goes up with each change of the index.",
            ("index",),
            registry=self._registry,
        )
        self._reloads = Counter(
            "preread_index_reloads",
            "How often a change of the index was taken up, or could not be.",
            ("index", "outcome"),
            registry=self._registry,
        )

    def show_waiting(self, worker: str, jobs: Sized) -> None:
        """Have the length of a worker's queue read whenever the numbers are asked for."""
        self._waiting.labels(worker).set_function(lambda: len(jobs))

    def worked(self, worker: str, n_jobs: int, seconds: float) -> None:
        """A batch is done."""
        self._batch_jobs.labels(worker).observe(n_jobs)
        self._batch_seconds.labels(worker).observe(seconds)

    def dropped(self, worker: str, n_jobs: int) -> None:
        """Jobs were thrown away unread."""
        self._dropped.labels(worker).inc(n_jobs)

    def replied(self, route: str, index: str, status: int, seconds: float) -> None:
        """A request was replied to."""
        self._requests.labels(route, index, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def in_flight(self, n_requests: int) -> None:
        """So many requests are in flight."""
        self._in_flight.set(n_requests)

    def opened(self, index: str, n_passages: int, generation: int) -> None:
        """An index is served as it is now."""
        self._passages.labels(index).set(n_passages)
        self._generation.labels(index).set(generation)

    def reloaded(self, index: str, *, ok: bool) -> None:
        """A change of an index was taken up, or could not be."""
        self._reloads.labels(index, "ok" if ok else "failed").inc()

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)
