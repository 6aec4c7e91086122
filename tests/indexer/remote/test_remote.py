"""Indexes at URLs: fetched once, checked, continued, and never half there."""

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest
from preread.data import Passage, PrereadError
from preread.indexer import (
    AddConfig,
    IndexConfig,
    IndexFormatError,
    Manifest,
    PassageIndex,
    add_passages,
    build_index,
    verify_index,
)
from preread.indexer.remote.copies import is_remote, local_index, read_manifest
from preread.reader import Reader


@pytest.fixture(scope="module")
def built_here(corpus: Path, tiny_reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of three shards, with a codec of its own."""
    index = tmp_path_factory.mktemp("remote") / "index"
    build_index(corpus, index, tiny_reader, IndexConfig(passages_per_shard=7, workers=1))
    return index


@pytest.fixture
def url(built_here: Path) -> Iterator[str]:
    """The same in a store that is not a file system."""
    memory = fsspec.filesystem("memory")
    memory.put(str(built_here), "/bucket/index", recursive=True)
    yield "memory://bucket/index"
    memory.rm("/bucket", recursive=True)


@pytest.fixture
def website(built_here: Path) -> Iterator[tuple[str, list[str]]]:
    """The same behind HTTP, and what was asked for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            asked.append(f"{self.command} {self.path}")

    handler = functools.partial(Handler, directory=str(built_here.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/index", asked
        server.shutdown()
        thread.join()


def passages_of(index: Path) -> list[Passage]:
    """All of them."""
    with PassageIndex(index) as opened:
        return [opened.passage(ordinal) for ordinal in opened.ordinals().tolist()]


def test_paths_are_taken_as_they_are(tmp_path: Path) -> None:
    assert local_index(tmp_path) == local_index(str(tmp_path)) == tmp_path
    assert local_index(f"file://{tmp_path}") == tmp_path
    assert is_remote("s3://a/b") and not is_remote(tmp_path) and not is_remote("file:///a")


def test_a_copy_is_the_index(built_here: Path, url: str, tmp_path: Path) -> None:
    copy = local_index(url, cache=tmp_path)
    assert verify_index(copy) == []
    assert passages_of(copy) == passages_of(built_here)
    with PassageIndex(copy) as one, PassageIndex(built_here) as other:
        assert one.bm25.search("volcano", 5) == other.bm25.search("volcano", 5)
    assert read_manifest(url) == read_manifest(built_here)
    fsspec.filesystem("memory").rm("/bucket/index/states", recursive=True)
    assert local_index(url, cache=tmp_path) == copy  # nothing but the manifest is asked for


def test_http_serves_too_and_nothing_is_fetched_twice(
    built_here: Path, website: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, asked = website
    copy = local_index(address, cache=tmp_path)
    assert passages_of(copy) == passages_of(built_here)
    asked.clear()
    assert local_index(address, cache=tmp_path) == copy
    assert {one.rsplit("/", 1)[-1] for one in asked} == {"manifest.json"}


def test_a_new_generation_fetches_what_is_new(
    built_here: Path, url: str, tiny_reader: Reader, tmp_path: Path
) -> None:
    before = local_index(url, cache=tmp_path / "cache")
    opened = PassageIndex(before)
    changed = Path(shutil.copytree(built_here, tmp_path / "changed"))
    more = tmp_path / "more.jsonl"
    more.write_text(json.dumps({"id": "new", "text": "Something new."}) + "\n", "utf-8")
    add_passages(changed, more, tiny_reader, AddConfig(workers=1))
    memory = fsspec.filesystem("memory")
    memory.rm("/bucket/index", recursive=True)
    memory.put(str(changed), "/bucket/index", recursive=True)
    memory.rm("/bucket/index/states/shard-00000.h5")  # it is here already
    after = local_index(url, cache=tmp_path / "cache")
    assert passages_of(after) == passages_of(changed)
    assert before.exists() and opened.passage(0)  # somebody has it open
    opened.close()
    assert local_index(url, cache=tmp_path / "cache") == after
    memory.pipe("/bucket/index/manifest.json", (built_here / "manifest.json").read_bytes())
    assert local_index(url, cache=tmp_path / "cache") == before and before != after


def test_what_was_broken_off_goes_on(url: str, tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    whole = memory.cat_file("/bucket/index/states/shard-00001.h5")
    memory.rm("/bucket/index/states/shard-00001.h5")
    with pytest.raises(IndexFormatError, match="found no states/shard-00001.h5"):
        local_index(url, cache=tmp_path)
    assert not list(tmp_path.glob("*/*/manifest.json"))
    (folder,) = tmp_path.glob("*/*/states")
    (folder / "shard-00001.h5.part").write_bytes(whole[:1000])
    memory.pipe("/bucket/index/states/shard-00001.h5", bytes(1000) + whole[1000:])
    assert verify_index(local_index(url, cache=tmp_path)) == []  # the first bytes were there


@pytest.mark.parametrize("wrong", [b"x", b""], ids=["other bytes", "cut short"])
def test_wrong_bytes_are_refused(url: str, tmp_path: Path, wrong: bytes) -> None:
    memory = fsspec.filesystem("memory")
    name = "/bucket/index/states/shard-00002.h5"
    whole = memory.cat_file(name)
    memory.pipe(name, whole[:-1] + wrong)
    with pytest.raises(IndexFormatError, match="shard-00002.h5: expected .* bytes with the SHA"):
        local_index(url, cache=tmp_path)
    memory.pipe(name, whole)
    assert verify_index(local_index(url, cache=tmp_path)) == []


def test_a_manifest_cannot_write_outside_of_the_cache(
    built_here: Path, url: str, tmp_path: Path
) -> None:
    manifest = Manifest.load(built_here)
    memory = fsspec.filesystem("memory")
    for evil in (
        replace(manifest, lucene="../../../lucene"),
        replace(manifest, lookups=(replace(manifest.lookups[0], file="../../../../evil.h5"),)),
    ):
        evil.save(tmp_path / "evil.json")
        memory.pipe("/bucket/index/manifest.json", (tmp_path / "evil.json").read_bytes())
        with pytest.raises(IndexFormatError, match="which lies outside of an index"):
            local_index(url, cache=tmp_path / "deep" / "cache")
    assert {path.name for path in tmp_path.iterdir()} == {"deep", "evil.json"}


def test_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(IndexFormatError, match="memory://nothing.*found no manifest.json"):
        local_index("memory://nothing", cache=tmp_path)
    with pytest.raises(PrereadError, match="zzz://bucket: cannot be opened: .*zzz"):
        local_index("zzz://bucket", cache=tmp_path)
