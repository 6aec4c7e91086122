"""Indexes at URLs: fetched once, checked, continued, and never half there."""

import asyncio
import functools
import http.server
import json
import os
import shutil
import socket
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

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
from preread.indexer.remote import store
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
        with pytest.raises(IndexFormatError, match="expected (a file name|text) of the form"):
            local_index(url, cache=tmp_path / "deep" / "cache")
    assert {path.name for path in tmp_path.iterdir()} == {"deep", "evil.json"}


def test_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(IndexFormatError, match="memory://nothing.*found no manifest.json"):
        local_index("memory://nothing", cache=tmp_path)
    with pytest.raises(PrereadError, match="zzz://bucket: cannot be opened: .*zzz"):
        local_index("zzz://bucket", cache=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(PrereadError, match=r"manifest.json: could not be fetched: .*the network"):
        local_index(f"http://127.0.0.1:{port}/index", cache=tmp_path)


@pytest.mark.parametrize(
    "address",
    [
        "file+x:///etc",
        "local:///etc",
        "github://org:repo@/x",
        "ssh://host/x",
        "reference://x",
        "zip://index::https://host/x.zip",
        "simplecache::s3://bucket/x",
        "s3://bucket/x::memory://y",
        "jupyter://host/x",
        "data://x",
    ],
)
def test_only_stores_that_hold_files_are_opened(tmp_path: Path, address: str) -> None:
    with pytest.raises(PrereadError, match="expected an address that begins with one of abfs"):
        local_index(address, cache=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "address",
    [
        "https://me:pa55word@host.invalid/index",
        "https://pa55word@host.invalid/index",
        "s3://me:pa55word@bucket/index",
        "https://host.invalid/index?token=pa55word",
        "https://host.invalid/index?X-Amz-Signature=pa55word",
        "abfs://me:pa55word@account.invalid/index",
        "https://host.invalid/index#pa55word",
    ],
)
def test_addresses_hold_no_credentials(tmp_path: Path, address: str) -> None:
    for work in (lambda: local_index(address, cache=tmp_path), lambda: read_manifest(address)):
        with pytest.raises(PrereadError, match="expected an address without credentials") as caught:
            work()
        assert "pa55word" not in str(caught.value) or "#" in address
    assert not list(tmp_path.iterdir())


def test_no_more_is_fetched_than_was_expected(
    built_here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that sends and sends, with and without saying how much."""
    n_sent = 0

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:  # noqa: N802
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:  # noqa: N802
            nonlocal n_sent
            self.send_response(200)
            self.end_headers()
            name = self.path.removeprefix("/index/")
            if not name.endswith(endless):
                self.wfile.write((built_here / name).read_bytes())
                return
            try:
                while n_sent < 1 << 30:
                    self.wfile.write(bytes(1 << 20))
                    n_sent += 1 << 20
            except OSError:  # it was hung up
                pass

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/index"
        monkeypatch.setattr(store, "MAX_JSON_BYTES", 1 << 22)
        for endless in ("manifest.json", "shard-00001.h5", "files.json"):
            n_sent = 0
            with pytest.raises(PrereadError, match=f"{endless}: (expected|could not be fetched)"):
                local_index(address, cache=tmp_path / endless)
            assert n_sent < 1 << 28, endless
        on_disk = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
        server.shutdown()
    assert on_disk < 1 << 22


def test_the_cache_belongs_to_the_user_alone(url: str, tmp_path: Path) -> None:
    copy = local_index(url, cache=tmp_path / "cache")
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    copy.parent.chmod(0o777)
    assert local_index(url, cache=tmp_path / "cache") == copy
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    elsewhere = tmp_path / "elsewhere"
    copy.parent.rename(elsewhere)
    copy.parent.symlink_to(elsewhere)
    with pytest.raises(PrereadError, match="expected a folder of your own"):
        local_index(url, cache=tmp_path / "cache")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_a_cache_of_another_user_is_not_used(url: str, tmp_path: Path) -> None:
    copy = local_index(url, cache=tmp_path)
    os.chown(copy.parent, 65534, 65534)
    with pytest.raises(PrereadError, match="expected a folder of your own"):
        local_index(url, cache=tmp_path)


@pytest.mark.parametrize(
    "file", ["states/shard-00001.h5", "manifest.json", "lucene-000000/files.json"]
)
def test_what_lies_in_the_cache_is_not_believed(
    built_here: Path, url: str, tmp_path: Path, file: str
) -> None:
    copy = local_index(url, cache=tmp_path)
    (copy / file).write_bytes((copy / file).read_bytes()[:-1] + b"!")
    assert local_index(url, cache=tmp_path) == copy
    assert (copy / file).read_bytes() == (built_here / file).read_bytes()
    (copy / file).unlink()
    (copy / file).symlink_to(built_here / file)
    assert local_index(url, cache=tmp_path) == copy
    assert not (copy / file).is_symlink() and verify_index(copy) == []


def test_what_is_planted_in_the_cache_beforehand_is_hashed(url: str, tmp_path: Path) -> None:
    copy = local_index(url, cache=tmp_path)
    name = copy.name
    shutil.rmtree(copy)
    (tmp_path / copy.parent.name / name / "states").mkdir(parents=True)
    (copy / "states" / "shard-00001.h5").write_bytes(b"planted")
    assert verify_index(local_index(url, cache=tmp_path)) == []


def test_a_disk_without_room_is_said_before_anything_is_fetched(
    built_here: Path, url: str, tmp_path: Path
) -> None:
    manifest = Manifest.load(built_here)
    shard = replace(manifest.shards[0], bytes=1 << 60)
    huge = tmp_path / "huge.json"
    replace(manifest, shards=(shard, *manifest.shards[1:])).save(huge)
    fsspec.filesystem("memory").pipe("/bucket/index/manifest.json", huge.read_bytes())
    with pytest.raises(PrereadError, match="expected room for 1,152,.* bytes, found"):
        local_index(url, cache=tmp_path / "cache")


def test_a_store_never_goes_on_without_encryption() -> None:
    """As aiohttp tells of a redirect, before it is followed."""

    def redirect(address: str, target: str, header: str = "Location") -> None:
        told = SimpleNamespace(
            url=urlsplit(address), response=SimpleNamespace(headers={header: target})
        )
        asyncio.run(store._check_redirect(None, None, told))

    redirect("https://host/x", "https://other/x")
    redirect("https://host/x", "/x")
    redirect("http://host/x", "http://other/x")
    for header in ("Location", "URI"):  # aiohttp heeds either
        with pytest.raises(OSError, match="redirects from https to 'http://other/x'"):
            redirect("https://host/x", "http://other/x", header)
