"""Builds that stop and go on, and builds that must be refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from importlib import import_module
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest
import torch
from preread.data import DataError, PrereadError
from preread.indexer import (
    AddConfig,
    IndexConfig,
    IndexMismatchError,
    Manifest,
    PassageIndex,
    add_passages,
    build_index,
    verify_index,
)
from preread.pipeline.cli.main import app
from preread.reader import Reader
from typer.testing import CliRunner

FilesOf = Callable[[Path], dict[str, str]]


def test_same_passages_give_the_same_bytes(
    corpus: Path,
    built: Path,
    config: IndexConfig,
    tiny_reader: Reader,
    tmp_path: Path,
    files_of: FilesOf,
) -> None:
    build_index(corpus, tmp_path / "again", tiny_reader, config)
    assert files_of(tmp_path / "again") == files_of(built)


class Stop(Exception):
    """Stands for a power cut between two steps of a build."""


@pytest.fixture(scope="module")
def with_vectors(
    corpus: Path,
    config: IndexConfig,
    head_reader: Reader,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """An index of the passages by a reader with a retrieval head."""
    index = tmp_path_factory.mktemp("with-vectors") / "index"
    build_index(corpus, index, head_reader, config)
    return index


@pytest.mark.parametrize(
    ("step", "at_call"),
    [
        ("builder.executors.processes.encode_shard", 1),
        ("builder.executors.processes.encode_shard", 3),
        ("builder.encode.sha256_of", 2),
        ("builder.encode.write_shard_vectors", 2),
        ("builder.extend.create_dense", 1),
        ("builder.lookup_and_bm25.write_lookup", 1),
        ("builder.extend.build_bm25", 1),
        ("builder.extend.publish", 1),
        ("builder.run.remove_journal", 1),
    ],
)
def test_build_stopped_at_any_step_resumes_to_the_same_bytes(
    step: str,
    at_call: int,
    corpus: Path,
    with_vectors: Path,
    config: IndexConfig,
    head_reader: Reader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files_of: FilesOf,
) -> None:
    module_name, name = step.rsplit(".", 1)
    module = import_module(f"preread.indexer.{module_name}")
    real, calls = getattr(module, name), 0

    def stopping(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls == at_call:
            raise Stop
        return real(*args, **kwargs)

    index = tmp_path / "index"
    with monkeypatch.context() as patch:
        patch.setattr(module, name, stopping)
        with pytest.raises(Stop):
            build_index(corpus, index, head_reader, config)
    is_over = (index / "manifest.json").exists()
    assert is_over == (name == "remove_journal")
    if not is_over:  # a worker of a cluster leaves files that have names of their own
        (index / "states" / "shard-00000.h5.of-a-lost-worker.tmp").write_bytes(b"half")
    build_index(corpus, index, head_reader, config, resume=True)
    assert files_of(index) == files_of(with_vectors)
    assert verify_index(index) == []


@pytest.fixture(scope="module")
def many(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the passages; at a shard a passage their build takes a while."""
    records = [json.loads(line) for line in corpus.read_text("utf-8").splitlines()]
    copies = [record | {"id": f"{record['id']}-{n}"} for n in range(5) for record in records]
    path = tmp_path_factory.mktemp("many") / "many.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in copies), "utf-8")
    return path


@pytest.fixture(scope="module")
def undisturbed(
    many: Path, head_reader_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An index of them, with vectors."""
    index = tmp_path_factory.mktemp("undisturbed") / "index"
    config = IndexConfig(passages_per_shard=1, workers=1)
    build_index(many, index, Reader.load(str(head_reader_path)), config)
    return index


def wait_for_shards(index: Path, n_shards: int, is_running: Callable[[], bool]) -> None:
    """Wait until a build has written some shards, or is over."""
    journal = index / "build-shards.jsonl"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and is_running():
        if journal.exists() and journal.read_bytes().count(b"\n") >= n_shards:
            return
        time.sleep(0.002)


def assert_as_if_undisturbed(index: Path, undisturbed: Path, files_of: FilesOf) -> None:
    """That two indexes hold the same bytes and find the same."""
    assert verify_index(index) == []
    assert files_of(index) == files_of(undisturbed)
    for query in ("volcano Sicily", "river", "capital of Japan"):
        found = PassageIndex(index).bm25.search(query, 20)
        assert found == PassageIndex(undisturbed).bm25.search(query, 20)


def test_a_build_may_multiply_in_bfloat16(
    corpus: Path, config: IndexConfig, tiny_reader: Reader, tmp_path: Path
) -> None:
    exact, half = tmp_path / "exact", tmp_path / "half"
    config = replace(config, codec="float16")
    build_index(corpus, exact, tiny_reader, config)
    build_index(corpus, half, tiny_reader, replace(config, precision="bfloat16"))
    shutil.copytree(half, tmp_path / "grown")
    more = tmp_path / "more.jsonl"
    more.write_text(corpus.read_text("utf-8").replace('"id": "p', '"id": "q'), "utf-8")
    add_passages(tmp_path / "grown", more, tiny_reader, AddConfig(workers=1))
    for path in (half, tmp_path / "grown"):
        assert Manifest.load(path).plan.precision == "bfloat16"
    found = []
    for path, ordinals in ((exact, range(20)), (half, range(20)), (tmp_path / "grown", range(40))):
        with PassageIndex(path) as index:
            found.append(index.fetch(ordinals).decode(index.codec(tiny_reader)).rows)
    first, second, both = found
    assert 0 < (first - second).norm() < 0.02 * first.norm()
    assert torch.equal(both, torch.cat([second, second]))
    with pytest.raises(PrereadError, match="precision: expected float32 or bfloat16, found 'int8'"):
        IndexConfig(precision="int8")


@pytest.mark.slow
@pytest.mark.parametrize(("n_shards_before_kill", "workers"), [(1, 1), (3, 2)])
def test_killed_process_resumes_to_the_same_bytes_and_hits(
    n_shards_before_kill: int,
    workers: int,
    many: Path,
    undisturbed: Path,
    head_reader_path: Path,
    warm_processes: ForkServerContext,
    tmp_path: Path,
    files_of: FilesOf,
) -> None:
    index, reader = tmp_path / "index", Reader.load(str(head_reader_path))
    config = IndexConfig(passages_per_shard=1, workers=workers)
    for _ in range(5):  # on a busy machine the build may be over before it is killed
        shutil.rmtree(index, ignore_errors=True)
        process = warm_processes.Process(target=build_index, args=(many, index, reader, config))
        process.start()
        wait_for_shards(index, n_shards_before_kill, process.is_alive)
        process.kill()
        process.join()
        if not (index / "manifest.json").exists():
            break
    assert not (index / "manifest.json").exists(), "the build was over before it could be killed"
    build_index(many, index, reader, replace(config, workers=1), resume=True)
    assert_as_if_undisturbed(index, undisturbed, files_of)


@pytest.mark.slow
def test_interrupted_command_says_how_it_goes_on_and_does(
    many: Path, undisturbed: Path, head_reader_path: Path, tmp_path: Path, files_of: FilesOf
) -> None:
    index = tmp_path / "index"
    words = ["index", str(many), str(index), "--reader", str(head_reader_path)]
    words += ["--passages-per-shard", "1", "--workers", "1", "--resume"]
    for _ in range(5):
        shutil.rmtree(index, ignore_errors=True)
        with subprocess.Popen(
            [sys.executable, "-m", "preread.pipeline", *words],
            stderr=subprocess.PIPE,
            # Of a background job's children, some shells have it ignored.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        ) as process:
            wait_for_shards(index, 2, lambda: process.poll() is None)
            process.send_signal(signal.SIGINT)
            _, message = process.communicate(timeout=60)
        if not (index / "manifest.json").exists():
            break
    assert not (index / "manifest.json").exists(), "the build was over before it was interrupted"
    assert process.returncode == 130 and b"--resume" in message
    resumed = CliRunner().invoke(app, words)
    assert resumed.exit_code == 0, resumed.output
    assert_as_if_undisturbed(index, undisturbed, files_of)


@pytest.fixture
def half_built(
    corpus: Path,
    config: IndexConfig,
    tiny_reader: Reader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Path, Path]:
    """A copy of the corpus, and a build of it that stopped when all shards were written."""
    from preread.indexer.builder import extend

    def stop(*args: object, **kwargs: object) -> None:
        raise Stop

    mine, index = tmp_path / "corpus.jsonl", tmp_path / "index"
    mine.write_bytes(corpus.read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(extend, "build_bm25", stop)
        with pytest.raises(Stop):
            build_index(mine, index, tiny_reader, config)
    return mine, index


def test_resume_begins_where_nothing_was_begun_and_accepts_a_finished_index(
    corpus: Path, config: IndexConfig, tiny_reader: Reader, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    first, _ = build_index(corpus, index, tiny_reader, config, resume=True)
    again, _ = build_index(corpus, index, tiny_reader, config, resume=True)
    assert first == again


def test_half_written_journal_line_is_not_believed(
    half_built: tuple[Path, Path], config: IndexConfig, tiny_reader: Reader
) -> None:
    corpus, index = half_built
    journal = index / "build-shards.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-20])
    build_index(corpus, index, tiny_reader, config, resume=True)
    shards = [json.loads(line) for line in whole.splitlines()]
    assert [asdict(shard) for shard in Manifest.load(index).shards] == shards
    assert verify_index(index) == []


def test_shard_that_was_cut_short_is_written_again(
    half_built: tuple[Path, Path], config: IndexConfig, tiny_reader: Reader
) -> None:
    corpus, index = half_built
    shard = index / "states" / "shard-00001.h5"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    build_index(corpus, index, tiny_reader, config, resume=True)
    assert shard.read_bytes() == whole


def test_changed_corpus_is_noticed_on_resume(
    half_built: tuple[Path, Path], config: IndexConfig, tiny_reader: Reader
) -> None:
    corpus, index = half_built
    corpus.write_text(corpus.read_text("utf-8").replace("volcano", "mountain"), "utf-8")
    with pytest.raises(IndexMismatchError, match="corpus has changed"):
        build_index(corpus, index, tiny_reader, config, resume=True)


def test_shortened_corpus_is_noticed_on_resume(
    half_built: tuple[Path, Path], config: IndexConfig, tiny_reader: Reader
) -> None:
    corpus, index = half_built
    lines = corpus.read_text("utf-8").splitlines(keepends=True)
    corpus.write_text("".join(lines[:7]), "utf-8")
    with pytest.raises(IndexMismatchError, match="corpus ends before"):
        build_index(corpus, index, tiny_reader, config, resume=True)


def test_other_options_are_noticed_on_resume(
    half_built: tuple[Path, Path], tiny_reader: Reader
) -> None:
    corpus, index = half_built
    with pytest.raises(IndexMismatchError, match="passages_per_shard"):
        build_index(corpus, index, tiny_reader, IndexConfig(passages_per_shard=9), resume=True)


def test_begun_build_is_not_begun_again_without_resume(
    half_built: tuple[Path, Path], config: IndexConfig, tiny_reader: Reader
) -> None:
    corpus, index = half_built
    with pytest.raises(PrereadError, match="--resume"):
        build_index(corpus, index, tiny_reader, config)


def test_building_over_an_index_is_refused(
    corpus: Path, built: Path, config: IndexConfig, tiny_reader: Reader
) -> None:
    with pytest.raises(PrereadError, match="holds an index already"):
        build_index(corpus, built, tiny_reader, config)


def test_folder_with_other_files_is_refused(
    corpus: Path, tiny_reader: Reader, tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(PrereadError, match="holds other files"):
        build_index(corpus, tmp_path, tiny_reader)


def test_relative_paths_follow_the_working_folder(
    corpus: Path, tiny_reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):  # Java is started in one folder and stays there
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        build_index(corpus, Path("index"), tiny_reader)
        assert PassageIndex(Path("index")).bm25.search("volcano", 1)
        assert (tmp_path / name / "index" / "lucene-000000").is_dir()


def test_file_in_place_of_a_folder_is_refused(
    corpus: Path, tiny_reader: Reader, tmp_path: Path
) -> None:
    target = tmp_path / "index"
    target.write_text("mine")
    with pytest.raises(PrereadError, match="found a file"):
        build_index(corpus, target, tiny_reader)


def test_read_only_target_is_a_clear_error(
    corpus: Path, tiny_reader: Reader, tmp_path: Path
) -> None:
    # Root may write anywhere but into the kernel's own file system.
    target = Path("/sys/preread-index") if os.geteuid() == 0 else tmp_path / "locked" / "index"
    if os.geteuid() != 0:
        target.parent.mkdir(mode=0o500)
    with pytest.raises(PrereadError, match="cannot be written.*you may write to"):
        build_index(corpus, target, tiny_reader)


def test_empty_corpus_leaves_no_folder(tiny_reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(DataError, match="empty.jsonl"):
        build_index(tmp_path / "empty.jsonl", tmp_path / "index", tiny_reader)
    assert not (tmp_path / "index").exists()


def test_missing_corpus_is_a_clear_error(tiny_reader: Reader, tmp_path: Path) -> None:
    with pytest.raises(PrereadError, match="nowhere.jsonl"):
        build_index(tmp_path / "nowhere.jsonl", tmp_path / "index", tiny_reader)


def test_bad_records_can_be_skipped_and_are_counted(
    corpus: Path, tiny_reader: Reader, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from preread.data import OnError

    mine = tmp_path / "corpus.jsonl"
    mine.write_text("{not json\n" + corpus.read_text("utf-8"), "utf-8")
    with pytest.raises(DataError, match=r"corpus.jsonl:1"):
        build_index(mine, tmp_path / "strict", tiny_reader)
    config = IndexConfig(on_error=OnError.SKIP)
    manifest, report = build_index(mine, tmp_path / "index", tiny_reader, config)
    assert (manifest.n_records_skipped, report.n_skipped) == (1, 1)
    assert sum("corpus.jsonl:1" in record.message for record in caplog.records) == 1
    assert Manifest.load(tmp_path / "index").n_passages == 20


@pytest.mark.slow
def test_titles_count_as_often_as_they_are_told_to(
    corpus: Path, tiny_reader: Reader, tmp_path: Path
) -> None:
    """By what a word of a title alone finds; additions follow what the index was built with."""
    scores = []
    for weight in (0, 1, 2):
        index = tmp_path / f"index-{weight}"
        build_index(corpus, index, tiny_reader, IndexConfig(title_weight=weight))
        record = {"id": "new", "title": "Zanzibar", "text": "An island."}
        (tmp_path / "more.jsonl").write_text(json.dumps(record) + "\n")
        add_passages(index, tmp_path / "more.jsonl", tiny_reader)
        with PassageIndex(index) as opened:
            assert opened.manifest.plan.title_weight == weight
            hits = opened.bm25.search("zanzibar", 5) + opened.bm25.search("long", 5)
            scores.append(sum(hit.score for hit in hits))
            assert bool(opened.bm25.search("zanzibar", 5)) == (weight > 0)
    assert scores[0] < scores[1] < scores[2]
    wrong: list[tuple[Any, str]] = [
        (-1, "title_weight must be at least 0"),
        (0.5, "title_weight must be a whole number"),
        (10**11, "title_weight must be between 0 and 100"),
    ]
    for weight, said in wrong:
        with pytest.raises(PrereadError, match=said):
            IndexConfig(title_weight=weight)
    with pytest.raises(PrereadError, match=r"passages_per_shard must be at most 1,000,000"):
        IndexConfig(passages_per_shard=10**20)


@pytest.mark.slow
def test_passage_of_fifty_thousand_words_is_indexed_whole(
    tiny_reader: Reader, tmp_path: Path
) -> None:
    words = [f"w{i % 977}" for i in range(50_000)]
    words[49_990] = "zanzibar"
    record = {"id": "long", "title": "Long", "text": " ".join(words)}
    (tmp_path / "corpus.jsonl").write_text(json.dumps(record) + "\n")
    build_index(tmp_path / "corpus.jsonl", tmp_path / "index", tiny_reader)
    index = PassageIndex(tmp_path / "index")
    assert [hit.ordinal for hit in index.bm25.search("zanzibar", 5)] == [0]
    table = index.fetch([0]).windows
    seen = sum(table.lengths) - sum(table.n_prefix) - len(table.lengths)
    assert seen >= 50_000 and index.passage(0).text.endswith(words[-1])
