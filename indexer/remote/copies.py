"""Indexes on an object store: what is opened is a copy of them in a local cache.

A location is an fsspec URL (``s3://bucket/index``, ``gs://…``, ``https://…``). Files of an index
are never written to again, so that a copy is complete when every file of the manifest is there; of
a newer generation only what is new is fetched. Nothing is locked on the store: whoever changes an
index there must leave the files of the generation before for as long as others fetch it.

The folder of the copies belongs to the user alone. Every file is hashed before it gets its name. Of
a copy that is complete, sizes, times and inodes are compared with those of the files that were
hashed, and what differs is hashed again.
"""

import fcntl
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ...data import PrereadError
from ...data.arguments import check_path
from ...data.io.atomic import atomic_path
from ..bm25.indexer import lucene_files, parse_file_list
from ..errors import IndexFormatError
from ..storage.cleaning import snapshots
from ..storage.files import FileEntry, link_or_copy
from ..storage.json_files import parse_json_object, parse_sealed_json, read_bounded, write_json
from ..storage.manifest import FILE_LIST, MANIFEST_FILE, Manifest
from ..storage.snapshots import snapshot_path
from .store import Store

CACHE_VARIABLE = "PREREAD_CACHE"
_KEY_DIGITS = 24
_COPY_NAME = re.compile(rf"[0-9a-f]{{{_KEY_DIGITS}}}")
_PRIVATE = 0o700
_CHECKED = "checked.json"
"""In a copy: size, time of change and inode of each file when it was hashed."""


def is_remote(location: str | Path) -> bool:
    """Whether a location is a URL, and not a path.

    Args:
        location: A path or a URL.
    """
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
        PrereadError: If ``location`` is neither a path nor a URL, the store cannot be reached, the
            address is of no kind that is allowed or holds credentials, a package is not installed,
            or the cache belongs to somebody else.
    """
    check_path("index", location, "a path or a URL")
    cache = None if cache is None else Path(cache)
    text = str(location)
    if not is_remote(text):
        return Path(text.removeprefix("file://"))
    store = Store.at(text)
    folder = Path(cache) if cache is not None else default_cache()
    copies = folder / hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]
    _make_private(copies)
    with _locked(copies):
        return _Copy(store, copies, store.manifest()).complete(show_progress)


def read_manifest(location: str | Path) -> Manifest:
    """The manifest of an index, wherever it is; nothing else is fetched.

    Args:
        location: A path or a URL.

    Raises:
        IndexFormatError: If there is no index, or its manifest is damaged.
        PrereadError: If the store cannot be reached, the address is of no kind that is allowed or
            holds credentials, or a package is not installed.
    """
    if not is_remote(location):
        return Manifest.load(local_index(location))
    store = Store.at(str(location))
    return Manifest.parse(store.manifest(), f"{store.url}/{MANIFEST_FILE}")


class _Copy:
    """A copy of one generation."""

    def __init__(self, store: Store, copies: Path, manifest: bytes) -> None:
        self._store = store
        self._copies = copies
        self._content = manifest
        self._manifest = Manifest.parse(manifest, f"{store.url}/{MANIFEST_FILE}")
        self._folder = copies / hashlib.sha256(manifest).hexdigest()[:_KEY_DIGITS]

    def complete(self, show_progress: bool) -> Path:
        """Fetch what is missing; the manifest comes last."""
        if self._is_checked():
            return self._folder
        self._folder.mkdir(mode=0o700, exist_ok=True)
        files = self._manifest.files()
        lucene = self._manifest.lucene
        with tqdm(
            total=sum(file.bytes for file in files),
            unit="B",
            unit_scale=True,
            desc="fetching",
            disable=not show_progress,
            delay=1,
        ) as bar:
            listed = self._lucene_files()
            bar.total += sum(file.bytes for file in listed)
            self._check_room([*files, *listed])
            for file in (*files, *listed):
                self._fetch(file, bar)
        kept = snapshot_path(self._folder, self._manifest.generation)
        kept.parent.mkdir(exist_ok=True)
        _write(kept, self._content)
        names = [*(file.file for file in (*files, *listed)), f"{lucene}/{FILE_LIST}"]
        write_json(self._folder / _CHECKED, {name: self._stamp(name) for name in names})
        _write(self._folder / MANIFEST_FILE, self._content)
        self._forget_others()
        return self._folder

    def _is_checked(self) -> bool:
        """Whether all files are there, as they were when they were hashed."""
        try:
            if read_bounded(self._folder / MANIFEST_FILE) != self._content:
                return False
            path = self._folder / _CHECKED
            checked = parse_json_object(read_bounded(path), path)
            files = {file.file for file in self._manifest.files()}
            is_whole = checked.keys() >= files | {f"{self._manifest.lucene}/{FILE_LIST}"}
            return is_whole and all(self._stamp(name) == was for name, was in checked.items())
        except (PrereadError, OSError):
            return False

    def _stamp(self, name: str) -> list[int]:
        """What is another when a file was changed or replaced."""
        status = (self._folder / name).lstat()
        return [status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino]

    def _check_room(self, files: list[FileEntry]) -> None:
        missing = sum(file.bytes for file in files if not (self._folder / file.file).exists())
        free = shutil.disk_usage(self._folder).free
        if missing > free:
            raise PrereadError(
                f"{self._copies}: expected room for {missing:,} bytes, found {free:,}. Make room, "
                f"or name another folder by {CACHE_VARIABLE}."
            )

    def _fetch(self, file: FileEntry, bar: "tqdm[None]") -> None:
        """One file: here already, in another copy, or from the store."""
        target = self._folder / file.file
        if target.exists() or target.is_symlink():
            if _is_right(self._folder, file):
                bar.update(file.bytes)
                return
            target.unlink()
        target.parent.mkdir(parents=True, exist_ok=True)
        for other in self._other_copies():
            if _is_right(other, file):
                link_or_copy(other / file.file, target)
                bar.update(file.bytes)
                return
        part = target.with_name(target.name + ".part")
        bar.update(part.stat().st_size if part.exists() else 0)
        self._store.fetch(file.file, part, file.bytes, bar.update)
        if not _is_right(part.parent, replace(file, file=part.name)):
            found = part.stat().st_size
            part.unlink()
            raise IndexFormatError(
                f"{self._store.url}/{file.file}: expected {file.bytes} bytes with the SHA-256 of "
                f"the manifest, found {'more' if found > file.bytes else found} others. It is "
                "damaged, or was changed while it was fetched: try again, or put the index there "
                "anew."
            )
        part.rename(target)

    def _lucene_files(self) -> list[FileEntry]:
        """Lucene's files, by their list, which has a seal of its own."""
        folder = self._folder / self._manifest.lucene
        try:
            listed = lucene_files(folder)
        except PrereadError:  # it is not here, or no longer what it was
            name = f"{self._manifest.lucene}/{FILE_LIST}"
            where = f"{self._store.url}/{name}"
            content = self._store.read(name)
            listed = parse_file_list(parse_sealed_json(content, where), where)
            folder.mkdir(exist_ok=True)
            _write(folder / FILE_LIST, content)
        return [replace(file, file=f"{folder.name}/{file.file}") for file in listed]

    def _other_copies(self) -> Iterator[Path]:
        """Copies of other generations."""
        for other in self._copies.iterdir():
            if _COPY_NAME.fullmatch(other.name) and other != self._folder:
                if other.is_dir() and not other.is_symlink():
                    yield other

    def _forget_others(self) -> None:
        """Remove copies that nobody has open: a process that has holds a lock on the manifest."""
        for other in self._other_copies():
            with ExitStack() as stack:
                held = [stack.enter_context(path.open("rb")) for path in snapshots(other)]
                with suppress(BlockingIOError):
                    for file in held:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(other, ignore_errors=True)


def _is_right(folder: Path, file: FileEntry) -> bool:
    """Whether a file is there, byte by byte."""
    try:
        file.check(folder)
    except PrereadError:
        return False
    return True


def _write(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _make_private(folder: Path) -> None:
    """Make a folder that only this user may enter, or take away others' rights to one."""
    try:
        folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise PrereadError(
            f"{folder}: cannot be made: {error.strerror}. Name another cache folder by "
            f"{CACHE_VARIABLE}."
        ) from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise PrereadError(
            f"{folder}: expected a folder of your own for copies of indexes, found one of another "
            f"user, or a link. Remove it, or name another cache folder by {CACHE_VARIABLE}."
        )
    if stat.S_IMODE(status.st_mode) != _PRIVATE:
        folder.chmod(_PRIVATE)


@contextmanager
def _locked(copies: Path) -> Iterator[None]:
    """One process fetches an index at a time; the others wait, and find it there."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(copies / "fetch.lock", flags, 0o600), "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
