"""Dense vectors: what the encoder makes, and that they follow every change of the index."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import pytest
import torch
from preread.data import Passage, PrereadError
from preread.indexer import (
    AddConfig,
    IndexMismatchError,
    Manifest,
    PassageIndex,
    add_passages,
    compact_index,
    delete_passages,
    index_info,
    verify_index,
)
from preread.indexer.dense import (
    DenseSearcher,
    SentenceEncoder,
    VectorKind,
    build_dense,
    remove_dense,
)
from preread.indexer.dense.encode import WORK_FOLDER, make_vectors
from preread.indexer.dense.vectors import (
    add_vectors,
    emptied,
    empty_index,
    merged,
    search_vectors,
    stored_vectors,
    write_vectors,
)
from preread.indexer.errors import IndexFormatError
from preread.reader import Reader
from transformers import AutoModel, AutoTokenizer


@pytest.fixture
def index(built: Path, tmp_path: Path) -> Path:
    """A copy of the index of twenty passages, to be changed."""
    return Path(shutil.copytree(built, tmp_path / "index"))


@pytest.fixture
def dense(index: Path, tiny_encoder: SentenceEncoder) -> Path:
    """The same with vectors."""
    build_dense(index, tiny_encoder)
    return index


def add(index: Path, folder: Path, reader: Reader, passages: list[Passage]) -> None:
    """Put passages into an index, in place of those with their identifiers."""
    corpus = folder / "more.jsonl"
    records = [{"id": p.passage_id, "title": p.title, "text": p.text} for p in passages]
    corpus.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    add_passages(index, corpus, reader, AddConfig(workers=1, replace=True))


def assert_dense_is_exact(path: Path, encoder: SentenceEncoder) -> None:
    """Every passage is found, at the cosine that its own text has, and nothing else is."""
    with PassageIndex(path) as index:
        assert index.manifest.dense is not None
        ordinals = index.ordinals().tolist()
        passages = [index.passage(ordinal) for ordinal in ordinals]
        query = "a volcano in Japan"
        cosines = encoder.encode_passages(passages) @ encoder.encode_queries([query])[0]
        found = DenseSearcher(index, encoder).search(query, 1000)
        assert {hit.ordinal for hit in found} == set(ordinals) and len(found) == len(ordinals)
        by_ordinal = dict(zip(ordinals, cosines.tolist(), strict=True))
        for hit in found:
            near = 0.01 if index.manifest.dense.kind == "int8" else 2e-3
            assert hit.score == pytest.approx(by_ordinal[hit.ordinal], abs=near)
            assert hit.bm25 is None
        scores = [hit.score for hit in found]
        assert scores == sorted(scores, reverse=True)


def test_vectors_are_those_of_sentence_transformers(
    minilm_path: Path, passages: list[Passage]
) -> None:
    """Mean over real tokens, then length 1, one text at a time and without padding."""
    encoder = SentenceEncoder.load(str(minilm_path))
    assert encoder.max_length == 256 and encoder.width == 384
    ours = encoder.encode_passages(passages[:7])
    model, tokenizer = (
        AutoModel.from_pretrained(minilm_path),
        AutoTokenizer.from_pretrained(minilm_path),
    )
    for passage, vector in zip(passages, ours, strict=False):
        tokens = tokenizer(
            f"{passage.title} {passage.text}", return_tensors="pt", truncation=True, max_length=256
        )
        with torch.inference_mode():
            mean = model(**tokens).last_hidden_state[0].mean(0)
        expected = mean / mean.norm()
        assert float(expected @ torch.from_numpy(vector)) > 0.999
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_every_passage_is_found_at_its_own_cosine(
    dense: Path, tiny_encoder: SentenceEncoder
) -> None:
    assert_dense_is_exact(dense, tiny_encoder)
    assert verify_index(dense) == []
    info = index_info(dense)
    assert info["encoder"] == tiny_encoder.name and info["vectors"] == "int8"
    assert info["bytes_dense"] > 20 * tiny_encoder.width


@pytest.mark.parametrize(
    ("kind", "numbers", "factor"),
    [
        (VectorKind.INT8, faiss.ScalarQuantizer.QT_8bit_direct_signed, 1 / 127),  # 8 / √32 > 1
        (VectorKind.FLAT, faiss.ScalarQuantizer.QT_fp16, 1.0),
    ],
)
def test_the_file_is_as_its_format_says(
    dense: Path, tiny_encoder: SentenceEncoder, kind: VectorKind, numbers: int, factor: float
) -> None:
    """By ``docs/reference/index-format.md`` alone: faiss, JSON."""
    build_dense(dense, tiny_encoder, kind=kind)
    entry = json.loads((dense / "manifest.json").read_text("utf-8"))["dense"]
    assert entry["width"] == 32 and entry["fingerprint"] == tiny_encoder.fingerprint
    assert (entry["kind"], entry["query_prefix"], entry["passage_prefix"]) == (kind, "", "")
    (listed,) = entry["files"]
    file = faiss.read_index(str(dense / listed["file"]))
    assert type(file) is faiss.IndexIDMap and file.metric_type == faiss.METRIC_INNER_PRODUCT
    inner = faiss.downcast_index(file.index)
    assert type(inner) is faiss.IndexScalarQuantizer
    assert inner.sq.qtype == numbers
    assert listed["n"] == file.ntotal == 20
    assert faiss.vector_to_array(file.id_map).tolist() == list(range(20))
    vectors = inner.reconstruct_n(0, 20) * factor
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-2)
    with PassageIndex(dense) as index:
        passages = [index.passage(ordinal) for ordinal in range(20)]
    made = tiny_encoder.encode_passages(passages)
    assert np.abs(vectors - made).max() < (0.6 / 127 if kind == "int8" else 1e-3)


def test_the_rest_of_the_index_is_as_it_was_without_vectors(
    built: Path, dense: Path, files_of: Callable[[Path], dict[str, str]]
) -> None:
    before, after = files_of(built), files_of(dense)
    kept = [file for file in before if not file.startswith(("manifest", "snapshots"))]
    assert {file: before[file] for file in kept} == {file: after[file] for file in kept}
    assert '"dense"' not in (built / "manifest.json").read_text("utf-8")
    remove_dense(dense)
    assert index_info(dense)["bytes_dense"] == 0 and not list((dense / "dense").iterdir())
    with PassageIndex(dense) as opened, pytest.raises(PrereadError, match="preread dense"):
        DenseSearcher(opened)


@pytest.mark.slow
def test_vectors_follow_additions_deletions_and_compaction(
    dense: Path, tiny_encoder: SentenceEncoder, tiny_reader: Reader, tmp_path: Path
) -> None:
    new = [Passage(f"new-{n}", f"An island of {n} volcanoes, new.", "") for n in range(3)]
    add(dense, tmp_path, tiny_reader, new)
    assert_dense_is_exact(dense, tiny_encoder)
    delete_passages(dense, ["new-1", "p1-0", "p4-3"])
    assert_dense_is_exact(dense, tiny_encoder)
    add(dense, tmp_path, tiny_reader, [Passage("p1-1", "Another text by an old name.", "")])
    assert_dense_is_exact(dense, tiny_encoder)
    compact_index(dense)
    assert_dense_is_exact(dense, tiny_encoder)
    entry = Manifest.load(dense).dense
    assert entry is not None and [file.n for file in entry.files] == [20 + 3 - 3]
    assert verify_index(dense) == [] and not (dense / WORK_FOLDER).exists()


def test_a_reader_keeps_its_vectors_while_the_index_changes(
    dense: Path, tiny_encoder: SentenceEncoder
) -> None:
    with PassageIndex(dense) as old:
        searcher = DenseSearcher(old, tiny_encoder)
        delete_passages(dense, ["p1-0"])
        compact_index(dense)
        remove_dense(dense)
        assert len(searcher.search("volcano", 100)) == 20


def test_what_was_encoded_before_a_stop_is_not_encoded_again(
    index: Path, tiny_encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = Manifest.load(index)
    encoded: list[int] = []
    encode = SentenceEncoder.encode_passages

    def stops_at_the_third_shard(self: SentenceEncoder, passages: list[Passage]) -> object:
        if len(encoded) == 2:
            raise KeyboardInterrupt
        encoded.append(len(passages))
        return encode(self, passages)

    with monkeypatch.context() as patch:
        patch.setattr(SentenceEncoder, "encode_passages", stops_at_the_third_shard)
        with pytest.raises(KeyboardInterrupt):
            build_dense(index, tiny_encoder)
    assert Manifest.load(index) == manifest and verify_index(index) == []
    made = sorted((index / WORK_FOLDER).glob("*.npy"))
    times = [file.stat().st_mtime_ns for file in made]
    assert len(made) == 2
    make_vectors(index, tiny_encoder, manifest.shards, show_progress=False)
    assert [file.stat().st_mtime_ns for file in made] == times
    build_dense(index, tiny_encoder)
    assert_dense_is_exact(index, tiny_encoder)


def test_vectors_that_are_there_are_not_made_again(
    dense: Path, tiny_encoder: SentenceEncoder
) -> None:
    before = Manifest.load(dense)
    assert build_dense(dense, tiny_encoder) == before
    moved = SentenceEncoder(tiny_encoder.model, tiny_encoder.tokenizer, name="moved", max_length=64)
    after = build_dense(dense, moved)
    assert after.dense is not None and before.dense is not None
    assert after.dense.encoder == "moved" and after.dense.files == before.dense.files


def test_an_encoder_that_is_gone_or_changed_is_refused(
    dense: Path, tiny_encoder: SentenceEncoder, tiny_reader: Reader, tmp_path: Path
) -> None:
    other = SentenceEncoder(
        tiny_encoder.model, tiny_encoder.tokenizer, name="other", query_prefix="query: "
    )
    with PassageIndex(dense) as opened, pytest.raises(IndexMismatchError, match="is 'other'"):
        DenseSearcher(opened, other)
    gone = SentenceEncoder(
        tiny_encoder.model, tiny_encoder.tokenizer, name=str(tmp_path / "gone"), max_length=64
    )
    build_dense(dense, gone)
    before = Manifest.load(dense)
    with pytest.raises(PrereadError, match="gone: the encoder could not be loaded"):
        add(dense, tmp_path, tiny_reader, [Passage("new", "A new text.", "")])
    assert Manifest.load(dense) == before


def test_a_reader_is_no_sentence_encoder() -> None:
    with pytest.raises(PrereadError, match="default: expected a sentence encoder, found a reader"):
        SentenceEncoder.load("default")


def test_a_damaged_file_of_vectors_is_reported(dense: Path, tiny_encoder: SentenceEncoder) -> None:
    (file,) = (dense / "dense").iterdir()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert any("vectors" in fault for fault in verify_index(dense))
    file.write_bytes(data[:-9])
    with pytest.raises(IndexFormatError, match="expected a file of"):
        PassageIndex(dense)


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(VectorKind))
def test_each_kind_finds_near_vectors_and_passes_over_some(kind: VectorKind) -> None:
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(300, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = empty_index(kind, 8, len(vectors), vectors)
    ordinals = np.arange(len(vectors), dtype="<u4") * 3
    assert add_vectors(index, [(ordinals[:200], vectors[:200]), (ordinals[200:], vectors[200:])])
    nothing = np.empty(0, "<u4")
    n_first = 0
    for number, pairs in enumerate(search_vectors(index, vectors, 10, nothing)):
        n_first += pairs[0][1] == ordinals[number]
    assert n_first > 0.9 * len(vectors)
    for pairs in search_vectors(index, vectors, 10, ordinals[::2]):
        assert pairs and all(ordinal % 6 for _, ordinal in pairs)


@pytest.mark.slow
def test_kinds_that_learn_follow_changes_too(
    index: Path,
    tiny_encoder: SentenceEncoder,
    tiny_reader: Reader,
    tmp_path: Path,
) -> None:
    with pytest.raises(PrereadError, match="Use int8"):
        build_dense(index, tiny_encoder, kind=VectorKind.IVF)
    many = [Passage(f"m{n}", f"mountain {n} of {n % 7} rivers", "") for n in range(250)]
    add(index, tmp_path, tiny_reader, many)
    build_dense(index, tiny_encoder, kind=VectorKind.IVF)
    assert_dense_is_exact(index, tiny_encoder)
    add(index, tmp_path, tiny_reader, [Passage("m7", "A town by the sea.", "Town")])
    assert_dense_is_exact(index, tiny_encoder)
    compact_index(index)
    assert_dense_is_exact(index, tiny_encoder)
    entry = Manifest.load(index).dense
    assert entry is not None and entry.kind == "ivf" and len(entry.files) == 1


@pytest.mark.parametrize("width", [384, 400, 76])  # faiss has instructions for multiples of 64
def test_numbers_beyond_int8_are_cut_off_and_files_may_grow_and_be_joined(
    tmp_path: Path, width: int
) -> None:
    """The step is that of the width, whatever vectors a file begins with."""
    most = 8 / width**0.5
    step = most / 127
    draw = np.random.default_rng(1)
    vectors = draw.normal(size=(200, width)).astype(np.float32)
    vectors[0, 0] = 100.0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    paths = [tmp_path / "first.faiss", tmp_path / "second.faiss"]
    first = empty_index(VectorKind.INT8, width, 1, np.empty((0, 0), np.float32))
    add_vectors(first, [(np.array([0], "<u4"), vectors[:1])])
    write_vectors(first, paths[0])
    second = emptied(paths[0])
    assert add_vectors(second, [(np.arange(1, 200, dtype="<u4"), vectors[1:])]) == 199
    write_vectors(second, paths[1])
    whole = merged(paths, np.empty(0, "<u4"))
    write_vectors(whole, tmp_path / "whole.faiss")
    ((ordinals, stored),) = stored_vectors(tmp_path / "whole.faiss")
    assert ordinals.tolist() == list(range(200))
    assert stored[0, 0] == pytest.approx(most) and vectors[0, 0] > most
    assert np.abs(stored[1:] - vectors[1:]).max() <= step / 2 + 1e-6
    (pairs,) = search_vectors(whole, vectors[7:8], 200, np.empty(0, "<u4"))
    products = {ordinal: product for product, ordinal in pairs}
    step = np.abs(vectors[7]).max() / 127
    expected = stored @ ((vectors[7] / step).round() * step)
    assert [products[n] for n in range(200)] == pytest.approx(expected.tolist(), abs=1e-5)
    assert [products[n] for n in range(200)] == pytest.approx(
        (stored @ vectors[7]).tolist(), abs=6e-3
    )
