"""What all requests to a server share: its indexes, its workers and its keys."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from ...indexer.bm25.java import leave_java
from ...reader import Reader
from ..retrievers import open_retriever
from .auth import ApiKeys
from .batch_handler import BatchHandler
from .batching import BatchRules, BatchWorker
from .errors import NotFoundError
from .gate import Traffic
from .indexes import FindRetriever, IndexWatcher, ReaderCache, ServedIndex
from .jobs import Job, ReadingJob
from .limits import ServeConfig
from .metrics import Metrics


class Service:
    """The part of a server behind its addresses: one thread reads, another searches and looks up.

    Reading takes long and is done in batches; searches do not wait for it.
    """

    def __init__(
        self,
        paths: Mapping[str, Path],
        config: ServeConfig | None = None,
        keys: ApiKeys | None = None,
        *,
        load_reader: Callable[[str], Reader] = Reader.load,
        find_retriever: FindRetriever = open_retriever,
    ) -> None:
        """Open the indexes, load their readers and start the threads.

        Args:
            paths: Folders of the indexes, by the names under which they are served.
            config: Settings; by default those of `ServeConfig`.
            keys: Keys of the clients that may ask; by default everybody may.
            load_reader: Loads a reader by its name.
            find_retriever: Gives what finds an index's passages.

        Raises:
            PrereadError: If an index cannot be opened, or ``config`` sets a least confidence and
                the reader of an index was not calibrated.
        """
        self.config = config or ServeConfig()
        self.keys = keys or ApiKeys()
        self.metrics = Metrics()
        self.traffic = Traffic()
        readers = ReaderCache(load_reader, find_retriever, self.config.min_confidence or 0.0)
        self.indexes = {
            name: ServedIndex(name, path, readers, self.metrics) for name, path in paths.items()
        }
        handler = BatchHandler(self.indexes, self.config.limits)
        self.reading: BatchWorker[ReadingJob[Any], Any] = BatchWorker(
            "reading",
            handler.read,
            BatchRules(
                max_queue=self.config.max_queue,
                max_batch=self.config.max_batch,
                max_weight=self.config.max_batch_passages,
                wait_s=self.config.batch_wait_ms / 1000,
                key=lambda job: (type(job), job.index, job.key()),
                weight=lambda job: job.weight(),
            ),
            self.metrics,
            on_end=leave_java,
        )
        self.looking: BatchWorker[Job[Any], Any] = BatchWorker(
            "looking",
            handler.look,
            BatchRules(max_queue=self.config.max_queue),
            self.metrics,
            on_end=leave_java,
        )
        for worker in (self.reading, self.looking):
            self.metrics.waiting.labels(worker.name).set_function(worker.__len__)
        seconds = self.config.reload_seconds
        self._watcher = IndexWatcher(list(self.indexes.values()), seconds) if seconds else None

    @property
    def is_healthy(self) -> bool:
        """Whether both threads work."""
        return self.reading.is_alive and self.looking.is_alive

    def check_index(self, name: str) -> None:
        """Refuse an index that is not served.

        Args:
            name: Name of the index.

        Raises:
            NotFoundError: If there is none of that name.
        """
        if name not in self.indexes:
            raise NotFoundError(f"index: expected one of {', '.join(self.indexes)}.")

    def worker_of(self, job: Job[Any]) -> BatchWorker[Any, Any]:
        """The worker that does a job.

        Args:
            job: The job.
        """
        return self.reading if isinstance(job, ReadingJob) else self.looking

    def deadline(self, started: float, timeout_ms: int | None) -> float:
        """When the answer to a request is no longer wanted, by ``time.monotonic``.

        Args:
            started: When the request arrived, by the same clock.
            timeout_ms: Milliseconds that the client asked for. The server's limit holds as well.
        """
        limit_ms = 1000 * self.config.limits.timeout_s
        # Compared as an integer: one of JSON may be too large for a float.
        return started + (limit_ms if timeout_ms is None else min(limit_ms, timeout_ms)) / 1000

    def close(self) -> None:
        """End the threads and close the indexes."""
        if self._watcher is not None:
            self._watcher.stop()
        for worker in (self.looking, self.reading):
            worker.close()
        for index in self.indexes.values():
            index.close()

    def __enter__(self) -> Self:
        """Use as a context that closes the service at the end."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the service."""
        self.close()
