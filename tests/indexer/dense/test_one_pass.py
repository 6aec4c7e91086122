"""Vectors that are written with the states: those of a second pass, and kept by every change."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from preread.data import Passage, PrereadError
from preread.indexer import (
    AddConfig,
    IndexConfig,
    IndexMismatchError,
    Manifest,
    PassageIndex,
    add_passages,
    build_index,
    change_reader,
    compact_index,
    delete_passages,
    index_info,
    merge_indexes,
    split_index,
    sync_folder,
    verify_index,
)
from preread.indexer.dense import (
    DenseSearcher,
    HeadEncoder,
    SentenceEncoder,
    build_dense,
    remove_dense,
)
from preread.indexer.dense.encode import WORK_FOLDER
from preread.indexer.dense.vectors import stored_vectors
from preread.indexer.remote.copies import local_index
from preread.reader import Reader
from preread.reader.retrieval.files import HEAD_FILE, save_head
from preread.reader.retrieval.head import RetrievalHead

QUERY = "a volcano in Japan"


@pytest.fixture(scope="module")
def built_once(
    corpus: Path,
    config: IndexConfig,
    head_reader: Reader,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """An index of twenty passages with vectors; not to be changed."""
    path = tmp_path_factory.mktemp("one-pass") / "index"
    build_index(corpus, path, head_reader, config)
    return path


@pytest.fixture
def index(built_once: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(built_once, tmp_path / "index"))


def write(path: Path, passages: list[Passage]) -> Path:
    """A corpus of some passages."""
    records = [{"id": p.passage_id, "title": p.title, "text": p.text} for p in passages]
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return path


def assert_vectors_are_those_of_the_texts(path: Path, reader: Reader) -> None:
    """Every passage is found at the cosine that its own text has, and nothing else is."""
    assert verify_index(path) == [] and not (path / WORK_FOLDER).exists()
    encoder = HeadEncoder.of(reader)
    with PassageIndex(path) as opened:
        ordinals = opened.ordinals().tolist()
        vectors = encoder.encode_passages([opened.passage(ordinal) for ordinal in ordinals])
        searcher = DenseSearcher(opened, reader=reader)
        found = {hit.ordinal: hit.score for hit in searcher.search(QUERY, 1000)}
        assert sorted(found) == ordinals
        cosines = vectors @ encoder.encode_queries([QUERY])[0]
        assert [found[ordinal] for ordinal in ordinals] == pytest.approx(cosines, abs=0.01)  # int8
        some = searcher.search_among(QUERY, 5, ordinals[::2])
        best = sorted(ordinals[::2], key=lambda ordinal: -found[ordinal])[:5]
        assert [hit.ordinal for hit in some] == best


@pytest.mark.parametrize("codec", ["float16", "int8"])
def test_vectors_are_those_of_a_second_pass_under_every_codec(
    codec: str,
    corpus: Path,
    config: IndexConfig,
    head_reader: Reader,
    passages: list[Passage],
    tmp_path: Path,
) -> None:
    manifest, _ = build_index(corpus, tmp_path / "index", head_reader, replace(config, codec=codec))
    encoder = HeadEncoder.of(head_reader)
    assert manifest.dense is not None and manifest.generation == 0
    assert manifest.dense.encoder == "reader" == index_info(tmp_path / "index")["encoder"]
    assert manifest.dense.fingerprint == encoder.fingerprint and manifest.dense.kind == "int8"
    (listed,) = manifest.dense.files
    ((_, stored),) = stored_vectors(tmp_path / "index" / listed.file)
    np.testing.assert_allclose(stored, encoder.encode_passages(passages), atol=0.6 / 127)
    assert_vectors_are_those_of_the_texts(tmp_path / "index", head_reader)


def test_a_second_pass_adds_them_to_an_index_that_was_built_without(
    corpus: Path,
    config: IndexConfig,
    head_reader: Reader,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    index = tmp_path / "index"
    manifest, _ = build_index(corpus, index, head_reader, replace(config, vectors=False))
    assert manifest.dense is None and not (index / "dense").exists()
    again, _ = build_index(corpus, index, head_reader, config, resume=True)
    assert again == manifest and "--encoder reader` adds them" in caplog.text
    build_dense(index, HeadEncoder.of(head_reader))
    assert_vectors_are_those_of_the_texts(index, head_reader)
    remove_dense(index)
    more = write(tmp_path / "more.jsonl", [Passage("new", "An island.", "")])
    assert add_passages(index, more, head_reader, AddConfig(workers=1))[0].dense is None


def test_shards_whose_vectors_are_lost_are_encoded_again(
    built_once: Path,
    corpus: Path,
    config: IndexConfig,
    head_reader: Reader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files_of: Callable[[Path], dict[str, str]],
) -> None:
    index = tmp_path / "index"
    with monkeypatch.context() as patch:
        patch.setattr("preread.indexer.builder.extend.write_lookup_of", None)
        with pytest.raises(TypeError):
            build_index(corpus, index, head_reader, config)
    journal = [json.loads(line) for line in (index / "build-shards.jsonl").read_text().splitlines()]
    (index / WORK_FOLDER / f"{journal[1]['sha256'][:32]}.npy").unlink()
    other = replace(config, vectors=False)
    with pytest.raises(IndexMismatchError, match="has vectors = "):
        build_index(corpus, index, head_reader, other, resume=True)
    build_index(corpus, index, head_reader, config, resume=True)
    assert files_of(index) == files_of(built_once)


def test_cells_are_those_of_an_undisturbed_build_after_a_resume(
    head_reader: Reader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files_of: Callable[[Path], dict[str, str]],
) -> None:
    """Cells are learned from all shards, of which a resumed build made only some."""
    corpus = write(
        tmp_path / "many.jsonl",
        [Passage(f"p{n}", f"River {n} is {n * n} km long.") for n in range(300)],
    )
    config = IndexConfig(passages_per_shard=100, workers=1)
    monkeypatch.setattr("preread.indexer.dense.kinds.MOST_SEARCHED_FLAT", 250)
    manifest, _ = build_index(corpus, tmp_path / "undisturbed", head_reader, config)
    assert manifest.dense is not None and manifest.dense.kind == "ivf"
    index = tmp_path / "index"
    with monkeypatch.context() as patch:
        patch.setattr("preread.indexer.builder.extend.create_dense", None)
        with pytest.raises(TypeError):
            build_index(corpus, index, head_reader, config)
    build_index(corpus, index, head_reader, config, resume=True)
    assert files_of(index) == files_of(tmp_path / "undisturbed")
    assert verify_index(index) == []
    with PassageIndex(index) as opened:
        assert len(DenseSearcher(opened, reader=head_reader).search("River 7", 300)) == 300


def test_vectors_follow_every_change(index: Path, head_reader: Reader, tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "note.md").write_text("# Note\n\nA volcano on an island of Japan.\n", "utf-8")
    sync_folder(index, documents, head_reader, workers=1)
    assert_vectors_are_those_of_the_texts(index, head_reader)
    more = write(tmp_path / "more.jsonl", [Passage("p1-1", "Another text by an old name.", "")])
    add_passages(index, more, head_reader, AddConfig(workers=1, replace=True))
    delete_passages(index, ["p4-3"])
    assert_vectors_are_those_of_the_texts(index, head_reader)
    compact_index(index)
    assert_vectors_are_those_of_the_texts(index, head_reader)
    entry = Manifest.load(index).dense
    assert entry is not None and [file.n for file in entry.files] == [20]


@pytest.mark.slow
def test_vectors_are_divided_merged_and_fetched(
    index: Path, head_reader: Reader, config: IndexConfig, tmp_path: Path
) -> None:
    delete_passages(index, ["p2-0"])
    partitions = split_index(index, tmp_path / "partitions", 2)
    for partition in partitions:
        assert_vectors_are_those_of_the_texts(partition, head_reader)
    merge_indexes(partitions, tmp_path / "whole")
    assert_vectors_are_those_of_the_texts(tmp_path / "whole", head_reader)
    more = [Passage(f"m{n}", f"mountain {n} of {n % 7} rivers", "") for n in range(9)]
    build_index(write(tmp_path / "more.jsonl", more), tmp_path / "other", head_reader, config)
    merge_indexes([tmp_path / "whole", tmp_path / "other"], tmp_path / "both")
    assert_vectors_are_those_of_the_texts(tmp_path / "both", head_reader)
    remove_dense(tmp_path / "other")
    with pytest.raises(PrereadError, match="other: has no vectors, but .* has vectors of reader"):
        merge_indexes([tmp_path / "whole", tmp_path / "other"], tmp_path / "refused")
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.put(str(index), "/one-pass/index", recursive=True)
    copy = local_index("memory://one-pass/index", cache=tmp_path / "cache")
    memory.rm("/one-pass", recursive=True)
    assert_vectors_are_those_of_the_texts(copy, head_reader)


def test_vectors_of_another_head_are_not_extended_and_can_be_replaced(
    index: Path,
    head_reader_path: Path,
    tiny_reader_path: Path,
    tiny_encoder: SentenceEncoder,
    tmp_path: Path,
) -> None:
    retrained = Path(shutil.copytree(head_reader_path, tmp_path / "retrained"))
    reader = Reader.load(str(retrained))
    save_head(RetrievalHead(reader.config, 0, 16), reader, retrained / HEAD_FILE)
    headless = Reader.load(str(tiny_reader_path))
    more = write(tmp_path / "more.jsonl", [Passage("new", "An island.", "")])
    before = Manifest.load(index)
    for other, message in ((reader, "fingerprint"), (headless, "the reader .* has none")):
        with pytest.raises(IndexMismatchError, match=message):
            add_passages(index, more, other, AddConfig(workers=1))
        with pytest.raises(IndexMismatchError, match=message):
            change_reader(index, other)
    assert Manifest.load(index) == before
    build_dense(index, tiny_encoder)
    change_reader(index, headless)
    manifest, _ = add_passages(index, more, headless, AddConfig(workers=1))
    assert manifest.dense is not None and sum(file.n for file in manifest.dense.files) == 21
