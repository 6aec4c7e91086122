"""Downloads, from a server on this machine that misbehaves as servers do."""

import fcntl
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from preread.data import DataError
from preread.data.download import (
    ChecksumOrigin,
    DownloadError,
    RemoteFile,
    Retries,
    default_folder,
    download,
    find_remote_file,
    load_registry,
    transfer,
)
from preread.data.download.locking import sole_downloader
from preread.data.download.responses import content_length, content_range
from preread.data.download.transfer import EncryptedSession

CONTENT = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(12_000))  # 384,000
HALF = len(CONTENT) // 2
SHA256 = hashlib.sha256(CONTENT).hexdigest()
QUICK = Retries(tries=3, first_pause_s=0.01, timeout_s=5)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How the server treats one request."""

    content: bytes = CONTENT
    etag: str | None = '"v1"'
    status: int = 200
    location: str | None = None
    n_sent: int | None = None
    """Bytes after which the connection breaks off."""
    announced: int | None = None
    """A false Content-Length."""
    has_length: bool = True
    knows_ranges: bool = True
    heeds_if_range: bool = True
    stalls: bool = False
    """Sends ``n_sent`` bytes, then nothing, until the server is let go."""


@dataclass
class Server:
    """Answers requests in the order of its plan; the last answer serves all that follow."""

    port: int
    plan: list[Answer]
    requests: list[dict[str, str]] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Address of the one file."""
        return f"http://127.0.0.1:{self.port}/files/set.jsonl.gz"

    @property
    def ranges(self) -> list[str | None]:
        """What part each request asked for."""
        return [request.get("Range") for request in self.requests]

    def remote(self, **changes: object) -> RemoteFile:
        """The file as a list of downloads has it, checksum and all."""
        known: dict[str, Any] = {"size_bytes": len(CONTENT), "sha256": SHA256, **changes}
        return RemoteFile(
            name="set", url=self.url, description="a set", licence="none", citation="us", **known
        )


class Handler(BaseHTTPRequestHandler):
    """One connection, one request."""

    def do_GET(self) -> None:  # noqa: N802
        """Answer as planned."""
        server: Server = self.server.state  # type: ignore[attr-defined]
        server.requests.append(dict(self.headers))
        answer = server.plan.pop(0) if len(server.plan) > 1 else server.plan[0]
        if answer.status != 200:
            self.send_response(answer.status)
            if answer.location:
                self.send_header("Location", answer.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = self._start(answer)
        if start >= len(answer.content) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(answer.content)}")
            self.end_headers()
            return
        body = answer.content[start:]
        self.send_response(206 if start else 200)
        if start:
            end = len(answer.content) - 1
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(answer.content)}")
        if answer.etag:
            self.send_header("ETag", answer.etag)
        if answer.has_length:
            self.send_header("Content-Length", str(answer.announced or len(body)))
        self.end_headers()
        self.wfile.write(body[: answer.n_sent])
        self.wfile.flush()
        if answer.stalls:
            server.let_go.wait(20)

    def _start(self, answer: Answer) -> int:
        """Where the answer starts."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked is None or not answer.knows_ranges:
            return 0
        if answer.heeds_if_range and self.headers.get("If-Range", answer.etag) != answer.etag:
            return 0
        return int(asked[1])

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that answer by plan."""
    started: list[tuple[ThreadingHTTPServer, Server]] = []

    def start(*plan: Answer) -> Server:
        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        http.daemon_threads = True
        state = Server(http.server_address[1], list(plan) or [Answer()])
        http.state = state  # type: ignore[attr-defined]
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        started.append((http, state))
        return state

    yield start
    for http, state in started:
        state.let_go.set()
        http.shutdown()
        http.server_close()


def names(folder: Path) -> set[str]:
    """Everything in a folder."""
    return {path.name for path in folder.iterdir()}


def test_file_is_fetched_whole_and_nothing_else_is_left(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    here = download(server.remote(), tmp_path / "new" / "folder", retries=QUICK)
    assert here.path.read_bytes() == CONTENT
    assert (here.sha256, here.size_bytes, here.was_there) == (SHA256, len(CONTENT), False)
    assert here.checked_against is ChecksumOrigin.PUBLISHED
    assert names(here.path.parent) == {"set.jsonl.gz"}
    assert server.requests[0]["Accept-Encoding"] == "identity"


def test_file_that_is_there_is_checked_and_not_fetched_again(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    path = download(server.remote(), tmp_path, retries=QUICK).path
    assert download(server.remote(), tmp_path, retries=QUICK).was_there
    assert len(server.requests) == 1
    damaged = bytearray(CONTENT)
    damaged[7] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(DownloadError, match=f"expected SHA-256 {SHA256} .published., found "):
        download(server.remote(), tmp_path, retries=QUICK)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(DownloadError, match="expected 384,000 bytes, found 383,999"):
        download(server.remote(), tmp_path, retries=QUICK)


def test_broken_connection_is_resumed_where_it_broke(serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(n_sent=HALF), Answer(n_sent=1000), Answer())
    here = download(server.remote(), tmp_path, retries=QUICK)
    assert here.path.read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={HALF}-", f"bytes={HALF + 1000}-"]
    assert [r.get("If-Range") for r in server.requests] == [None, '"v1"', '"v1"']


def test_connection_that_breaks_often_but_gets_on_is_not_given_up(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(Answer(n_sent=50_000))
    assert download(server.remote(), tmp_path, retries=QUICK).path.read_bytes() == CONTENT
    assert len(server.requests) == 8  # of 50,000 bytes; three in vain would have been too many


def test_next_call_resumes_what_the_last_one_had_to_give_up(serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(n_sent=HALF), Answer(status=503), Answer(status=503), Answer())
    once = Retries(tries=2, first_pause_s=0.01)
    with pytest.raises(DownloadError, match="192,000 bytes have come and are kept"):
        download(server.remote(), tmp_path, retries=once)
    assert names(tmp_path) == {"set.jsonl.gz.part", "set.jsonl.gz.part.json"}
    server.plan[:] = [Answer()]
    assert download(server.remote(), tmp_path, retries=once).path.read_bytes() == CONTENT
    assert server.ranges[-1] == f"bytes={HALF}-"
    assert names(tmp_path) == {"set.jsonl.gz"}


def test_server_that_ignores_ranges_is_read_from_the_start(serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(n_sent=HALF, knows_ranges=False), Answer(knows_ranges=False))
    here = download(server.remote(), tmp_path, retries=QUICK)
    assert server.ranges == [None, f"bytes={HALF}-"]
    assert here.path.read_bytes() == CONTENT


@pytest.mark.parametrize("heeds_if_range", [True, False])
def test_file_that_changed_meanwhile_is_not_mixed_with_the_old_one(
    serve: Serve, tmp_path: Path, heeds_if_range: bool
) -> None:
    newer = CONTENT[::-1]
    changed = Answer(content=newer, etag='"v2"', heeds_if_range=heeds_if_range)
    server = serve(Answer(n_sent=HALF), changed)
    here = download(server.remote(sha256=None), tmp_path, unverified=True, retries=QUICK)
    assert here.path.read_bytes() == newer
    assert server.ranges == [None, f"bytes={HALF}-", None][: 2 if heeds_if_range else 3]


def test_without_etag_and_checksum_nothing_is_resumed(serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(n_sent=HALF, etag=None), Answer(etag=None))
    download(server.remote(sha256=None), tmp_path / "a", unverified=True, retries=QUICK)
    assert server.ranges == [None, None]
    server.plan[:] = [Answer(n_sent=HALF, etag=None), Answer(etag=None)]
    download(server.remote(), tmp_path / "b", retries=QUICK)  # a mixture would be noticed
    assert server.ranges[2:] == [None, f"bytes={HALF}-"]


def test_weak_etag_is_compared_but_not_sent(serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(n_sent=HALF, etag='W/"v1"'), Answer(etag='W/"v2"'))
    download(server.remote(), tmp_path, retries=QUICK)
    assert "If-Range" not in server.requests[1]
    assert server.ranges == [None, f"bytes={HALF}-", None]


def test_wrong_bytes_are_not_kept(serve: Serve, tmp_path: Path) -> None:
    wrong = CONTENT[::-1]
    found = hashlib.sha256(wrong).hexdigest()
    server = serve(Answer(content=wrong))
    with pytest.raises(DownloadError, match=f"expected SHA-256 {SHA256} .*, got {found}"):
        download(server.remote(), tmp_path, retries=QUICK)
    assert names(tmp_path) == set()


def test_announced_size_is_compared_before_anything_is_fetched(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(Answer(content=CONTENT + b"x"))
    with pytest.raises(DownloadError, match="expected a file of 384,000 bytes.* 384,001"):
        download(server.remote(), tmp_path, retries=QUICK)
    assert names(tmp_path) == set()


def test_server_that_announces_more_than_it_has_is_given_up(serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(announced=len(CONTENT) + 100))
    with pytest.raises(DownloadError, match="3 tries in a row brought nothing new"):
        download(
            server.remote(size_bytes=None, sha256=None), tmp_path, unverified=True, retries=QUICK
        )
    assert not (tmp_path / "set.jsonl.gz").exists()


@pytest.mark.parametrize(("cut", "message"), [(-1, "got 383,999"), (1, "sent more")])
def test_body_of_another_size_that_was_not_announced_is_refused(
    serve: Serve, tmp_path: Path, cut: int, message: str
) -> None:
    content = CONTENT[:cut] if cut < 0 else CONTENT + b"x" * 100_000
    server = serve(Answer(content=content, has_length=False))
    with pytest.raises(DownloadError, match=message):
        download(server.remote(), tmp_path, retries=QUICK)
    assert names(tmp_path) == set()


def test_file_without_published_sum_is_compared_with_what_came_first(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(Answer(), Answer(content=CONTENT[::-1]))
    remote = server.remote(size_bytes=None, sha256=None)
    with pytest.raises(DownloadError, match="expected a published SHA-256, found none.*--unverifi"):
        download(remote, tmp_path, retries=QUICK)
    assert not server.requests
    here = download(remote, tmp_path, unverified=True, retries=QUICK)
    assert here.checked_against is ChecksumOrigin.NONE and here.sha256 == SHA256
    record = tmp_path / "set.jsonl.gz.sha256"
    assert record.read_text() == f"{SHA256}  set.jsonl.gz\n"
    subprocess.run(["sha256sum", "--check", "--quiet", record.name], cwd=tmp_path, check=True)
    assert download(remote, tmp_path).checked_against is ChecksumOrigin.RECORDED
    here.path.unlink()
    with pytest.raises(DownloadError, match=f"{SHA256} .recorded in set.jsonl.gz.sha256 at an ear"):
        download(remote, tmp_path, retries=QUICK)
    assert names(tmp_path) == {record.name}
    record.write_text("nonsense")
    with pytest.raises(DownloadError, match="one line as sha256sum writes it, found 'nonsense'"):
        download(remote, tmp_path, retries=QUICK)


def test_missing_file_is_not_asked_for_twice(serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(status=404))
    with pytest.raises(DownloadError, match=r"set\.jsonl\.gz: .*answered 404 Not Found"):
        download(server.remote(), tmp_path, retries=QUICK)
    assert len(server.requests) == 1


def test_server_in_trouble_is_asked_again(serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(status=503), Answer(status=429), Answer())
    assert download(server.remote(), tmp_path, retries=QUICK).path.read_bytes() == CONTENT
    assert len(server.requests) == 3


def test_redirect_is_followed_and_resumed(serve: Serve, tmp_path: Path) -> None:
    there = serve(Answer(n_sent=HALF), Answer())
    here = serve(Answer(status=302, location=there.url))
    assert download(here.remote(), tmp_path, retries=QUICK).path.read_bytes() == CONTENT
    assert there.ranges == [None, f"bytes={HALF}-"]
    loop = serve()
    loop.plan[:] = [Answer(status=302, location=loop.url)]
    with pytest.raises(DownloadError, match="cannot be fetched: Exceeded 30 redirects"):
        download(loop.remote(), tmp_path / "loop", retries=QUICK)


def free_port() -> int:
    """A port that no one listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_unreachable_server_is_said_at_once(tmp_path: Path, host: str) -> None:
    remote = RemoteFile(
        name="set",
        url=f"http://{host}:{free_port()}/set.gz",
        description="",
        licence="",
        citation="",
    )
    started = time.monotonic()
    with pytest.raises(DownloadError, match=f"server cannot be reached.*put it at {tmp_path}/set"):
        download(remote, tmp_path, unverified=True, retries=Retries(first_pause_s=60))
    assert time.monotonic() - started < 30
    (tmp_path / "set.gz").write_bytes(CONTENT)  # what the message advises
    assert download(remote, tmp_path).was_there


def test_server_without_tls_is_not_asked_again(serve: Serve, tmp_path: Path) -> None:
    server = serve()  # it does not even speak TLS
    remote = replace(server.remote(), url=server.url.replace("http:", "https:"))
    with pytest.raises(DownloadError, match="no secure connection: .*WRONG_VERSION_NUMBER"):
        download(remote, tmp_path, retries=QUICK)


def hang_up(listener: socket.socket, n_times: int) -> None:
    """Take some connections and close them."""
    for _ in range(n_times):
        listener.accept()[0].close()


def test_server_that_hangs_up_without_an_answer_is_asked_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        remote = RemoteFile(
            name="set",
            url=f"http://127.0.0.1:{listener.getsockname()[1]}/set",
            description="",
            licence="",
            citation="",
        )
        with ThreadPoolExecutor(1) as pool:
            hung_up = pool.submit(hang_up, listener, 3)
            with pytest.raises(DownloadError, match=r"no answer \(.*\); 3 tries in a row"):
                download(remote, tmp_path, unverified=True, retries=QUICK)
            hung_up.result()


def test_silent_server_counts_as_broken(serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(n_sent=HALF, stalls=True), Answer())
    patient = Retries(first_pause_s=0.01, timeout_s=0.3)
    assert download(server.remote(), tmp_path, retries=patient).path.read_bytes() == CONTENT
    assert server.ranges[1] is not None


def test_missing_room_is_said_before_anything_is_fetched(serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(announced=10**18))
    with pytest.raises(DownloadError, match="expected room for 1,000,000,000,000,000,000 bytes"):
        download(server.remote(size_bytes=None), tmp_path, retries=QUICK)
    assert len(server.requests) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
def test_full_disk_is_a_clear_error_and_the_download_goes_on(serve: Serve, tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system could not be mounted")
    try:
        server = serve(Answer(has_length=False))
        with pytest.raises(DownloadError, match="cannot be written: No space left on device"):
            download(server.remote(), tmp_path, retries=QUICK)
        subprocess.run(["mount", "-o", "remount,size=1m", str(tmp_path)], check=True)
        assert download(server.remote(), tmp_path, retries=QUICK).path.read_bytes() == CONTENT
        asked = re.fullmatch(r"bytes=(\d+)-", server.ranges[-1] or "")
        assert asked is not None and int(asked[1]) > HALF
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


@contextmanager
def other_process(server: Server, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is in the middle of a download from a server that stalls."""
    code = (
        "import sys; from preread.data.download import RemoteFile, download\n"
        "download(RemoteFile(name='set', url=sys.argv[1], description='', licence='', "
        f"citation='', size_bytes={len(CONTENT)}, sha256='{SHA256}'), sys.argv[2])"
    )
    process = subprocess.Popen([sys.executable, "-c", code, server.url, str(folder)])
    part = folder / "set.jsonl.gz.part"
    try:
        deadline = time.monotonic() + 20
        while not part.exists() or part.stat().st_size < HALF // 2:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


def test_killed_download_is_resumed_and_a_running_one_is_not_disturbed(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(Answer(n_sent=HALF, stalls=True), Answer())
    with other_process(server, tmp_path) as process:
        with pytest.raises(DownloadError, match="set.jsonl.gz: another process is fetching"):
            download(server.remote(), tmp_path, retries=QUICK)
        assert len(server.requests) == 1
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    come = (tmp_path / "set.jsonl.gz.part").stat().st_size
    assert 0 < come <= HALF
    assert download(server.remote(), tmp_path, retries=QUICK).path.read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={come}-"]
    assert names(tmp_path) == {"set.jsonl.gz"}


def test_process_killed_just_before_the_end_needs_no_further_byte(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(Answer(n_sent=HALF), Answer(status=404))
    with pytest.raises(DownloadError, match="404"):
        download(server.remote(), tmp_path, retries=QUICK)
    (tmp_path / "set.jsonl.gz.part").write_bytes(CONTENT)
    assert download(server.remote(), tmp_path, retries=QUICK).path.read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_end_of_a_file_of_unknown_size_is_taken_from_the_server(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(Answer(n_sent=HALF), Answer(status=404))
    remote = server.remote(size_bytes=None, sha256=None)
    with pytest.raises(DownloadError, match="404"):
        download(remote, tmp_path, unverified=True, retries=QUICK)
    note = tmp_path / "set.jsonl.gz.part.json"
    note.write_text(json.dumps(json.loads(note.read_text()) | {"size_bytes": None}))
    (tmp_path / "set.jsonl.gz.part").write_bytes(CONTENT)
    server.plan[:] = [Answer()]  # nothing lies there: 416
    assert download(remote, tmp_path, unverified=True, retries=QUICK).sha256 == SHA256
    assert server.ranges[-1] == f"bytes={len(CONTENT)}-"


def test_part_of_another_address_is_not_taken(serve: Serve, tmp_path: Path) -> None:
    old, new = serve(Answer(n_sent=HALF), Answer(status=404)), serve()
    with pytest.raises(DownloadError, match="404"):
        download(old.remote(sha256=None), tmp_path, unverified=True, retries=QUICK)
    (tmp_path / "set.jsonl.gz.part").write_bytes(CONTENT[::-1])
    here = download(new.remote(sha256=None), tmp_path, unverified=True, retries=QUICK)
    assert here.path.read_bytes() == CONTENT and new.ranges == [None]


def test_part_without_its_note_is_fetched_afresh(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    (tmp_path / "set.jsonl.gz.part").write_bytes(b"of unknown origin")
    (tmp_path / "set.jsonl.gz.part.json").write_text('{"url": "http')
    assert download(server.remote(), tmp_path, retries=QUICK).path.read_bytes() == CONTENT
    assert server.ranges == [None]


def test_many_at_once_do_not_disturb_each_other(serve: Serve, tmp_path: Path) -> None:
    server = serve()

    def attempt(_: int) -> str:
        try:
            return str(download(server.remote(), tmp_path, retries=QUICK).path.read_bytes())
        except DownloadError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        outcomes = set(pool.map(attempt, range(24)))
    assert str(CONTENT) in outcomes
    outcomes.remove(str(CONTENT))
    assert all("another process is fetching this file" in outcome for outcome in outcomes)
    assert names(tmp_path) == {"set.jsonl.gz"} and len(server.requests) == 1


def test_lock_is_held_by_one_however_fast_it_changes_hands(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def take(number: int) -> None:
        for _ in range(400):
            try:
                with sole_downloader(tmp_path / "set"):
                    inside.append(number)
                    most.append(len(inside))
                    time.sleep(0)
                    inside.remove(number)
            except DownloadError:
                pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take, range(8)))
    assert len(most) > 8 and max(most) == 1
    assert names(tmp_path) == set()


def test_lock_that_was_left_behind_is_no_hindrance(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "set.jsonl.gz.lock").touch()
    server = serve()
    download(server.remote(), tmp_path, retries=QUICK)
    assert names(tmp_path) == {"set.jsonl.gz"}
    (tmp_path / "set.jsonl.gz").unlink()
    with (tmp_path / "set.jsonl.gz.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(DownloadError, match="another process"):
            download(server.remote(), tmp_path, retries=QUICK)


def test_folder_that_cannot_be_made_is_said(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="folder cannot be made"):
        download(serve().remote(), tmp_path / "file" / "folder", retries=QUICK)
    (tmp_path / "set.jsonl.gz").mkdir()
    with pytest.raises(DownloadError, match="expected a file or nothing, found a folder"):
        download(serve().remote(), tmp_path, retries=QUICK)


def test_default_folder_is_in_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/cache")
    assert default_folder() == Path("/somewhere/cache/preread/downloads")
    monkeypatch.setenv("HOME", "/home/someone")
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert default_folder() == Path("/home/someone/.cache/preread/downloads")


def test_our_list_is_sound() -> None:
    registry = load_registry()
    assert len(registry) == 15
    assert len({remote.file for remote in registry.values()}) == 15  # they share a folder
    assert all(remote.url.startswith("https://") for remote in registry.values())
    assert {n for n, remote in registry.items() if remote.sha256} == {
        "wikipedia-dpr",
        "nq-open-train",
        "nq-open-dev",
        "efficientqa-dev",
        "squad11-train",
        "squad11-dev",
    }
    wikipedia = find_remote_file("wikipedia-dpr")
    assert (wikipedia.file, wikipedia.size_bytes) == ("psgs_w100.tsv.gz", 4_694_541_059)
    with pytest.raises(DownloadError, match=r"expected the name of .*.nq-open-dev.*found 'nq'"):
        find_remote_file("nq", {"nq-open-dev": wikipedia})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": "ftp://a/b"}, "expected the http or https address of a file in 'url'"),
        ({"url": "https://a/folder/"}, "expected the http or https address of a file"),
        ({"url": "https://a/%2e%2e"}, "expected the http or https address of a file"),
        ({"sha256": "abc"}, "expected 64 hexadecimal digits in 'sha256', found 'abc'"),
        ({"size_bytes": "12"}, "expected 'size_bytes' to be null or a number of bytes"),
        ({"source": "b"}, r"sources: expected an entry 'b', found a"),
        ({"description": ""}, r"files\['set'\]: expected text in 'description', found it empty"),
    ],
)
def test_unsound_list_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "list.json"
    entry = {"source": "a", "url": "https://a/b", "description": "c"}
    sources = {"a": {"licence": "l", "citation": "c"}}
    path.write_text(json.dumps({"sources": sources, "files": {"set": entry}}))
    assert load_registry(path)["set"].file == "b"
    path.write_text(json.dumps({"sources": sources, "files": {"set": entry | change}}))
    with pytest.raises(DataError, match=message):
        load_registry(path)


@pytest.mark.slow
def test_command_line_fetches_lists_and_refuses(serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(n_sent=HALF), Answer())
    entry = {"source": "a", "url": server.url, "description": "a set", "sha256": SHA256}
    sources = {"a": {"licence": "CC0", "citation": "Us 2020"}}
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"sources": sources, "files": {"set": entry}}))

    def preread(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "preread.pipeline", "download", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True)

    fetched = preread("set", "--registry", path, "--to", tmp_path)
    assert (fetched.returncode, fetched.stdout) == (0, f"{tmp_path / 'set.jsonl.gz'}\n")
    assert (tmp_path / "set.jsonl.gz").read_bytes() == CONTENT
    for part in ("trying again in 1 s", f"SHA-256 {SHA256}", "published", "CC0", "Us 2020"):
        assert part in fetched.stderr
    listed = preread("--list", "--json").stdout.splitlines()
    assert [json.loads(line)["name"] for line in listed] == list(load_registry())
    assert "4.69GB" in preread("--list").stdout
    refused = preread()
    assert refused.returncode == 2 and refused.stderr.startswith("error: expected the name of a")


@pytest.mark.parametrize(
    ("target", "is_refused"),
    [
        ("http://mirror.example/set", True),
        ("ftp://mirror.example/set", True),
        ("HTTP://user:secret@mirror.example/set", True),
        ("https://mirror.example/set", False),
        ("/elsewhere", False),
        ("//mirror.example/set", False),
    ],
)
def test_a_redirect_never_leaves_https(target: str, is_refused: bool) -> None:
    answer = requests.Response()
    answer.status_code, answer.url = 302, "https://data.example/set"
    answer.headers["Location"] = target
    if not is_refused:
        assert EncryptedSession().get_redirect_target(answer) == target
        return
    with pytest.raises(DownloadError, match="redirects from https to") as caught:
        EncryptedSession().get_redirect_target(answer)
    assert "secret" not in str(caught.value)


def test_credentials_of_an_address_are_in_no_message_and_no_file(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(Answer(n_sent=HALF), Answer(status=404))
    address = server.url.replace("//", "//me:pa55word@") + "?token=s3cret"
    remote = replace(server.remote(), url=address)
    with pytest.raises(DownloadError, match="404") as caught:
        download(remote, tmp_path, retries=QUICK)
    written = [path.read_text("latin-1") for path in tmp_path.iterdir() if path.suffix == ".json"]
    assert len(written) == 1
    for text in (str(caught.value), *written):
        assert "pa55word" not in text and "s3cret" not in text


@pytest.mark.parametrize("suffix", [".part", ".part.json", ".lock", ".sha256.tmp"])
def test_a_download_is_written_through_no_link(serve: Serve, tmp_path: Path, suffix: str) -> None:
    folder, victim = tmp_path / "folder", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("precious")
    (folder / f"set.jsonl.gz{suffix}").symlink_to(victim)
    try:
        download(serve().remote(sha256=None), folder, unverified=True, retries=QUICK)
    except DownloadError:
        assert suffix != ".sha256.tmp"
    assert victim.read_text() == "precious"


def test_a_file_of_unknown_size_has_a_limit(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "MOST_BYTES", HALF)
    remote = serve(Answer(has_length=False)).remote(size_bytes=None)
    with pytest.raises(DownloadError, match="expected 192,000 bytes, the server sent more"):
        download(remote, tmp_path, retries=QUICK)
    remote = serve().remote(size_bytes=None)
    with pytest.raises(DownloadError, match="expected at most 192,000 bytes of a file whose size"):
        download(remote, tmp_path, retries=QUICK)
    assert names(tmp_path) <= {"set.jsonl.gz.part", "set.jsonl.gz.part.json"}


def test_every_file_of_our_list_is_pinned_or_needs_consent() -> None:
    """Those without a sum are DPR's question files, for which none was ever published."""
    without = {name for name, remote in load_registry().items() if remote.sha256 is None}
    assert all(name.startswith("dpr-") for name in without)
    for remote in load_registry().values():
        assert remote.url.startswith("https://") and "/master/" not in remote.url


def test_headers_with_numbers_of_any_length_tell_nothing() -> None:
    response = requests.Response()
    response.headers["Content-Length"] = "9" * 5_000
    response.headers["Content-Range"] = f"bytes {'9' * 5_000}-{'9' * 5_000}/{'9' * 5_000}"
    assert content_length(response) is None and content_range(response) == (None, None)
    response.headers.update({"Content-Length": "7", "Content-Range": "bytes 3-9/10"})
    assert content_length(response) == 7 and content_range(response) == (3, 10)
