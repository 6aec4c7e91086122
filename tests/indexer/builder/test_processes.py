"""Several processes write what one does."""

import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
from preread.data import PrereadError
from preread.indexer import IndexConfig, Manifest, build_index, verify_index
from preread.indexer.builder.encode import ShardTask
from preread.indexer.builder.executors.processes import _submit, map_reader, save_reader
from preread.indexer.builder.scan import BuildEstimate
from preread.reader import Reader
from preread.reader.retrieval.files import head_fingerprint, head_of
from safetensors import SafetensorError

pytestmark = pytest.mark.slow


def test_bytes_do_not_depend_on_the_number_of_workers(
    head_reader: Reader,
    tiny_codec_path: Callable[[str], Path],
    tmp_path: Path,
    files_of: Callable[[Path], dict[str, str]],
) -> None:
    """With a learned codec, and with vectors; below, those in float16 do not depend on it, too."""
    from preread.data.sample import sample_corpus_path

    codec = str(tiny_codec_path("rpq4"))
    for workers in (1, 2):
        config = IndexConfig(codec=codec, passages_per_shard=10, workers=workers, limit=40)
        build_index(sample_corpus_path(), tmp_path / str(workers), head_reader, config)
    assert Manifest.load(tmp_path / "2").dense is not None
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")
    assert verify_index(tmp_path / "2") == []


def test_workers_load_the_reader_from_a_file_that_holds_no_code(
    head_reader: Reader, tmp_path: Path
) -> None:
    path, head = tmp_path / "reader", head_of(head_reader)
    with path.open("xb") as file:
        save_reader(head_reader, head, file)
    mapped, mapped_head = map_reader(path)
    assert (mapped.name, mapped.fingerprint) == (head_reader.name, head_reader.fingerprint)
    assert all(weight.is_meta is False for weight in mapped.model.parameters())
    assert head is not None and mapped_head is not None
    assert head_fingerprint(mapped_head, mapped) == head_fingerprint(head, head_reader)
    path.write_bytes(pickle.dumps(_RunsCode()))
    with pytest.raises(SafetensorError):
        map_reader(path)


class _RunsCode:
    """Would end the tests if it were unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('pickle was loaded')",)


def test_worker_that_dies_is_a_clear_error_and_the_build_goes_on(
    tiny_reader: Reader, tmp_path: Path, files_of: Callable[[Path], dict[str, str]]
) -> None:
    from preread.data.sample import sample_corpus_path

    config = IndexConfig(passages_per_shard=10, workers=2, limit=150)
    index = tmp_path / "index"

    def kill_a_worker() -> None:
        while not list(index.glob("states/shard-*")):
            time.sleep(0.01)
        for child in multiprocessing.active_children():
            if "Spawn" in type(child).__name__:
                child.kill()
                return

    killer = threading.Thread(target=kill_a_worker)
    killer.start()
    with pytest.raises(PrereadError, match="a worker died.*--resume"):
        build_index(sample_corpus_path(), index, tiny_reader, config)
    killer.join()
    alone = replace(config, workers=1)
    build_index(sample_corpus_path(), index, tiny_reader, alone, resume=True)
    build_index(sample_corpus_path(), tmp_path / "whole", tiny_reader, alone)
    assert files_of(index) == files_of(tmp_path / "whole")


def test_worker_that_dies_before_it_has_begun_is_a_clear_error(
    tiny_reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from preread.data.sample import sample_corpus_path

    stillborn = tmp_path / "python"
    stillborn.write_text("#!/bin/sh\nexit 1\n")
    stillborn.chmod(0o755)
    resource_tracker.ensure_running()  # it is started by the same executable
    monkeypatch.setattr(multiprocessing.spawn, "_python_exe", os.fsencode(stillborn))
    config = IndexConfig(passages_per_shard=10, workers=2, limit=150)
    failed: list[Exception] = []

    def build() -> None:
        try:
            build_index(sample_corpus_path(), tmp_path / "index", tiny_reader, config)
        except PrereadError as error:
            failed.append(error)

    building = threading.Thread(target=build, daemon=True)
    building.start()
    building.join(60)
    assert not building.is_alive(), "waits for ever for a worker that is dead"
    assert "a worker died" in str(failed[0])
    assert not list((tmp_path / "index" / "states").iterdir())


def test_pool_that_gives_up_while_it_gets_a_task_has_lost_a_worker() -> None:
    """Its pipes are closed by then, and a new process may get their numbers."""

    class GivenUp(ProcessPoolExecutor):
        def submit(self, *_: object, **__: object) -> NoReturn:
            raise ValueError("bad value(s) in fds_to_keep")

    task = cast(ShardTask, None)
    with GivenUp(1) as pool, pytest.raises(BrokenProcessPool, match="fds_to_keep"):
        _submit(pool, task)


def test_cost_is_estimated_before_the_start(
    corpus: Path, tiny_reader: Reader, tmp_path: Path
) -> None:
    told: list[BuildEstimate] = []
    config = IndexConfig(workers=1)
    manifest, _ = build_index(
        corpus, tmp_path / "index", tiny_reader, config, on_estimate=told.append
    )
    (estimate,) = told
    assert estimate.n_passages == manifest.n_passages
    assert estimate.n_tokens == pytest.approx(manifest.n_tokens, rel=0.02)
    states = sum(shard.bytes for shard in manifest.shards)
    assert estimate.bytes > 2 * manifest.n_tokens * 32 and estimate.bytes < 3 * states


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
@pytest.mark.parametrize(("workers", "kib"), [(1, 1_600), (2, 16_000)])  # two need the reader there
def test_full_disk_is_a_clear_error_and_the_build_goes_on(
    corpus: Path,
    tiny_reader: Reader,
    tmp_path: Path,
    files_of: Callable[[Path], dict[str, str]],
    workers: int,
    kib: int,
) -> None:
    import subprocess

    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system could not be mounted")
    config = IndexConfig(passages_per_shard=3, workers=workers)
    try:
        filler = small / "filler"
        filler.write_bytes(bytes(kib * 1024 - 288_400))
        with pytest.raises(PrereadError, match="The disk is full: make room and go on"):
            build_index(corpus, small / "index", tiny_reader, config)
        filler.unlink()
        alone = replace(config, workers=1)
        build_index(corpus, small / "index", tiny_reader, alone, resume=True)
        assert verify_index(small / "index") == []
        build_index(corpus, tmp_path / "undisturbed", tiny_reader, alone)
        assert files_of(small / "index") == files_of(tmp_path / "undisturbed")
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
