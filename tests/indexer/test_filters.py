"""Filters on metadata."""

import fnmatch
from pathlib import Path
from typing import Any, cast

import pytest
from preread.data import PrereadError
from preread.indexer import IndexConfig, PassageIndex, build_index
from preread.indexer.filters import check_filter, is_like, parse_filter, passes
from preread.pipeline.retrievers.filtered import search_filtered
from preread.pipeline.retrievers.hybrid import HybridRetriever
from preread.reader import Reader

KNOWN: dict[str, Any] = {
    "page": 3,
    "date": "2025-03-01",
    "tags": ["a", "b"],
    "done": True,
    "file": "e\u0301.md",
}


@pytest.mark.parametrize(
    "filter",
    [
        {},
        {"page": 3},
        {"page": "3", "date": {"gte": "2025", "lt": "2026"}},
        {"page": [2, 3]},
        {"page": {"gt": 2, "lte": 3}},
        {"tags": "b"},
        {"tags": {"ne": "c"}},
        {"done": True},
        {"nothing": {"ne": 1}},
        {"nothing": {"nin": [1]}},
        {"date": {"gte": 2025, "lt": 2026}},
        {"date": {"like": "2025-*"}},
        {"file": "\u00e9.md"},
        {"file": {"like": "\u00e9*"}},
    ],
)
def test_what_passes(filter: dict[str, Any]) -> None:
    check_filter(filter)
    assert passes(KNOWN, filter)


@pytest.mark.parametrize(
    "filter",
    [
        {"page": 4},
        {"page": 3, "nothing": 1},
        {"page": {"gt": 3}},
        {"date": {"lt": 2025}},
        {"page": {"gt": "2"}},
        {"tags": {"ne": "a"}},
        {"tags": ["c"]},
        {"done": False},
        {"date": {"like": "2024*"}},
    ],
)
def test_what_does_not_pass(filter: dict[str, Any]) -> None:
    check_filter(filter)
    assert not passes(KNOWN, filter)


@pytest.mark.parametrize(
    ("filter", "message"),
    [
        ({"page": {"above": 3}}, "page: expected one of the operators eq, in, .*'above'"),
        ({"page": {"in": 3}}, "page: expected a list for in, found 3"),
        ({"page": {"gt": [3]}}, r"page: expected a text, number or truth value for gt"),
        ({"page": {"eq": {}}}, "page: expected a text"),
        ("x=1", r"expected a dictionary of conditions, such as \{'page': 3\}, found 'x=1'"),
        (3, "expected a dictionary of conditions, .* found 3"),
        ([], r"expected a dictionary of conditions, .* found \[\]"),
        ({1: "x"}, "expected the name of a field as text, found 1"),
        ({"page": object()}, "page: expected a text, number or truth value for eq, found <object"),
        ({"page": [3, None]}, "page: expected texts, numbers or truth values for in, found None"),
    ],
)
def test_filters_that_cannot_be_applied_are_refused(filter: Any, message: str) -> None:
    with pytest.raises(PrereadError, match=message):
        check_filter(filter)


def test_filters_are_written_on_a_line() -> None:
    assert parse_filter(["page=3", "date>=2025-01", "date<2026", "document~faq/*", "n!=x"]) == {
        "page": {"eq": 3},
        "date": {"gte": "2025-01", "lt": 2026},
        "document": {"like": "faq/*"},
        "n": {"ne": "x"},
    }
    with pytest.raises(PrereadError, match="such as page=3, found 'page'"):
        parse_filter(["page"])
    with pytest.raises(PrereadError, match="filter: expected UTF-8 text, found byte 0xff"):
        parse_filter(["\udcff=1"])


@pytest.fixture(scope="module")
def opened(tiny_reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> PassageIndex:
    """Sixty passages with a page each, and one without."""
    folder: Path = tmp_path_factory.mktemp("filtered")
    lines = [
        f'{{"id": "p{n}", "text": "A river, {"river " * (n % 7)}and more.", "page": {n % 10}}}\n'
        for n in range(60)
    ]
    (folder / "c.jsonl").write_text("".join(lines) + '{"id": "x", "text": "No page, a river."}\n')
    build_index(folder / "c.jsonl", folder / "index", tiny_reader, IndexConfig(workers=1))
    return PassageIndex(folder / "index")


@pytest.mark.parametrize("few", [0, 1000])
def test_hits_are_the_best_of_those_that_pass(
    opened: PassageIndex, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from preread.pipeline.retrievers import filtered

    monkeypatch.setattr(filtered, "_FEW", few)
    every = opened.bm25.search("river", 100)
    with pytest.raises(PrereadError, match="filter: expected a dictionary"):
        search_filtered(opened, opened.bm25, "river", 1, cast("Any", []))
    for filter in ({"page": 3}, {"page": {"lt": 9}}, {"page": {"ne": 3}}, {"page": 77}, None):
        ordinals = [hit.ordinal for hit in every]
        wanted = [o for o in ordinals if passes(opened.metadata(o), filter or {})]
        for k in (1, 4, 100):
            for retriever in (opened.bm25, HybridRetriever(opened.bm25, opened.bm25)):
                found = search_filtered(opened, retriever, "river", k, filter)
                assert [hit.ordinal for hit in found] == wanted[:k]


def test_passages_without_metadata_pass_what_they_do_not_contradict(opened: PassageIndex) -> None:
    (ordinal,) = opened.find("x")
    assert ordinal in opened.matching({"page": {"ne": 3}})
    assert ordinal not in opened.matching({"page": [3, 4]})
    assert len(opened.matching({"page": [3, 4]})) == 12


def test_patterns_of_clients_are_not_kept() -> None:
    """The cache of `fnmatch` keeps 32,768, which take a gigabyte if they are long."""
    before = fnmatch._compile_pattern.cache_info().currsize  # type: ignore[attr-defined]
    for number in range(100):
        assert is_like(f"a{number}", f"*{number}") and not is_like("a", f"*{number}")
    assert fnmatch._compile_pattern.cache_info().currsize == before  # type: ignore[attr-defined]
