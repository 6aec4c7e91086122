"""Fetching a file, which gets its name when all of it is there and its checksum is right."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..io.hashing import sha256_of
from .checksums import ChecksumOrigin, checksum_path, read_checksum, record_checksum
from .errors import DownloadError
from .locking import sole_downloader
from .partial import PartialFile
from .registry import RemoteFile, find_remote_file
from .transfer import Retries, Transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """A file that was downloaded and checked."""

    path: Path
    size_bytes: int
    sha256: str
    checked_against: ChecksumOrigin
    was_there: bool
    """Whether it was there before the call."""

    def to_dict(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return asdict(self) | {"path": str(self.path)}


def default_folder() -> Path:
    """Where downloads go: ``preread/downloads`` in the user's cache.

    All projects of a user share it, so that the 4.7 GB of Wikipedia are fetched once.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "preread" / "downloads"


def download(
    remote: RemoteFile | str,
    folder: str | Path | None = None,
    *,
    unverified: bool = False,
    retries: Retries | None = None,
    show_progress: bool = False,
) -> Downloaded:
    """Fetch a file unless it is there, and check it in either case.

    An interrupted download stays in ``NAME.part``. The next call continues it, if the server still
    has the same version.

    Args:
        remote: The file, or its name in our list.
        folder: Where it goes; by default `default_folder`. Made if need be.
        unverified: Whether a file may be fetched for which no SHA-256 is published. Its sum is
            recorded then, and compared from the next time on.
        retries: How long to try.
        show_progress: Whether to draw bars on standard error.

    Returns:
        The file, and what its bytes were compared with.

    Raises:
        DownloadError: If it cannot be fetched, is not the file that was expected, or no SHA-256 of
            it is known and ``unverified`` is false; nothing then has its name that had not before.
    """
    if isinstance(remote, str):
        remote = find_remote_file(remote)
    path = (Path(folder) if folder is not None else default_folder()) / remote.file
    if path.exists():
        return _check_present(remote, path, show_progress)
    if not unverified and _expected_checksum(remote, path)[0] is None:
        raise DownloadError(
            f"{remote.shown_url}: expected a published SHA-256, found none, so that what comes "
            "could not be compared with anything. To fetch it none the less, give --unverified "
            "(unverified=True in Python): its SHA-256 is then recorded beside it, and compared "
            "from the next time on."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(
            f"{path.parent}: the folder cannot be made: {error.strerror}. Name another with --to."
        ) from error
    with sole_downloader(path):
        if path.exists():  # another process was faster
            return _check_present(remote, path, show_progress)
        return _fetch(remote, path, retries or Retries(), show_progress)


def _fetch(remote: RemoteFile, path: Path, retries: Retries, show_progress: bool) -> Downloaded:
    """Fetch a file that is not there."""
    expected, origin = _expected_checksum(remote, path)
    partial = PartialFile(path)
    with tqdm(
        total=remote.size_bytes,
        desc=remote.name,
        unit="B",
        unit_scale=True,
        delay=1,
        disable=not show_progress,
    ) as bar:
        Transfer(
            remote=remote,
            partial=partial,
            has_checksum=expected is not None,
            retries=retries,
            bar=bar,
        ).run()
    n_bytes = partial.n_bytes
    if remote.size_bytes is not None and n_bytes != remote.size_bytes:
        partial.discard()
        raise DownloadError(
            f"{remote.shown_url}: expected {remote.size_bytes:,} bytes, got {n_bytes:,}. They were "
            "removed. Run the command again; if it says the same, what is published has changed."
        )
    found = sha256_of(partial.part, show_progress=show_progress)
    if expected is not None and found != expected:
        partial.discard()
        raise DownloadError(
            f"{remote.shown_url}: expected SHA-256 {expected} ({_where(origin, path)}), got "
            f"{found}. The bytes were removed. Run the command again; if it says the same, what is "
            "published has changed."
        )
    if remote.sha256 is None:
        record_checksum(path, found)  # before the file has its name, or a crash would lose it
    try:
        partial.publish()
    except OSError as error:
        raise DownloadError(f"{path}: cannot be written: {error.strerror}.") from error
    return Downloaded(
        path=path, size_bytes=n_bytes, sha256=found, checked_against=origin, was_there=False
    )


def _check_present(remote: RemoteFile, path: Path, show_progress: bool) -> Downloaded:
    """Check a file that is there, fetched by us or put there by hand."""
    if not path.is_file():
        raise DownloadError(f"{path}: expected a file or nothing, found a folder. Move it away.")
    way_out = "Remove it, to have it fetched, or name another folder with --to."
    n_bytes = path.stat().st_size
    if remote.size_bytes is not None and n_bytes != remote.size_bytes:
        raise DownloadError(
            f"{path}: expected {remote.size_bytes:,} bytes, found {n_bytes:,}. {way_out}"
        )
    expected, origin = _expected_checksum(remote, path)
    found = sha256_of(path, show_progress=show_progress)
    if expected is None:
        record_checksum(path, found)
    elif found != expected:
        raise DownloadError(
            f"{path}: expected SHA-256 {expected} ({_where(origin, path)}), found {found}. "
            f"{way_out}"
        )
    return Downloaded(
        path=path, size_bytes=n_bytes, sha256=found, checked_against=origin, was_there=True
    )


def _expected_checksum(remote: RemoteFile, path: Path) -> tuple[str | None, ChecksumOrigin]:
    """The SHA-256 that a file must have, if it is known, and its origin."""
    if remote.sha256 is not None:
        return remote.sha256, ChecksumOrigin.PUBLISHED
    recorded = read_checksum(path)
    return recorded, ChecksumOrigin.NONE if recorded is None else ChecksumOrigin.RECORDED


def _where(origin: ChecksumOrigin, path: Path) -> str:
    """The origin of an expected SHA-256, for an error message."""
    if origin is ChecksumOrigin.RECORDED:
        return f"recorded in {checksum_path(path).name} at an earlier download"
    return "published"
