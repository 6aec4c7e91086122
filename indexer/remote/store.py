"""The folder of an index on an object store.

The store is not trusted: no more is fetched than was expected, and a connection that began
encrypted stays so.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fsspec

from ...data import PrereadError
from ...data.io.redaction import redacted
from ...data.io.system_errors import first_line
from ..errors import IndexFormatError
from ..storage.json_files import MAX_JSON_BYTES
from ..storage.manifest import MANIFEST_FILE

SCHEMES = (
    *("abfs", "abfss", "adl", "az", "gcs", "gs", "hf", "http", "https"),
    *("memory", "oci", "oss", "r2", "s3", "s3a"),
)
"""Stores that hold files and do nothing else. Others of fsspec unpack archives, run commands on
other machines, or read files of this one."""
_AZURE = ("abfs", "abfss", "az")
_BLOCK_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class Store:
    """An index's folder on an object store."""

    url: str
    """As messages show it."""
    files: Any
    """An fsspec file system."""
    root: str

    @classmethod
    def at(cls, url: str) -> "Store":
        """Connect.

        Args:
            url: Where the index lies.

        Raises:
            PrereadError: If no store has such an address, it holds credentials, or it needs a
                package that is not installed.
        """
        shown = redacted(url)
        scheme = url.partition("://")[0].lower()
        if scheme not in SCHEMES or "::" in url:
            raise PrereadError(
                f"{shown}: cannot be opened: expected an address that begins with one of "
                f"{', '.join(SCHEMES)}, found {scheme!r}. Copy the index to such a store, or to "
                "this machine."
            )
        parts = urlsplit(url)
        is_azure = scheme in _AZURE  # CONTAINER@ACCOUNT
        has_user = "@" in parts.netloc and (not is_azure or ":" in parts.netloc)
        if has_user or parts.query or parts.fragment or (shown != url and not is_azure):
            raise PrereadError(
                f"{shown}: expected an address without credentials, '?' and '#', found some. What "
                "stands on a command line can be read by others: give credentials as the store's "
                "own tools take them, by environment variables or files (AWS_ACCESS_KEY_ID, "
                "~/.aws/credentials, ~/.netrc, …)."
            )
        try:
            files, root = fsspec.core.url_to_fs(url, **_options(scheme))
        except (ImportError, ValueError, OSError) as error:
            raise PrereadError(f"{shown}: cannot be opened: {redacted(str(error))}.") from error
        return cls(shown, files, root.rstrip("/"))

    def read(self, file: str) -> bytes:
        """A JSON file.

        Args:
            file: Path below the index folder.

        Raises:
            IndexFormatError: If there is no such file, or it is larger than any of an index.
            PrereadError: If it cannot be fetched.
        """
        with self._explaining(file), self.files.open(f"{self.root}/{file}", "rb") as source:
            content = b""
            while len(content) <= MAX_JSON_BYTES and (block := source.read(_BLOCK_BYTES)):
                content += block
        if len(content) > MAX_JSON_BYTES:
            raise IndexFormatError(
                f"{self.url}/{file}: expected at most {MAX_JSON_BYTES:,} bytes, found more. No "
                "index has such a file: look at the address."
            )
        return content

    def fetch(self, file: str, target: Path, n_bytes: int, on_bytes: Callable[[int], Any]) -> None:
        """Append to a file what it lacks, and no more.

        Args:
            file: Path below the index folder.
            target: Holds what was fetched before.
            n_bytes: Of the whole file; no more than one byte after these is fetched.
            on_bytes: Told the bytes that have come, now and then.

        Raises:
            IndexFormatError: If there is no such file.
            PrereadError: If it cannot be fetched.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        with (
            self._explaining(file),
            self.files.open(f"{self.root}/{file}", "rb") as source,
            os.fdopen(os.open(target, flags, 0o600), "ab") as part,
        ):
            if part.tell():
                try:
                    source.seek(part.tell())
                except (OSError, ValueError):  # a server that only sends from the beginning
                    part.truncate(0)
            left = n_bytes + 1 - part.tell()
            while left > 0 and (block := source.read(min(_BLOCK_BYTES, left))):
                part.write(block)
                left -= len(block)
                on_bytes(len(block))

    @contextmanager
    def _explaining(self, file: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            refusal = _refusal_behind(error)
            if refusal is not None:
                raise PrereadError(
                    f"{self.url}/{file}: could not be fetched: {redacted(str(refusal))}. Look at "
                    "the address and the network; the same call goes on where it stopped."
                ) from error
            raise IndexFormatError(
                f"{self.url}: expected an index there, found no {file}. Look at the address, or "
                "put the index there anew."
            ) from error
        except Exception as error:  # every file system has errors of its own
            reason = redacted(first_line(error))
            raise PrereadError(
                f"{self.url}/{file}: could not be fetched: {reason}. The same call goes on where "
                "it stopped."
            ) from error

    def manifest(self) -> bytes:
        """What is at ``manifest.json``."""
        return self.read(MANIFEST_FILE)


def _refusal_behind(error: FileNotFoundError) -> OSError | None:
    """The network's error that a file system took for a missing file; None where there is none."""
    behind: BaseException | None = error
    while behind is not None:
        behind = behind.__cause__ or behind.__context__
        if isinstance(behind, OSError) and not isinstance(behind, FileNotFoundError):
            return behind
    return None


def _options(scheme: str) -> dict[str, Any]:
    """What a file system is told besides its address."""
    if scheme not in ("http", "https"):
        return {}
    import aiohttp

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_check_redirect)
    configured = fsspec.config.conf.get(scheme, {}).get("client_kwargs", {})
    # `trust_env`: credentials come from ~/.netrc, proxies from the environment.
    return {"client_kwargs": {"trust_env": True, **configured, "trace_configs": [trace]}}


async def _check_redirect(session: Any, context: Any, redirect: Any) -> None:
    """Refuse to go on without encryption.

    Raises:
        OSError: If an https address redirects to another scheme.
    """
    # aiohttp takes either header, the second where the first is missing or empty.
    headers = redirect.response.headers
    target = headers.get("Location") or headers.get("URI") or ""
    scheme = urlsplit(target).scheme.lower() or redirect.url.scheme
    if redirect.url.scheme == "https" and scheme != "https":
        raise OSError(f"the server redirects from https to {redacted(target)!r}")
