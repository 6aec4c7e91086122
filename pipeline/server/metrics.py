"""Metrics of a server, in Prometheus' text format."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_JOBS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The metrics of one server; several servers in one process have separate ones."""

    def __init__(self) -> None:
        """Start at zero."""
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "preread_requests",
            "Requests that have been answered.",
            ("route", "index", "status"),
            registry=self._registry,
        )
        self.seconds = Histogram(
            "preread_request_seconds",
            "From the headers of a request to the end of its reply.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.in_flight = Gauge(
            "preread_in_flight_requests",
            "Requests that are being received, wait or are being answered.",
            registry=self._registry,
        )
        self.waiting = Gauge(
            "preread_waiting_jobs", "Jobs in the queue.", ("worker",), registry=self._registry
        )
        self.batch_jobs = Histogram(
            "preread_batch_jobs",
            "Jobs of a batch.",
            ("worker",),
            buckets=_JOBS,
            registry=self._registry,
        )
        self.batch_seconds = Histogram(
            "preread_batch_seconds",
            "Seconds that a batch took.",
            ("worker",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.dropped = Counter(
            "preread_dropped_jobs",
            "Jobs dropped before any work: no client waited, or the deadline had passed.",
            ("worker",),
            registry=self._registry,
        )
        self.passages = Gauge(
            "preread_index_passages", "Passages of the index.", ("index",), registry=self._registry
        )
        self.generation = Gauge(
            "preread_index_generation",
            "Number of the index's state; each change adds one.",
            ("index",),
            registry=self._registry,
        )
        self.reloads = Counter(
            "preread_index_reloads",
            "Changes of the index that were opened, or could not be.",
            ("index", "outcome"),
            registry=self._registry,
        )

    def text(self) -> bytes:
        """All metrics, as Prometheus reads them."""
        return generate_latest(self._registry)
