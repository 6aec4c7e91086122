"""The sample corpus with the reader that ships, and a way to call the command line."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from preread.data.sample import sample_corpus_path
from preread.indexer import build_index
from preread.pipeline import OpenDomainQA
from preread.pipeline.serving import ApiKeys, Service
from preread.pipeline.serving.server import GracefulServer, listen
from preread.reader import Reader


@pytest.fixture(scope="session")
def default_reader() -> Reader:
    """The reader that ships."""
    return Reader.load("default")


@pytest.fixture(scope="session")
def sample_index(default_reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the sample corpus."""
    path = tmp_path_factory.mktemp("sample") / "index"
    build_index(sample_corpus_path(), path, default_reader)
    return path


@pytest.fixture(scope="session")
def qa(sample_index: Path) -> OpenDomainQA:
    """Answers from the sample corpus."""
    return OpenDomainQA.from_index(sample_index)


@pytest.fixture(scope="session")
def server_key() -> str:
    """What lets into `keyed_server`."""
    return "a-key-for-the-engines-0123"


@pytest.fixture(scope="session")
def keyed_server(sample_index: Path, server_key: str) -> Iterator[str]:
    """Address of a server of the sample index, named ``sample``, that wants a key."""
    keys = ApiKeys([server_key])
    with listen("127.0.0.1", 0) as sock, Service({"sample": sample_index}, keys=keys) as service:
        server = GracefulServer(service, sock)
        thread = threading.Thread(target=server.run_until_stopped)
        thread.start()
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.drain()
        thread.join()


@dataclass(frozen=True)
class Finished:
    """What a command left."""

    code: int
    out: str
    err: str


@pytest.fixture
def preread(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Finished]:
    """Calls the command line in this process."""
    from preread.pipeline.cli import main

    def call(*arguments: object, stdin: str = "") -> Finished:
        import io

        monkeypatch.setattr("sys.argv", ["preread", *map(str, arguments)])
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        code = left.value.code
        return Finished(int(code) if code is not None else 0, captured.out, captured.err)

    return call
