"""Indexes on an object store: what is opened is a copy of them in a local cache.

A location is an fsspec URL (``s3://bucket/index``, ``gs://…``, ``https://…``). Files of an index
are never written to again, so that a copy is complete when every file of the manifest is there; of
a newer generation only what is new is fetched. Nothing is locked on the store: whoever changes an
index there must leave the files of the generation before for as long as others fetch it.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fsspec
from tqdm import tqdm

from ...data import PrereadError
from ..bm25.indexer import FILE_LIST, lucene_files
from ..errors import IndexFormatError
from ..storage.files import FileEntry, link_or_copy, sha256_of
from ..storage.manifest import MANIFEST_FILE, SNAPSHOTS_FOLDER, Manifest
from ..storage.snapshots import snapshot_path

CACHE_VARIABLE = "PREREAD_CACHE"
_BLOCK_BYTES = 1 << 22
_KEY_DIGITS = 24


def is_remote(location: str | Path) -> bool:
    """Whether a location is a URL, and not a path."""
    return "://" in str(location) and not str(location).startswith("file://")


def default_cache() -> Path:
    """``$PREREAD_CACHE``, or ``preread`` in the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "preread"


def local_index(
    location: str | Path, *, cache: str | Path | None = None, show_progress: bool = False
) -> Path:
    """The folder of an index, wherever it is.

    Args:
        location: A path, which is returned as it is, or a URL.
        cache: Where copies are kept; by default `default_cache`.
        show_progress: Draw a progress bar on standard error.

    Returns:
        A folder to open. A copy that is there already is taken, if the manifest at the URL is the
        same; what was fetched before of files that are the same is not fetched again.

    Raises:
        IndexFormatError: If there is no index, or what comes is not what its manifest says.
        PrereadError: If the store cannot be reached, or needs a package that is not installed.
    """
    cache = None if cache is None else Path(cache)
    text = str(location)
    if not is_remote(text):
        return Path(text.removeprefix("file://"))
    store = _Store.at(text)
    copies = (cache or default_cache()) / hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]
    copies.mkdir(parents=True, exist_ok=True)
    with _locked(copies):
        return _Copy(store, copies, store.manifest_bytes()).complete(show_progress)


def read_manifest(location: str | Path) -> Manifest:
    """The manifest of an index, wherever it is; nothing else is fetched.

    Raises:
        IndexFormatError: As `local_index` does.
        PrereadError: As `local_index` does.
    """
    if not is_remote(location):
        return Manifest.load(local_index(location))
    store = _Store.at(str(location))
    with TemporaryDirectory() as folder:
        path = Path(folder) / MANIFEST_FILE
        path.write_bytes(store.manifest_bytes())
        return Manifest.read(path)


@dataclass(frozen=True, slots=True)
class _Store:
    """An index's folder on an object store."""

    url: str
    files: Any
    """An fsspec file system."""
    root: str

    @classmethod
    def at(cls, url: str) -> "_Store":
        """Connect."""
        try:
            files, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise PrereadError(f"{url}: cannot be opened: {error}.") from error
        return cls(url, files, root.rstrip("/"))

    def manifest_bytes(self) -> bytes:
        """What is at ``manifest.json``."""
        with self._explaining(MANIFEST_FILE):
            content: bytes = self.files.cat_file(f"{self.root}/{MANIFEST_FILE}")
            return content

    def fetch(self, file: str, target: Path, on_bytes: Any) -> None:
        """Append to a file what it lacks."""
        with self._explaining(file), self.files.open(f"{self.root}/{file}", "rb") as source:
            with target.open("ab") as part:
                if part.tell():
                    try:
                        source.seek(part.tell())
                    except (OSError, ValueError):  # a server that only sends from the beginning
                        part.truncate(0)
                while block := source.read(_BLOCK_BYTES):
                    part.write(block)
                    on_bytes(len(block))

    @contextmanager
    def _explaining(self, file: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise IndexFormatError(
                f"{self.url}: expected an index there, found no {file}. Look at the address, or "
                "put the index there anew."
            ) from error
        except Exception as error:  # every file system has errors of its own
            reason = (str(error).strip() or repr(error)).splitlines()[0]
            raise PrereadError(
                f"{self.url}/{file}: could not be fetched: {reason}. The same call goes on where "
                "it stopped."
            ) from error


class _Copy:
    """A copy of one generation."""

    def __init__(self, store: _Store, copies: Path, manifest: bytes) -> None:
        self._store = store
        self._copies = copies
        self._manifest = manifest
        self._folder = copies / hashlib.sha256(manifest).hexdigest()[:_KEY_DIGITS]

    def complete(self, show_progress: bool) -> Path:
        """Fetch what is missing; the manifest comes last."""
        if (self._folder / MANIFEST_FILE).exists():
            return self._folder
        self._folder.mkdir(exist_ok=True)
        known = self._folder / f"{MANIFEST_FILE}.fetched"
        _write(known, self._manifest)
        manifest = Manifest.read(known)
        files = manifest.files()
        lucene = manifest.lucene
        with tqdm(
            total=sum(file.bytes for file in files),
            unit="B",
            unit_scale=True,
            desc="fetching",
            disable=not show_progress,
            delay=1,
        ) as bar:
            for file in files:
                self._fetch(file, bar)
            self._fetch_list(lucene)
            listed = lucene_files(self._folder / lucene)
            bar.total += sum(int(file["bytes"]) for file in listed.values())
            for name, fields in listed.items():
                self._fetch(FileEntry(file=f"{lucene}/{name}", **fields), bar)
        kept = snapshot_path(self._folder, manifest.generation)
        kept.parent.mkdir(exist_ok=True)
        _write(kept, self._manifest)
        known.rename(self._folder / MANIFEST_FILE)
        self._forget_others()
        return self._folder

    def _fetch(self, file: FileEntry, bar: "tqdm[None]") -> None:
        """One file: here already, in another copy, or from the store."""
        target = self._place(file.file)
        if target.exists():
            bar.update(file.bytes)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        for other in self._copies.glob(f"*/{file.file}"):
            if other.stat().st_size == file.bytes and sha256_of(other) == file.sha256:
                link_or_copy(other, target)
                bar.update(file.bytes)
                return
        part = target.with_name(target.name + ".part")
        bar.update(part.stat().st_size if part.exists() else 0)
        self._store.fetch(file.file, part, bar.update)
        found = part.stat().st_size
        if found != file.bytes or sha256_of(part) != file.sha256:
            part.unlink()
            raise IndexFormatError(
                f"{self._store.url}/{file.file}: expected {file.bytes} bytes with the SHA-256 of "
                f"the manifest, found {found} others. It is damaged, or was changed while it was "
                "fetched: try again, or put the index there anew."
            )
        part.rename(target)

    def _place(self, file: str) -> Path:
        """Where a file goes.

        Raises:
            IndexFormatError: If that is not in the copy's folder.
        """
        target = self._folder / file
        if not target.resolve().is_relative_to(self._folder.resolve()):
            raise IndexFormatError(
                f"{self._store.url}: its manifest names {file!r}, which lies outside of an index. "
                "It was not fetched."
            )
        return target

    def _fetch_list(self, lucene: str) -> None:
        """The list of Lucene's files, which has its own seal."""
        target = self._place(f"{lucene}/{FILE_LIST}")
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            part = target.with_name(FILE_LIST + ".part")
            part.unlink(missing_ok=True)
            self._store.fetch(f"{lucene}/{FILE_LIST}", part, lambda n: None)
            part.rename(target)
        lucene_files(target.parent)

    def _forget_others(self) -> None:
        """Remove copies that nobody has open: who does holds a lock on the manifest."""
        for other in self._copies.iterdir():
            if not other.is_dir() or other == self._folder:
                continue
            with ExitStack() as stack:
                held = [
                    stack.enter_context(path.open("rb"))
                    for path in (other / SNAPSHOTS_FOLDER).glob("*.json")
                ]
                with suppress(BlockingIOError):
                    for file in held:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(other, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


@contextmanager
def _locked(copies: Path) -> Iterator[None]:
    """One process fetches an index at a time; the others wait, and find it there."""
    with (copies / "fetch.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
