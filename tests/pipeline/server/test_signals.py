"""Commands that are told to stop, or whose output nobody reads, at any moment."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
import requests
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.pipeline.cli.main import main

pytestmark = pytest.mark.slow
TRIES = int(os.environ.get("PREREAD_SIGNAL_TRIES", "1"))
"""How often each command is stopped, at moments spread over its run."""
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
CRASHES = ("Traceback", "SIGSEGV", "SIGABRT", "Fatal Python", "core dumped", "terminate called")
QUESTION = "How many keys does a modern piano have?"


@dataclass(frozen=True)
class Ended:
    """A process that has ended."""

    code: int
    err: str
    files: list[str]
    """What it left in its working folder."""

    def is_clean(self, sent: signal.Signals) -> bool:
        """Whether it ended by the signal, or finished, and said so in a line at most.

        Args:
            sent: The signal.
        """
        codes = (0, 2, -sent, 128 + sent)
        return self.code in codes and not any(one in self.err for one in CRASHES)


def start(
    arguments: Sequence[object], folder: Path, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    """Start a command in a folder of its own."""
    folder.mkdir(exist_ok=True)
    return start_python(["-m", "preread.pipeline", *map(str, arguments)], folder, stdin)


def start_python(
    arguments: Sequence[str], folder: Path, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    """Start a program in a folder."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_signals,  # noqa: PLW1509  # it does nothing that a thread could hold up
    )


def _heed_signals() -> None:
    """Undo what a test run inherits that was started in the background or by ``nohup``."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def end(process: subprocess.Popen[str], folder: Path) -> Ended:
    """Wait for a process."""
    try:
        _, err = process.communicate(timeout=300)
    finally:
        process.kill()
    return Ended(process.returncode, err or "", [one.name for one in folder.glob("hs_err*")])


COMMANDS: dict[str, Callable[[Path, Path], list[object]]] = {
    "ask": lambda index, folder: ["ask", index, QUESTION],
    "evaluate": lambda index, folder: ["evaluate", index, sample_questions_path(), "--limit", 2],
    "index": lambda index, folder: ["index", sample_corpus_path(), folder / "i", "--limit", 12],
}


@dataclass(frozen=True)
class Unread:
    """A process whose output nobody reads, which nothing stops."""

    ended: Ended
    seconds: float
    """That it took: a command until its end, a server until it listened."""


@pytest.fixture(scope="module")
def unread(sample_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Unread]:
    """Runs a command, when it is first asked for, with a closed standard output."""

    @cache
    def run(name: str) -> Unread:
        folder = tmp_path_factory.mktemp(name)
        began = time.monotonic()
        process = start(COMMANDS[name](sample_index, folder), folder)
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        return Unread(end(process, folder), time.monotonic() - began)

    return run


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_ends_cleanly_at_any_moment(
    name: str, unread: Callable[[str], Unread], sample_index: Path, tmp_path: Path
) -> None:
    earliest, seconds = _earliest_moment(), unread(name).seconds
    moments = random.Random(name)
    for number in range(TRIES):
        folder = tmp_path / str(number)
        sent = SIGNALS[number % len(SIGNALS)]
        process = start(COMMANDS[name](sample_index, folder), folder)
        time.sleep(earliest + seconds * (number + moments.random()) / TRIES)
        process.send_signal(sent)
        ended = end(process, folder)
        assert ended.is_clean(sent) and not ended.files, (sent, ended)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_whose_output_is_closed_ends_without_a_traceback(
    name: str, unread: Callable[[str], Unread]
) -> None:
    ended = unread(name).ended
    assert ended.code in (0, 1) and not any(one in ended.err for one in CRASHES), ended


@pytest.fixture(scope="module")
def unread_server(sample_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Unread:
    """A server whose log is closed when it listens, and which is then asked and told to end."""
    folder = tmp_path_factory.mktemp("serve")
    began = time.monotonic()
    process = start(["serve", f"it={sample_index}", "--port", "0"], folder)
    url = _read_until(process, '"listening"').split('"url": "')[1].split('"')[0]
    seconds = time.monotonic() - began
    assert process.stderr is not None
    process.stderr.close()
    process.stderr = None
    for _ in range(3):
        assert requests.get(f"{url}/v1/it/doc/piano-1", timeout=9).status_code == 200
    process.terminate()
    return Unread(end(process, folder), seconds)


def test_serve_goes_on_when_nobody_reads_its_log(unread_server: Unread) -> None:
    assert unread_server.ended.code == 0


def test_serve_ends_cleanly_at_any_moment(
    unread_server: Unread, sample_index: Path, tmp_path: Path
) -> None:
    command = ["serve", f"it={sample_index}", "--port", "0"]
    earliest, seconds = _earliest_moment(), unread_server.seconds
    moments = random.Random("serve")
    for number in range(TRIES):
        sent = SIGNALS[number % len(SIGNALS)]
        process = start(command, tmp_path)
        time.sleep(earliest + 1.2 * seconds * (number + moments.random()) / TRIES)
        process.send_signal(sent)
        ended = end(process, tmp_path)
        assert ended.is_clean(sent) and not ended.files, (sent, ended)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_mcp_ends_while_it_waits_for_its_input(
    sent: signal.Signals, sample_index: Path, warm_processes: ForkServerContext
) -> None:
    (stdin, asking), (replies, stdout) = Pipe(duplex=False), Pipe(duplex=False)
    arguments = ["mcp", str(sample_index)]
    process = warm_processes.Process(target=_run, args=(arguments, stdin, stdout))
    process.start()
    os.write(asking.fileno(), b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
    stdout.close()
    with os.fdopen(os.dup(replies.fileno())) as lines:
        assert json.loads(lines.readline())["id"] == 1
    assert process.pid is not None
    os.kill(process.pid, sent)
    process.join(30)
    assert process.exitcode == -sent


def _run(arguments: list[str], stdin: Connection, stdout: Connection) -> None:
    """Run a command in this process, which has imported the package already."""
    os.dup2(stdin.fileno(), 0)
    os.dup2(stdout.fileno(), 1)
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.argv = ["preread", *arguments]
    main()


@pytest.mark.parametrize("work", ["import swallowing", "send()"])
def test_an_interrupt_ends_imports_at_once_and_other_work_by_an_exception(
    work: str, tmp_path: Path
) -> None:
    """Libraries swallow the exception within an import, or end with a core dump."""
    (tmp_path / "swallowing.py").write_text(
        "import program\ntry:\n    program.send()\nexcept BaseException:\n    pass\n"
    )
    (tmp_path / "program.py").write_text(f"""
import os, signal, time
from preread.pipeline.cli import main

def send():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(9)

def app(*args, **kwargs):
    {work}

main.app = app
if __name__ == "__main__":
    main.main()
""")
    process = start_python(["program.py"], tmp_path)
    ended = end(process, tmp_path)
    assert ended.code == 130 and ended.err.startswith("error: interrupted."), ended


def test_serve_ends_cleanly_while_it_reads(sample_index: Path, tmp_path: Path) -> None:
    """Told to by one signal, and then by another."""
    process = start(["serve", f"it={sample_index}", "--port", "0", "--grace-seconds", 0], tmp_path)
    url = _read_until(process, '"listening"').split('"url": "')[1].split('"')[0]
    asking = subprocess.Popen(
        ["curl", "-s", f"{url}/v1/it/answer?question=piano&top_k=100"], stdout=subprocess.DEVNULL
    )
    time.sleep(0.3)
    assert requests.get(f"{url}/health", timeout=9).status_code == 200
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGHUP)
    ended = end(process, tmp_path)
    asking.wait(20)
    either = (signal.SIGINT, signal.SIGHUP)
    assert any(ended.is_clean(sent) for sent in either) and not ended.files, ended


def _earliest_moment() -> float:
    """Seconds until Python itself has started, before which no program can handle a signal."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import preread.pipeline"], check=True)
    return 0.2 + 2 * (time.monotonic() - began)


def _read_until(process: subprocess.Popen[str], word: str) -> str:
    """The first line of standard error with a word."""
    assert process.stderr is not None
    for line in process.stderr:
        if word in line:
            return line
    raise AssertionError(f"{word} was not said")
