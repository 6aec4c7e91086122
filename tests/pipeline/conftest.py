"""The sample corpus with the reader that ships, and a way to call the command line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from preread.data.sample import sample_corpus_path
from preread.indexer import build_index
from preread.pipeline import OpenDomainQA
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
