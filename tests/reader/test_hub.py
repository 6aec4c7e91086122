"""Names of checkpoints: what is a path, what ships, and when the hub is asked."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from preread.data import PrereadError
from preread.pipeline.cli.main import options
from preread.reader import PairReader, Reader
from preread.reader.conversion.sources import find_source
from preread.reader.hub import ALLOW_VARIABLE, find_checkpoint, hub_is_allowed, looks_like_path


@pytest.fixture(autouse=True)
def nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What would have left this machine: look-ups of addresses."""
    asked: list[object] = []

    def refuse(*arguments: object, **named: object) -> None:
        asked.append(arguments[0])
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.delenv(ALLOW_VARIABLE, raising=False)
    return asked


PATHS = [
    "./reader",
    "../reader",
    "/reader",
    "~/reader",
    "a/b/c",
    "here/reader",
    "my reader",
    "",
    "a/",
]


@pytest.mark.parametrize("name", PATHS)
def test_a_path_that_does_not_exist_is_never_asked_of_the_hub(
    name: str, nothing_is_asked: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    assert looks_like_path(name)
    for load in (Reader.load, PairReader.load, find_source):
        with pytest.raises(PrereadError, match="expected a"):
            load(name)
    assert not nothing_is_asked


def test_what_can_be_no_name_of_a_reader_is_refused(nothing_is_asked: list[object]) -> None:
    unusable: list[tuple[Any, str]] = [
        (None, "reader: expected a name or a path, found None. Give a str or a Path"),
        (b"default", "reader: expected a name or a path, found b'default'"),
        ("~nobody-here/reader", "system refuses: Could not determine home directory"),
        ("a" * 300, "aaa: .* that the operating system refuses: File name too long"),
        ("./" + "a" * 300, "aaa: .* that the operating system refuses: File name too long"),
    ]
    for load in (Reader.load, PairReader.load):
        for name, said in unusable:
            with pytest.raises(PrereadError, match=said):
                load(name)
    assert not nothing_is_asked


def test_names_of_the_hub_are_told_from_paths(tmp_path: Path) -> None:
    for name in ("org/model", "bert-base-uncased", "sentence-transformers/all-MiniLM-L6-v2"):
        assert not looks_like_path(name)
    assert find_checkpoint(str(tmp_path)) == str(tmp_path)
    assert Path(find_checkpoint("default")).joinpath("model.safetensors").is_file()


def test_a_name_in_an_index_is_not_asked_of_the_hub(nothing_is_asked: list[object]) -> None:
    with pytest.raises(PrereadError, match="org/model: expected a folder.*--allow-hub"):
        Reader.load("org/model", allow_hub=False)
    assert not nothing_is_asked


def test_the_hub_is_asked_once_where_it_cannot_be_reached(nothing_is_asked: list[object]) -> None:
    started = time.monotonic()
    with pytest.raises(
        PrereadError, match="could not be asked: .*Name or service not known"
    ) as one:
        Reader.load("org/model")
    assert time.monotonic() - started < 5
    assert len(nothing_is_asked) <= 2  # huggingface_hub looks up another file of its own
    assert str(one.value).count("could not be asked") == 1


@pytest.fixture
def silent_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hub whose address is looked up for ever."""
    let_go = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: let_go.wait(20))
    yield
    let_go.set()


@pytest.mark.slow
def test_a_hub_that_does_not_answer_is_given_up_within_five_seconds(silent_hub: None) -> None:
    started = time.monotonic()
    with pytest.raises(PrereadError, match="no answer within 4 seconds"):
        Reader.load("org/other-model")
    assert time.monotonic() - started < 5


def test_the_command_line_allows_the_hub_for_all_that_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ALLOW_VARIABLE, "")
    assert not hub_is_allowed()
    app = typer.Typer()
    app.callback()(options)
    app.command()(lambda: None)
    app.command("other")(lambda: None)
    app(["--allow-hub", "other"], standalone_mode=False)
    assert hub_is_allowed() and os.environ[ALLOW_VARIABLE] == "1"


def test_code_and_pickles_of_a_checkpoint_are_not_loaded(
    tiny_reader: Reader, tmp_path: Path
) -> None:
    """Weights that are a pickle alone, and a configuration that names code."""
    tiny_reader.model.save_pretrained(tmp_path)
    tiny_reader.tokenizer.save_pretrained(tmp_path)
    (tmp_path / "evil.py").write_text("raise SystemExit('code was run')")
    config = (tmp_path / "config.json").read_text()
    evil = '{\n  "auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"},'
    (tmp_path / "config.json").write_text(evil + config[1:])
    assert Reader.load(str(tmp_path)).fingerprint == tiny_reader.fingerprint
    other = config.replace('"model_type": "deformer"', '"model_type": "evil"')
    (tmp_path / "config.json").write_text(evil + other[1:])
    with pytest.raises(PrereadError, match="could not be loaded"):
        Reader.load(str(tmp_path))
    (tmp_path / "config.json").write_text(config)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch evil'\ntR.")
    with pytest.raises(PrereadError, match="safetensors"):
        Reader.load(str(tmp_path))


def test_the_hub_is_not_asked_for_a_path() -> None:
    assert looks_like_path(Path("nosuch/folder"))
    with pytest.raises(PrereadError, match=r"found no config\.json"):
        Reader.load(Path("nosuch/folder"))
