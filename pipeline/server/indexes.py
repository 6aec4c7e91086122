"""Indexes that change while they are served.

A folder is looked at now and then. When its manifest is another, the index is opened anew and takes
the place of the one that was open; that one is closed when the last batch that uses it is done.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...data import PrereadError
from ...indexer import IndexMismatchError, PassageIndex
from ...indexer.bm25.java import leave_java
from ...indexer.remote.copies import is_remote, local_index
from ...indexer.storage.manifest import MANIFEST_FILE
from ...reader import Reader
from ..qa.pipeline import OpenDomainQA
from ..retrievers import Retriever, open_retriever
from .logs import log
from .metrics import Metrics

_LOG = logging.getLogger(__name__)
Stamp = tuple[int, int, int]


class ReaderCache:
    """Readers by name: indexes that were made by the same one share it."""

    def __init__(
        self,
        load: Callable[[str], Reader] = Reader.load,
        find: Callable[[PassageIndex], Retriever] = open_retriever,
    ) -> None:
        """Begin with none.

        Args:
            load: Loads one by its name.
            find: What finds an index's passages.
        """
        self._load = load
        self._find = find
        self._readers: dict[str, Reader] = {}

    def open(self, path: Path) -> OpenDomainQA:
        """Open an index with the reader that made it.

        Raises:
            PrereadError: If either cannot be opened, or they do not fit.
        """
        index = PassageIndex(path)
        try:
            qa = self._with_reader(index)
            # What would be opened at the first question: the threads find it there.
            _ = (index.bm25, index.deleted, index.find(""), qa.reader.runtime)
        except BaseException:
            index.close()
            raise
        return qa

    def _with_reader(self, index: PassageIndex) -> OpenDomainQA:
        name = index.manifest.plan.reader
        retriever = self._find(index)
        if name in self._readers:
            try:
                return OpenDomainQA(index, self._readers[name], retriever)
            except IndexMismatchError:
                log(_LOG, logging.INFO, "reader changed", reader=name)
        reader = self._load(name)
        qa = OpenDomainQA(index, reader, retriever)
        self._readers[name] = reader
        return qa


class _Opened:
    """An open index, and how many use it."""

    def __init__(self, qa: OpenDomainQA) -> None:
        self.qa = qa
        self.n_users = 0
        self.is_old = False


class ServedIndex:
    """One index, as new as it was when its folder was last looked at."""

    def __init__(self, name: str, path: Path, readers: ReaderCache, metrics: Metrics) -> None:
        """Open it.

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
        """How many passages it has now."""
        return self._opened.qa.index.manifest.n_passages

    @contextmanager
    def in_use(self) -> Iterator[OpenDomainQA]:
        """The index as it is now; it stays open and the same within the context."""
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
        """Take up a change of the folder, if there is one.

        A new state that cannot be opened is logged, and the old one goes on being served.

        Returns:
            Whether another state is served now.
        """
        try:
            if _stamp(self.path) == self._stamp:
                return False
            stamp, opened = self._open()
        except (PrereadError, OSError) as error:
            self._metrics.reloaded(self.name, ok=False)
            if str(error) != self._last_failure:  # once, not at every look
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
        self._metrics.reloaded(self.name, ok=True)
        manifest = opened.qa.index.manifest
        facts = {"generation": manifest.generation, "n_passages": manifest.n_passages}
        log(_LOG, logging.INFO, "reloaded", index=self.name, **facts)
        return True

    def close(self) -> None:
        """Close it; nothing may use it any more."""
        self._opened.qa.index.close()

    def _open(self) -> tuple[Stamp, _Opened]:
        """Open what is there, with its stamp from before: later changes are seen as such."""
        stamp = _stamp(self.path)
        opened = _Opened(self._cache.open(self.path))
        manifest = opened.qa.index.manifest
        self._metrics.opened(self.name, manifest.n_passages, manifest.generation)
        return stamp, opened


class IndexWatcher:
    """A thread that looks at the folders of indexes now and then."""

    def __init__(self, indexes: Sequence[ServedIndex], seconds: float) -> None:
        """Start looking.

        Args:
            indexes: What is looked at.
            seconds: Between two looks.
        """
        self._indexes = indexes
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="preread-watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopped.wait(self._seconds):
                for index in self._indexes:
                    _guarded(index.refresh)
        finally:
            leave_java()


def _guarded(refresh: Callable[[], bool]) -> None:
    """A look that went wrong by our own mistake is no reason to look no more."""
    try:
        refresh()
    except Exception:
        _LOG.exception("reload failed")


def _stamp(path: Path) -> Stamp:
    """What is another whenever the manifest is: it is written anew and renamed."""
    try:
        found = os.stat(path / MANIFEST_FILE)
    except FileNotFoundError:
        return 0, 0, 0  # opening the index says what is missing
    return found.st_ino, found.st_mtime_ns, found.st_size


def named_paths(given: Sequence[str]) -> dict[str, Path]:
    """The indexes of a command line.

    Args:
        given: ``NAME=PATH`` or ``PATH``, whose name is that of its folder.

    Raises:
        PrereadError: If a name cannot stand in an address, or comes twice.
    """
    paths: dict[str, Path] = {}
    for one in given:
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
                f"{one}: the name {name!r} is that of {paths[name]} already. Write NAME=PATH with "
                "another name."
            )
        paths[name] = local_index(path, show_progress=True)
    return paths
