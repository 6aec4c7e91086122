"""Downloading one file over HTTP, in as many requests as are needed."""

import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import urljoin, urlsplit

from requests import Response, Session, exceptions
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from ..io.redaction import redacted
from .errors import DownloadError
from .partial import PartialFile, Version
from .registry import RemoteFile
from .responses import content_length, content_range, is_unreachable, reason, version_of

logger = logging.getLogger(__name__)

_BLOCK_BYTES = 1 << 16
_OK, _PARTIAL, _NOT_SATISFIABLE = 200, 206, 416
MOST_BYTES = 1 << 32
"""Of a file whose size nobody has published; a larger one needs ``size_bytes`` in the list."""
_WORTH_ANOTHER_TRY = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """When to give up a download."""

    tries: int = 5
    """Give up after this number of requests in a row that brought no new byte."""
    first_pause_s: float = 1.0
    """Wait before the second try; each later wait is twice as long."""
    timeout_s: float = 30.0
    """A connection is broken after this time without data."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.tries < 1 or self.first_pause_s < 0 or self.timeout_s <= 0:
            raise ValueError(f"expected at least one try, and no negative times, found {self}")


class _Interrupted(Exception):
    """The connection broke; the next request continues after the bytes that were received."""


class EncryptedSession(Session):
    """A session that never goes on without encryption where it began with it."""

    def get_redirect_target(self, resp: Response) -> str | None:
        """Where an answer redirects to, if anywhere.

        Args:
            resp: The answer.

        Raises:
            DownloadError: If it redirects from https to another scheme.
        """
        target = super().get_redirect_target(resp)
        if target is not None and urlsplit(resp.url).scheme == "https":
            there = urljoin(resp.url, target)
            if urlsplit(there).scheme != "https":
                raise DownloadError(
                    f"{redacted(resp.url)}: the server redirects from https to "
                    f"{redacted(there)!r}, which is not encrypted. Nothing was fetched; look at "
                    "the address in a browser."
                )
        return target


@dataclass(kw_only=True)
class Transfer:
    """Fetches the bytes of one file. Its caller compares the checksum."""

    remote: RemoteFile
    """The file."""
    partial: PartialFile
    """Where its bytes go."""
    has_checksum: bool
    """Whether a checksum will reveal a mixture of two versions. Only then is a download continued
    from a server that does not say which version it has."""
    retries: Retries
    """When to give up."""
    bar: tqdm
    """Shows the progress."""
    _was_reached: bool = field(default=False, init=False)

    def run(self) -> None:
        """Fetch the missing bytes.

        Raises:
            DownloadError: If the server cannot be reached, has no such file or one of another
                size, breaks off again and again, or the disk is full.
        """
        farthest, n_failures = self.partial.n_bytes, 0
        with EncryptedSession() as session:
            while not self._is_whole():
                try:
                    self._attempt(session)
                    return
                except _Interrupted as error:
                    is_farther = self.partial.n_bytes > farthest
                    farthest = max(farthest, self.partial.n_bytes)
                    n_failures = 1 if is_farther else n_failures + 1
                    if n_failures >= self.retries.tries:
                        self._give_up(error)
                    pause = self.retries.first_pause_s * 2 ** (n_failures - 1)
                    logger.warning("%s: %s; trying again in %.0f s", self._url, error, pause)
                    time.sleep(pause)

    @property
    def _url(self) -> str:
        return self.remote.shown_url

    def _is_whole(self) -> bool:
        """Whether all bytes are there, as after a process that was killed at the very end."""
        version = self.partial.version
        if version is None or version.url != self._url:
            return False
        return self.partial.n_bytes == version.size_bytes

    def _attempt(self, session: Session) -> None:
        """One request; it ends with the last byte."""
        start, headers = self._resume()
        with self._request(session, headers) as response:
            self._was_reached = True
            if response.status_code == _OK:  # also where the range was not understood
                start, total = 0, content_length(response)
                self._check_size(total)
                self._begin(version_of(response, self._url, total))
            elif response.status_code == _PARTIAL and start:
                total = self._check_range(response, start)
            elif response.status_code == _NOT_SATISFIABLE and start:
                self._check_end(response, start)
                return
            else:
                self._refuse(response)
            self._check_space(total, start)
            self.bar.total = total
            self.bar.initial = self.bar.n = self.bar.last_print_n = start
            self._copy(response, total)

    def _resume(self) -> tuple[int, dict[str, str]]:
        """The byte to continue at, and the headers that ask for it."""
        # Bytes as they are: with a transparent encoding neither ranges nor sizes would fit.
        headers = {"Accept-Encoding": "identity", "User-Agent": "preread"}
        start, version = self.partial.n_bytes, self.partial.version
        if not start or version is None or version.url != self._url:
            return 0, headers
        if version.validator is not None:
            return start, headers | {"Range": f"bytes={start}-", "If-Range": version.validator}
        if self.has_checksum:
            return start, headers | {"Range": f"bytes={start}-"}
        return 0, headers

    def _request(self, session: Session, headers: dict[str, str]) -> Response:
        """Send a request and wait for the head of its answer."""
        try:
            return session.get(
                self.remote.url, headers=headers, stream=True, timeout=self.retries.timeout_s
            )
        except exceptions.SSLError as error:
            raise DownloadError(
                f"{self._url}: no secure connection: {reason(error)}. Check the clock of this "
                "machine, and name your network's own certificates, if it has any, in "
                "REQUESTS_CA_BUNDLE."
            ) from error
        except (exceptions.ConnectionError, exceptions.Timeout) as error:
            if not self._was_reached and is_unreachable(error):
                raise DownloadError(
                    f"{self._url}: the server cannot be reached: {reason(error)}. Check the "
                    f"network, or fetch the file elsewhere and put it at {self.partial.path}."
                ) from error
            raise _Interrupted(f"no answer ({reason(error)})") from error
        except exceptions.RequestException as error:
            raise DownloadError(
                f"{self._url}: cannot be fetched: {redacted(str(error))}."
            ) from error

    def _check_size(self, total: int | None) -> None:
        """Refuse a file of another size, before it is fetched."""
        expected = self.remote.size_bytes
        if None not in (total, expected) and total != expected:
            raise DownloadError(
                f"{self._url}: expected a file of {expected:,} bytes, the server announces "
                f"{total:,}. It is not the file that was published, or no longer; look at the "
                "address in a browser."
            )

    def _check_range(self, response: Response, start: int) -> int | None:
        """The size of the whole file, if the response continues at the right byte."""
        found, total = content_range(response)
        here = self.partial.version
        there = version_of(response, self._url, total)
        if found != start or here is None or not here.may_be(there):
            self._start_over("the file there has changed")
        self._check_size(total)
        return total

    def _check_end(self, response: Response, start: int) -> None:
        """Start over unless the server says that there is nothing after what we have."""
        version = self.partial.version
        announced = None if version is None else version.size_bytes
        if content_range(response)[1] != start or announced not in (None, start):
            self._start_over("the file there has another size than the one that was begun")

    def _start_over(self, why: str) -> NoReturn:
        """Discard the bytes; the next request asks for the whole file."""
        self.partial.discard()
        raise _Interrupted(why)

    def _refuse(self, response: Response) -> NoReturn:
        """Raise the error for a response that is no file."""
        answer = f"{response.status_code} {response.reason}".strip()
        if response.status_code in _WORTH_ANOTHER_TRY:
            raise _Interrupted(f"the server answered {answer}")
        raise DownloadError(
            f"{redacted(response.url)}: expected a file, the server answered {answer}. The file "
            f"may have moved: if you find it elsewhere, put it at {self.partial.path}."
        )

    def _check_space(self, total: int | None, start: int) -> None:
        """Refuse a file that the disk has no room for."""
        folder = self.partial.path.parent
        free = shutil.disk_usage(folder).free
        if total is not None and total - start > free:
            raise DownloadError(
                f"{folder}: expected room for {total - start:,} bytes, found {free:,}. "
                "Make room, or name another folder with --to."
            )

    def _begin(self, version: Version) -> None:
        try:
            self.partial.begin(version)
        except OSError as error:
            raise self._write_error(error) from error

    def _copy(self, response: Response, total: int | None) -> None:
        expected = self.remote.size_bytes
        most = next(n for n in (total, expected, MOST_BYTES) if n is not None)
        if expected is None and most > MOST_BYTES:
            raise DownloadError(
                f"{self._url}: expected at most {MOST_BYTES:,} bytes of a file whose size is not "
                f"published, the server announces {most:,}. Give its size_bytes in a list of your "
                "own (--registry)."
            )
        try:
            with self.partial.append() as file:
                for block in _blocks(response):
                    file.write(block)
                    file.flush()  # or a killed process would lose it
                    self.bar.update(len(block))
                    if file.tell() > most:
                        break
        except OSError as error:
            raise self._write_error(error) from error
        n_bytes = self.partial.n_bytes
        if n_bytes > most:
            self.partial.discard()
            raise DownloadError(
                f"{self._url}: expected {most:,} bytes, the server sent more. It is not the file "
                "that was published, or no longer; look at the address in a browser."
            )
        if total is not None and n_bytes < total:
            raise _Interrupted(f"the server sent {n_bytes:,} of {total:,} bytes")

    def _write_error(self, error: OSError) -> DownloadError:
        return DownloadError(
            f"{self.partial.part}: cannot be written: {error.strerror}. Mend that and run "
            "the command again; what has come is kept."
        )

    def _give_up(self, error: _Interrupted) -> NoReturn:
        """Raise the error after the last try."""
        n_bytes = self.partial.n_bytes
        raise DownloadError(
            f"{self._url}: {error}; {self.retries.tries} tries in a row brought nothing new. "
            f"{n_bytes:,} bytes have come and are kept in {self.partial.part}; run the command "
            "again to go on."
        ) from error


def _blocks(response: Response) -> Iterator[bytes]:
    """The body, as it is sent, in blocks."""
    try:
        # Not `iter_content`, which drops the last block before a break.
        yield from response.raw.stream(_BLOCK_BYTES, decode_content=False)
    except (HTTPError, OSError) as error:
        raise _Interrupted(f"the connection broke off ({reason(error)})") from error
