"""Indexes that may change while they are served.

The folders are checked now and then. When the manifest of one has changed, the index is opened
again and replaces the one that was open, which is closed after the last batch that uses it.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ...data import PrereadError
from ...indexer import IndexMismatchError, PassageIndex
from ...indexer.bm25.java import leave_java
from ...indexer.remote.copies import is_remote, local_index
from ...indexer.storage.manifest import MANIFEST_FILE
from ...reader import Reader
from ..qa.calibration import check_threshold
from ..qa.pipeline import OpenDomainQA
from ..retrievers import Retriever, open_retriever
from ..retrievers.base import name_of
from .logs import log
from .metrics import Metrics

_LOG = logging.getLogger(__name__)
Stamp = tuple[int, int, int]
FindRetriever = Callable[..., Retriever]
"""Opens the retriever of an ``index``; its keyword ``reader`` is the reader of the index."""


@dataclass(slots=True)
class ReaderCache:
    """Readers by name, so that indexes made by the same reader share it."""

    load: Callable[[str], Reader] = Reader.load
    """Loads a reader by its name."""
    find: FindRetriever = open_retriever
    """Gives what finds an index's passages."""
    min_confidence: float = 0.0
    """Least confidence of answers; above 0, readers must be calibrated."""
    _readers: dict[str, Reader] = field(default_factory=dict)

    def open(self, path: Path) -> OpenDomainQA:
        """Open an index with the reader that made it.

        Args:
            path: Folder of the index.

        Raises:
            PrereadError: If index or reader cannot be opened, they do not belong together, or the
                reader must be calibrated and is not.
        """
        index = PassageIndex(path)
        try:
            qa = self._with_reader(index)
            check_threshold(self.min_confidence, qa.rule.confidence_weights)
            # Opened here rather than at the first question, in one of the threads.
            _ = (index.bm25, index.deleted, index.find(""), qa.reader.runtime)
        except BaseException:
            index.close()
            raise
        return qa

    def _with_reader(self, index: PassageIndex) -> OpenDomainQA:
        name = index.manifest.plan.reader
        if name in self._readers:
            try:
                return self._combined(index, self._readers[name])
            except IndexMismatchError:
                log(_LOG, logging.INFO, "reader changed", reader=name)
        reader = self.load(name)
        qa = self._combined(index, reader)
        self._readers[name] = reader
        return qa

    def _combined(self, index: PassageIndex, reader: Reader) -> OpenDomainQA:
        index.check_reader(reader)  # before its retrieval head is asked for
        return OpenDomainQA(index, reader, self.find(index, reader=reader))


@dataclass(slots=True)
class _Opened:
    """An open index and the number of its users."""

    qa: OpenDomainQA
    n_users: int = 0
    is_old: bool = False


class ServedIndex:
    """One index, in the state that its folder had when it was last checked."""

    def __init__(self, name: str, path: Path, readers: ReaderCache, metrics: Metrics) -> None:
        """Open the index.

        Args:
            name: Name under which it is served.
            path: Its folder.
            readers: Readers that are loaded already.
            metrics: Where changes are counted.

        Raises:
            PrereadError: If it cannot be opened.
        """
        self.name = name
        self.path = path
        self._cache = readers
        self._metrics = metrics
        self._lock = threading.Lock()
        self._last_failure = ""
        self._stamp, self._opened = self._open()

    @property
    def n_passages(self) -> int:
        """How many passages the index has now."""
        return self._opened.qa.index.manifest.n_passages

    @property
    def retriever(self) -> str:
        """Name of what finds its passages now."""
        return name_of(self._opened.qa.retriever)

    @contextmanager
    def in_use(self) -> Iterator[OpenDomainQA]:
        """The index as it is now. Within the context it stays open and does not change."""
        with self._lock:
            opened = self._opened
            opened.n_users += 1
        try:
            yield opened.qa
        finally:
            with self._lock:
                opened.n_users -= 1
                is_last = opened.is_old and opened.n_users == 0
            if is_last:
                opened.qa.index.close()

    def refresh(self) -> bool:
        """Open the index again if its folder has changed.

        If the new state cannot be opened, that is logged and the old state is served on.

        Returns:
            Whether a new state is served now.
        """
        try:
            if _stamp(self.path) == self._stamp:
                return False
            stamp, opened = self._open()
        except (PrereadError, OSError) as error:
            self._metrics.reloads.labels(self.name, "failed").inc()
            if str(error) != self._last_failure:  # logged once, not at every check
                self._last_failure = str(error)
                log(_LOG, logging.ERROR, "reload failed", index=self.name, reason=str(error))
            return False
        with self._lock:
            old, self._opened, self._stamp = self._opened, opened, stamp
            old.is_old = True
            is_idle = old.n_users == 0
        if is_idle:
            old.qa.index.close()
        self._last_failure = ""
        self._metrics.reloads.labels(self.name, "ok").inc()
        manifest = opened.qa.index.manifest
        facts = {"generation": manifest.generation, "n_passages": manifest.n_passages}
        log(_LOG, logging.INFO, "reloaded", index=self.name, **facts)
        return True

    def close(self) -> None:
        """Close the index; nothing may use it any more."""
        self._opened.qa.index.close()

    def _open(self) -> tuple[Stamp, _Opened]:
        """Open the index, with the stamp from before, so that a later change is noticed."""
        stamp = _stamp(self.path)
        opened = _Opened(self._cache.open(self.path))
        manifest = opened.qa.index.manifest
        self._metrics.passages.labels(self.name).set(manifest.n_passages)
        self._metrics.generation.labels(self.name).set(manifest.generation)
        return stamp, opened


class IndexWatcher:
    """A thread that checks the folders of indexes now and then."""

    def __init__(self, indexes: Sequence[ServedIndex], seconds: float) -> None:
        """Start checking.

        Args:
            indexes: The indexes.
            seconds: Time between two checks.
        """
        self._indexes = indexes
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="preread-watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop checking."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopped.wait(self._seconds):
                for index in self._indexes:
                    try:
                        index.refresh()
                    except Exception:  # does not end the checks
                        _LOG.exception("reload failed")
        finally:
            leave_java()


def _stamp(path: Path) -> Stamp:
    """What changes with the manifest, which is written anew and renamed at every change."""
    try:
        found = os.stat(path / MANIFEST_FILE)
    except FileNotFoundError:
        return 0, 0, 0  # the error of opening the index says what is missing
    return found.st_ino, found.st_mtime_ns, found.st_size


def named_paths(arguments: Sequence[str]) -> dict[str, Path]:
    """The indexes that a command line names.

    Args:
        arguments: ``NAME=PATH``, or ``PATH`` for an index that has the name of its folder.

    Raises:
        PrereadError: If a name cannot be part of an address, or two indexes have the same name.
    """
    paths: dict[str, Path] = {}
    for one in arguments:
        name, has_name, path = one.partition("=")
        if not has_name or Path(one).is_dir() or is_remote(name):
            path, name = one, Path(one).resolve().name
        if not name or not all(c.isascii() and (c.isalnum() or c in "-_.") for c in name):
            raise PrereadError(
                f"{one}: expected a name of letters, digits, '-', '_' and '.', found {name!r}. "
                "Write NAME=PATH."
            )
        if name in paths:
            raise PrereadError(
                f"{one}: expected another name than {name!r}, which {paths[name]} has already. "
                "Write NAME=PATH."
            )
        paths[name] = local_index(path, show_progress=True)
    return paths
