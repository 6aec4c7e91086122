"""Splitting and merging: the same passages, states, hits and scores, whatever the division."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from preread.data import PrereadError, read_corpus, read_questions
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.indexer import (
    AddConfig,
    Bm25Parameters,
    IndexConfig,
    IndexMismatchError,
    Manifest,
    PassageIndex,
    add_passages,
    build_index,
    compact_index,
    delete_passages,
    index_info,
    merge_indexes,
    split_index,
    verify_index,
)
from preread.indexer.bm25.partition_searcher import merge_hits
from preread.indexer.dense import DenseSearcher, SentenceEncoder, build_dense
from preread.reader import Reader

N_PARTITIONS = 3
CONFIG = IndexConfig(passages_per_shard=20, workers=1, codec="int8")
AWKWARD = (
    "of the and",
    "volcano volcano Volcano eruption",
    "São Tomé 東京 🌋 naïve",
    "zzzunknown words qqq",
    "!?",
    "river " * 600,
)


@pytest.fixture(scope="module")
def whole(tiny_reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample corpus in ten shards, one passage deleted and one added since."""
    folder = tmp_path_factory.mktemp("whole")
    index = folder / "index"
    build_index(sample_corpus_path(), index, tiny_reader, CONFIG)
    first, *_, last = read_corpus(sample_corpus_path())
    delete_passages(index, [first.passage_id, last.passage_id])
    more = folder / "more.jsonl"
    record = {"id": "more", "title": first.title, "text": first.text + " And more."}
    more.write_text(json.dumps(record) + "\n", "utf-8")
    add_passages(index, more, tiny_reader, AddConfig(workers=1))
    return index


@pytest.fixture(scope="module")
def partitions(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same in three partitions."""
    return split_index(whole, tmp_path_factory.mktemp("split") / "partitions", N_PARTITIONS)


@pytest.fixture(scope="module")
def queries() -> list[str]:
    """The sample's questions, and words that are hard on statistics."""
    found = [question.question for question in read_questions(sample_questions_path())]
    return [*found[:20], *AWKWARD]


def shards_of(index: Path) -> dict[str, bytes]:
    """Bytes of the shards."""
    return {path.name: path.read_bytes() for path in (index / "states").iterdir()}


def test_partitions_hold_the_shards_as_they_are_and_verify(
    whole: Path, partitions: list[Path]
) -> None:
    assert [path.name for path in partitions] == [f"part-0000{n}-of-00003" for n in (1, 2, 3)]
    together = {
        name: data for partition in partitions for name, data in shards_of(partition).items()
    }
    assert together == shards_of(whole)
    assert all(verify_index(partition) == [] for partition in partitions)
    sizes = [index_info(partition)["n_tokens"] for partition in partitions]
    assert max(sizes) < 1.5 * min(sizes)
    ordinals = [o for partition in partitions for o in PassageIndex(partition).ordinals().tolist()]
    assert ordinals == PassageIndex(whole).ordinals().tolist()


@pytest.mark.parametrize(
    "parameters",
    [None, Bm25Parameters(k1=1.6, b=1), Bm25Parameters(k1=0), Bm25Parameters(b=0)],
    ids=str,
)
@pytest.mark.parametrize("k", [5, 200])
def test_hits_of_partitions_are_those_of_the_whole(
    whole: Path,
    partitions: list[Path],
    queries: list[str],
    parameters: Bm25Parameters | None,
    k: int,
) -> None:
    opened = [PassageIndex(partition, bm25_parameters=parameters) for partition in partitions]
    with PassageIndex(whole, bm25_parameters=parameters) as index:
        for query in queries if parameters is None else queries[-12:]:
            expected = index.bm25.search(query, k)
            of_partitions = [
                (number, hit)
                for number, partition in enumerate(opened)
                for hit in partition.bm25.search(query, k)
            ]
            found = [hit for _, hit in merge_hits(of_partitions, k)]
            assert [hit.ordinal for hit in found] == [hit.ordinal for hit in expected], query
            scores = [hit.score for hit in expected]
            # A score in the middle of two four-digit numbers may be rounded to either;
            # one of thousands has fewer digits than that.
            assert [hit.score for hit in found] == pytest.approx(scores, rel=1e-6, abs=1.1e-4)


def test_given_passages_and_several_queries_score_as_in_the_whole(
    whole: Path, partitions: list[Path], queries: list[str]
) -> None:
    some = queries[:5]
    with PassageIndex(whole) as index, PassageIndex(partitions[1]) as partition:
        ordinals = partition.ordinals().tolist()
        for query in some:
            expected = index.bm25.score(query, ordinals)
            assert partition.bm25.score(query, ordinals) == pytest.approx(expected, abs=2e-4)
        one_by_one = [partition.bm25.search(query, 10) for query in some]
        assert partition.bm25.search_many(some, 10, threads=2) == one_by_one
        parameters = Bm25Parameters(k1=2, b=0.9)
        with PassageIndex(partitions[1], bm25_parameters=parameters) as other:
            for query in some:
                found = partition.bm25.with_parameters(parameters).search(query, 10)
                assert found == other.bm25.search(query, 10)


@pytest.mark.slow
def test_merged_partitions_are_the_index_again(
    whole: Path, partitions: list[Path], queries: list[str], tmp_path: Path
) -> None:
    merge_indexes(partitions[::-1], tmp_path / "merged")
    assert shards_of(tmp_path / "merged") == shards_of(whole)
    assert verify_index(tmp_path / "merged") == []
    before, after = Manifest.load(whole), Manifest.load(tmp_path / "merged")
    assert after.part is None
    for name in ("plan", "shards", "next_ordinal", "next_shard", "n_passages"):
        assert getattr(after, name) == getattr(before, name)
    with PassageIndex(whole) as index, PassageIndex(tmp_path / "merged") as merged:
        assert merged.ordinals().tolist() == index.ordinals().tolist()
        assert merged.find("more") == index.find("more")
        for query in queries:
            assert merged.bm25.search(query, 50) == index.bm25.search(query, 50)
    compact_index(tmp_path / "merged")  # whole again, it may be changed


@pytest.mark.slow
def test_indexes_of_other_corpora_are_merged_into_one(
    tiny_reader: Reader, queries: list[str], tmp_path: Path
) -> None:
    lines = sample_corpus_path().read_text("utf-8").splitlines(keepends=True)
    for name, some in {"a": lines[:70], "b": lines[70:], "all": lines[:10] + lines[11:]}.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(some), "utf-8")
        build_index(tmp_path / f"{name}.jsonl", tmp_path / name, tiny_reader, CONFIG)
    delete_passages(tmp_path / "a", [json.loads(lines[10])["id"]])
    merge_indexes([tmp_path / "a", tmp_path / "b"], tmp_path / "both")
    assert verify_index(tmp_path / "both") == []
    # Copied codes are those of an index built on what is left, but for how batches round.
    with PassageIndex(tmp_path / "both") as both, PassageIndex(tmp_path / "all") as afresh:
        assert both.ordinals().tolist() == afresh.ordinals().tolist()
        assert [both.passage(o) for o in range(len(both))] == [
            afresh.passage(o) for o in range(len(afresh))
        ]
        codec = both.codec(tiny_reader)
        one, other = (i.fetch(range(len(both))).decode(codec).rows for i in (both, afresh))
        assert float((one - other).abs().max()) < 0.1
        for query in queries:
            assert both.bm25.search(query, 50) == afresh.bm25.search(query, 50)


@pytest.mark.slow
def test_vectors_are_divided_and_put_together(
    whole: Path, tiny_encoder: SentenceEncoder, tmp_path: Path
) -> None:
    index = Path(shutil.copytree(whole, tmp_path / "index"))
    build_dense(index, tiny_encoder)
    partitions = split_index(index, tmp_path / "partitions", N_PARTITIONS)
    merge_indexes(partitions, tmp_path / "merged")
    question = "Which volcano is on Sicily?"

    def found(path: Path) -> list[Any]:
        with PassageIndex(path) as opened:
            hits = DenseSearcher(opened, tiny_encoder).search(question, 1000)  # all
            return [(hit.ordinal, pytest.approx(hit.score, rel=1e-5)) for hit in hits]

    expected = found(index)
    assert found(tmp_path / "merged") == expected
    together = sorted(
        (hit for partition in partitions for hit in found(partition)),
        key=lambda hit: (-hit[1].expected, hit[0]),
    )
    assert together == expected


def test_partitions_are_not_changed(partitions: list[Path]) -> None:
    with pytest.raises(PrereadError, match="is part 2 of 3 of an index.*merge"):
        delete_passages(partitions[1], ["more"])
    with pytest.raises(PrereadError, match="is a partition already"):
        split_index(partitions[1], partitions[1].parent / "again", 2)


def test_a_changed_byte_of_the_statistics_is_found(partitions: list[Path], tmp_path: Path) -> None:
    partition = Path(shutil.copytree(partitions[0], tmp_path / "partition"))
    path = partition / "statistics.h5"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert [fault for fault in verify_index(partition) if "statistics.h5" in fault]


@pytest.mark.parametrize(
    ("n", "message"),
    [(1, "expected 2 to 11 partitions"), (12, "expected 2 to 11 partitions.*found 12")],
)
def test_a_number_of_partitions_that_cannot_be_is_refused(
    whole: Path, tmp_path: Path, n: int, message: str
) -> None:
    with pytest.raises(PrereadError, match=message):
        split_index(whole, tmp_path / "partitions", n)
    assert list(tmp_path.iterdir()) == []


def test_an_index_of_one_shard_is_not_divided(
    tiny_reader: Reader, corpus: Path, tmp_path: Path
) -> None:
    build_index(corpus, tmp_path / "index", tiny_reader, IndexConfig(workers=1))
    with pytest.raises(PrereadError, match="expected no split, because it has one shard; found 2"):
        split_index(tmp_path / "index", tmp_path / "partitions", 2)


def test_what_cannot_be_merged_is_refused(
    tiny_reader: Reader, whole: Path, partitions: list[Path], tmp_path: Path
) -> None:
    other = tmp_path / "float16"
    corpus = tmp_path / "one.jsonl"
    corpus.write_text(sample_corpus_path().read_text("utf-8").splitlines()[5] + "\n", "utf-8")
    build_index(corpus, other, tiny_reader, IndexConfig(codec="float16", workers=1))
    doubled = tmp_path / "doubled"
    build_index(corpus, doubled, tiny_reader, CONFIG)
    taken = tmp_path / "taken"
    taken.mkdir()
    target = tmp_path / "merged"
    for sources, index, error, message in (
        ([whole], target, PrereadError, "two indexes or more, found 1"),
        ([whole, other], target, IndexMismatchError, "its codec is float16"),
        (partitions[:2], target, PrereadError, "without part-00003-of-00003"),
        ([*partitions, partitions[0]], target, PrereadError, "some of them twice"),
        ([whole, partitions[0]], target, PrereadError, "found 1 partitions among 2"),
        ([whole, doubled], target, PrereadError, "1 identifiers are in two of the indexes"),
        ([doubled, doubled], target, PrereadError, "1 identifiers are in two of the indexes"),
        (partitions, taken, PrereadError, "expected nothing there, found a folder"),
    ):
        with pytest.raises(error, match=message):
            merge_indexes(sources, index)
    assert not target.exists() and list(taken.iterdir()) == []
