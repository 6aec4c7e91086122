"""The sample corpus with the reader that ships, and a way to call the command line."""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pytest
from preread.indexer import IndexConfig, build_index
from preread.pipeline import OpenDomainQA
from preread.pipeline.server import ApiKeys, ServeConfig, Service
from preread.pipeline.server.server import GracefulServer, listen
from preread.reader import Reader


@pytest.fixture(scope="session")
def qa(sample_index: Path) -> OpenDomainQA:
    """Answers from the sample corpus."""
    return OpenDomainQA.from_index(sample_index)


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
    from preread.pipeline.cli.main import main

    def call(*arguments: object, stdin: str | TextIO | None = "") -> Finished:
        import io

        monkeypatch.setattr("sys.argv", ["preread", *map(str, arguments)])
        given = io.StringIO(stdin) if isinstance(stdin, str) else stdin
        monkeypatch.setattr("sys.stdin", given)
        root, ours = logging.getLogger(), logging.getLogger("preread")
        handlers, level = root.handlers[:], ours.level
        try:
            with pytest.raises(SystemExit) as left:
                main()
        finally:  # they would write to this test's captured stream when it is closed
            root.handlers[:], ours.level = handlers, level
        captured = capsys.readouterr()
        code = left.value.code
        return Finished(int(code) if code is not None else 0, captured.out, captured.err)

    return call


@dataclass(frozen=True)
class Served:
    """A server in a thread of this process."""

    url: str
    service: Service


Serving = Callable[..., AbstractContextManager[Served]]


@pytest.fixture(scope="session")
def serving() -> Serving:
    """Starts a server in a thread, as a context that stops it at the end."""

    @contextmanager
    def start(
        paths: Mapping[str, Path], config: ServeConfig | None = None, keys: ApiKeys | None = None
    ) -> Iterator[Served]:
        with listen("127.0.0.1", 0) as sock, Service(paths, config, keys) as service:
            server = GracefulServer(service, sock)
            thread = threading.Thread(target=server.run_until_stopped)
            thread.start()
            try:
                yield Served(f"http://127.0.0.1:{sock.getsockname()[1]}", service)
            finally:
                server.drain()
                thread.join()

    return start


@pytest.fixture(scope="session")
def server_key() -> str:
    """What lets into `keyed_server`."""
    return "a-key-for-the-engines-0123"


@pytest.fixture(scope="session")
def keyed_server(sample_index: Path, server_key: str, serving: Serving) -> Iterator[str]:
    """Address of a server of the sample index, named ``sample``, that wants a key."""
    with serving({"sample": sample_index}, keys=ApiKeys([server_key])) as served:
        yield served.url


ODD_PASSAGES = {
    "markup-1": (
        "<b>Zebra</b>",
        "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'> The zebra of "
        "Quimper has 4711 stripes & is called <i>Ada</i>.",
    ),
    "emoji-1": ("Toys 🧸", "🎹🎹 𝔸 👩‍🎤 The toy spinet of Lorient has 25 keys 🎹."),
    "emoji-2": ("Keys", "A spinet in Lorient: 25 keys."),
    "long-1": ("Long", "word " * 400 + "The gnomon of Vannes was built by Tresk." + " more" * 400),
}
"""Passages that a careless page would show wrongly."""


@pytest.fixture(scope="session")
def odd_index(default_reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of `ODD_PASSAGES`, without vectors."""
    folder = tmp_path_factory.mktemp("odd")
    corpus = folder / "odd.jsonl"
    with corpus.open("w", encoding="utf-8") as file:
        for passage_id, (title, text) in ODD_PASSAGES.items():
            file.write(json.dumps({"id": passage_id, "title": title, "text": text}) + "\n")
    build_index(corpus, folder / "index", default_reader, IndexConfig(vectors=False))
    return folder / "index"
