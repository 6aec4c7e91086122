"""Queries that Lucene or Java would refuse: each is searched, or refused by an error of ours."""

import errno
import logging
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from preread.data import Passage, PrereadError
from preread.indexer import Bm25Searcher, IndexFormatError, PassageIndex, build_bm25, split_index
from preread.indexer.bm25.java import refusal_of
from preread.indexer.bm25.searcher import MAX_TERMS, cut_query
from preread.indexer.bm25.statistics import write_statistics
from preread.indexer.errors import IndexAccessError

TEXTS = [
    "a piano has 88 keys",
    "piano-player on a river-boat",
    "東京都は日本の首都です",
    "river 😀",
]


@pytest.fixture(scope="module")
def lucene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Lucene index of a few passages."""
    folder = tmp_path_factory.mktemp("lucene") / "bm25"
    build_bm25(enumerate(Passage(str(n), text) for n, text in enumerate(TEXTS)), folder)
    return folder


@pytest.fixture(scope="module")
def searcher(lucene: Path) -> Iterator[Bm25Searcher]:
    """The same, opened."""
    opened = Bm25Searcher(lucene)
    yield opened
    opened.close()


def ordinals(searcher: Bm25Searcher, query: str, k: int = 10) -> list[int]:
    """Passages of a query; alone, in a batch, and by their scores they must be the same."""
    alone = searcher.search(query, k)
    before, batched, after = searcher.search_many(["88 keys", query, "boat"], k, threads=2)
    assert [hit.ordinal for hit in before + after] == [0, 1]
    assert batched == alone
    numbers = [hit.ordinal for hit in alone]
    scores = searcher.score(query, range(len(TEXTS)))
    assert [n for n, score in enumerate(scores) if score > 0] == sorted(numbers)
    return numbers


MANY = 3 * MAX_TERMS
LONG = {
    "words": " ".join(f"w{number}" for number in range(MANY)),
    "hyphens": "-".join(f"w{number}" for number in range(MANY)),
    "commas": ",".join(f"w{number}" for number in range(MANY)),
    "Chinese": "".join(chr(0x4E00 + number) for number in range(MANY)),
    "emoji": "".join(chr(0x1F300 + number % 600) for number in range(MANY)),
    "one letter": "x" * 100_000,
    "one word": "keys " * 20_000,
    "ligatures": "ﷺ " * MANY,
    "tags": "\U000e0041" * MANY,
}


@pytest.mark.parametrize("what", LONG)
def test_a_long_query_is_searched_by_its_beginning(searcher: Bm25Searcher, what: str) -> None:
    found = ordinals(searcher, f"boat {LONG[what]}")
    assert found[0] in (0, 1) and 1 in found  # 20,000 keys outweigh a boat


def test_a_cut_is_said(searcher: Bm25Searcher, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "preread"):
        searcher.search(LONG["hyphens"], 3)
        searcher.search(LONG["one word"], 3)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].endswith("characters: BM25 takes 1024 different words at most")


@pytest.mark.parametrize("join", [" ", "-"])
def test_as_many_words_as_lucene_takes_are_searched(searcher: Bm25Searcher, join: str) -> None:
    words = [f"w{number}" for number in range(MAX_TERMS - 1)]
    assert ordinals(searcher, join.join([*words, "boat"])) == [1]
    assert ordinals(searcher, join.join([*words, "none", "boat"])) == []


@given(st.integers(0, 1000), st.integers(0, 4000), st.integers(1, 4000))
def test_what_is_kept_is_the_longest_beginning(seed: int, n_words: int, n_different: int) -> None:
    def n_terms(some: str) -> int:
        return len(set(some.split()))

    draw = random.Random(seed)
    query = " ".join(str(draw.randrange(n_different)) for _ in range(n_words))
    kept = cut_query(query, n_terms)
    assert query.startswith(kept) and n_terms(kept) <= MAX_TERMS
    assert kept == query or n_terms(query[: len(kept) + 1]) > MAX_TERMS


@pytest.mark.slow
@given(
    pieces=st.lists(
        st.one_of(
            st.text(max_size=40),
            st.text(st.characters(categories=["Cs", "Cc", "Cf", "Co"]), max_size=20),
            st.sampled_from(["\x00", "\ud83d", "\udce9", '"(+-*?~^:\\/[]{}', "AND", "*:*"]),
            st.builds(lambda text, n: text * n, st.text(min_size=1, max_size=8), st.just(3000)),
        ),
        max_size=6,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_query(searcher: Bm25Searcher, pieces: list[str]) -> None:
    ordinals(searcher, " ".join(pieces))


@pytest.mark.parametrize("query", ["\ud83d piano", "piano\udce9", "\udc00piano \ud800"])
def test_half_a_surrogate_pair_is_left_out(searcher: Bm25Searcher, query: str) -> None:
    assert ordinals(searcher, query) == [0, 1]


def test_surrogates_that_make_a_pair_are_its_character(searcher: Bm25Searcher) -> None:
    assert ordinals(searcher, "\ud83d\ude00") == ordinals(searcher, "😀") == [3]


@pytest.mark.parametrize("k", [10**6, 2**31 - 1, 2**31, 2**63, 10**30])
def test_more_hits_than_passages_may_be_asked_for(searcher: Bm25Searcher, k: int) -> None:
    assert ordinals(searcher, "piano", k) == [0, 1]


@pytest.mark.parametrize("k", [0, -1, -(10**12)])
def test_a_number_of_hits_that_is_not_positive_is_refused(searcher: Bm25Searcher, k: int) -> None:
    for search in (
        lambda: searcher.search("piano", k),
        lambda: searcher.search_many(["piano"], k, threads=1),
    ):
        with pytest.raises(PrereadError, match=f"top_k must be at least 1, found {k}"):
            search()


def test_unknown_ordinals_score_nothing(searcher: Bm25Searcher) -> None:
    assert searcher.score("piano", [10**12, -1, 99]) == [0, 0, 0]


@pytest.mark.slow
def test_partitions_take_the_same_queries(
    built: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    partition = split_index(built, tmp_path / "partitions", 2)[0]
    with PassageIndex(partition) as index:
        for text in [*LONG.values(), "\ud83d volcano", "\x00"]:
            query = f"volcano {text}"
            hits = index.bm25.search(query, 2**40)
            assert hits and index.bm25.search_many([query], 2**40, threads=2) == [hits]
            assert index.bm25.score(query, [hits[0].ordinal]) == [hits[0].score]
        with pytest.raises(PrereadError, match="top_k must be at least 1"):
            index.bm25.search("volcano", 0)


def test_statistics_of_a_damaged_index_are_an_error(lucene: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(IndexFormatError, match=r"empty: Lucene cannot read its index: .*verify"):
        write_statistics(tmp_path / "statistics.h5", empty)


def test_what_the_system_refuses_lucene_is_said_as_itself(
    lucene: Path, tmp_path: Path, few_files: Callable[[int], AbstractContextManager[None]]
) -> None:
    """Java is told of too few files when it writes; when it reads, it opens one at a time."""
    passages = list(enumerate(Passage(str(n), text) for n, text in enumerate(TEXTS)))
    with (
        pytest.raises(IndexAccessError, match="cannot be written: Too many open files. This proc"),
        few_files(2),
    ):
        build_bm25(passages, tmp_path / "bm25")
    text = "JVM exception occurred: java.nio.file.AccessDeniedException: /a b/_1.fdt\n\tjava.base/…"
    refusal = refusal_of(RuntimeError(text))
    assert isinstance(refusal, PermissionError) and refusal.filename == "/a b/_1.fdt"
    caused = RuntimeError(
        "JVM exception occurred: this writer hit an unrecoverable error\n"
        f"java.nio.file.FileSystemException: /x/_2.tmp: {os.strerror(errno.EMFILE)}\n"
    )
    refusal = refusal_of(caused)
    assert refusal and (refusal.errno, refusal.filename) == (errno.EMFILE, "/x/_2.tmp")
    assert refusal_of(RuntimeError("org.apache.lucene.index.CorruptIndexException: bad")) is None


_SHORT_OF_HEAP = """
import sys
from pathlib import Path
from preread.data import PrereadError
from preread.indexer import Bm25Searcher

searcher = Bm25Searcher(Path(sys.argv[1]))
for search in (
    lambda: searcher.search("river", 10**9),
    lambda: searcher.search_many(["river", "bank"], 10**9, threads=2),
):
    try:
        search()
    except PrereadError as error:
        print(str(error).replace("\\n", " "))
print(len(searcher.search("river", 10)))
"""


@pytest.mark.slow
def test_too_many_hits_for_javas_heap_are_refused(tmp_path: Path) -> None:
    build_bm25(((n, Passage(str(n), "river")) for n in range(200_000)), tmp_path / "bm25")
    done = subprocess.run(
        [sys.executable, "-c", _SHORT_OF_HEAP, str(tmp_path / "bm25")],
        env={**os.environ, "PREREAD_JAVA_HEAP": "24m"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    *refused, goes_on = done.stdout.splitlines()
    assert len(refused) == 2 and goes_on == "10"
    assert all("ask for fewer passages (top_k), or raise PREREAD_JAVA_HEAP" in r for r in refused)
