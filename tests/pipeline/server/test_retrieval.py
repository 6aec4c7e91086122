"""What a request says of the passages that are found: filters, parameters of BM25, batches."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import requests
from preread.indexer import Bm25Parameters, IndexConfig, build_index
from preread.pipeline import OpenDomainQA, search_passages
from preread.reader import Reader

QUESTION = "How many keys does the spinet have?"


@pytest.fixture(scope="module")
def paged(default_reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of eight passages, two a page, which words find; each spinet has other keys."""
    folder = tmp_path_factory.mktemp("paged")
    records = [
        {
            "id": f"p{n}",
            "title": "Spinets" if n % 2 else "",
            "text": f"The spinet {'of the house ' * n}has {20 + n} keys.",
            "page": n // 2,
            "date": f"202{n}-01-01",
        }
        for n in range(8)
    ]
    (folder / "c.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    config = IndexConfig(vectors=False)
    build_index(folder / "c.jsonl", folder / "index", default_reader, config)
    return folder / "index"


@pytest.fixture(scope="module")
def paged_qa(paged: Path) -> OpenDomainQA:
    """Answers from the index."""
    return OpenDomainQA.from_index(paged)


@pytest.fixture(scope="module")
def url(paged: Path, serving: Callable[..., AbstractContextManager[Any]]) -> Iterator[str]:
    """Address of the index on a server."""
    with serving({"paged": paged}) as served:
        yield f"{served.url}/v1/paged"


def test_a_batch_reads_only_what_passes(paged_qa: OpenDomainQA) -> None:
    filter = {"page": [1, 2]}
    results = paged_qa.answer_batch([QUESTION, "What has keys?"], top_k=3, filter=filter)
    for question, result in zip([QUESTION, "What has keys?"], results, strict=True):
        alone = paged_qa.answer(question, top_k=3, filter=filter)
        assert result.hits == alone.hits and result.n_read == 3
        assert {answer.metadata["page"] for answer in result.answers} <= {1, 2}
    parameters = Bm25Parameters(k1=0.1, b=1)
    (other,) = paged_qa.answer_batch([QUESTION], top_k=3, bm25_parameters=parameters)
    assert other.hits == paged_qa.index.bm25.with_parameters(parameters).search(QUESTION, 3)


@pytest.mark.parametrize(
    ("sent", "written", "pages"),
    [
        ({"page": 3}, ["page=3"], {3}),
        ({"page": {"lt": 2}, "date": {"gte": "2022"}}, ["page<2", "date>=2022-"], {1}),
        ({"date": {"like": "2024*"}}, ["date~2024*"], {2}),
    ],
)
def test_filters_choose_passages_over_http(
    url: str, sent: dict[str, Any], written: list[str], pages: set[int]
) -> None:
    body: dict[str, Any] = {"question": QUESTION, "filter": sent, "min_confidence": 0}
    posted = requests.post(f"{url}/answer", json=body, timeout=60).json()
    asked: dict[str, Any] = {"question": QUESTION, "filter": written, "min_confidence": 0}
    got = requests.get(f"{url}/answer", params=asked, timeout=60).json()
    listed = requests.post(f"{url}/answer", json=asked, timeout=60).json()
    assert posted["answers"] == got["answers"] == listed["answers"]
    assert {answer["metadata"]["page"] for answer in posted["answers"]} == pages
    asked = {"query": "spinet", "filter": written}
    found = requests.get(f"{url}/search", params=asked, timeout=60).json()["candidates"]
    assert {one["metadata"]["page"] for one in found} == pages


def test_parameters_of_bm25_are_those_of_one_request(url: str, paged_qa: OpenDomainQA) -> None:
    def search(**more: object) -> list[tuple[str, float]]:
        asked: dict[str, Any] = {"query": "spinet house", "hits": 8, **more}
        reply = requests.get(f"{url}/search", params=asked, timeout=60).json()
        return [(one["docid"], one["score"]) for one in reply["candidates"]]

    usual = search()
    changed = search(k1=2.5)
    parameters = Bm25Parameters(k1=2.5)
    wanted = search_passages(paged_qa.index, "spinet house", 8, bm25_parameters=parameters)
    assert changed == [(one.passage.passage_id, one.score) for one in wanted] != usual
    assert search() == usual


def test_quotations_are_looked_for_by_the_parameters_of_the_request(
    url: str, paged_qa: OpenDomainQA
) -> None:
    quote = "the spinet has 99 keys"
    asked: dict[str, Any] = {"quote": quote, "top_k": 1, "min_similarity": 0}
    of_bm25: list[dict[str, float]] = [{}, {"k1": 0.0}]
    found = []
    for parameters in of_bm25:
        reply = requests.post(f"{url}/quote", json={**asked, **parameters}, timeout=60).json()
        (hit,) = paged_qa.index.bm25.with_parameters(Bm25Parameters(**parameters)).search(quote, 1)
        found += [match["passage_id"] for match in reply["matches"]]
        assert found[-1] == paged_qa.index.passage(hit.ordinal).passage_id
    assert found[0] != found[1]


def test_queries_in_batches_have_the_form_of_search_agents(
    url: str, paged_qa: OpenDomainQA
) -> None:
    queries = ["spinet house", "xqzzvj", "keys"] * 12  # more than are searched at once
    asked: dict[str, Any] = {"queries": queries, "topk": 3, "return_scores": True}
    result = requests.post(f"{url}/retrieve", json=asked, timeout=60).json()["result"]
    assert [len(found) for found in result] == [3, 0, 3] * 12
    for query, found in zip(queries, result, strict=True):
        wanted = search_passages(paged_qa.index, query, 3)
        assert [one["score"] for one in found] == [one.score for one in wanted]
        for one, hit in zip(found, wanted, strict=True):
            title, _, text = one["document"]["contents"].partition("\n")
            assert (title, text) == (hit.passage.title, hit.passage.text)
            assert one["document"]["id"] == hit.passage.passage_id
    (plain,) = requests.post(
        f"{url}/retrieve", json={"queries": ["keys"], "filter": {"page": 2}}, timeout=60
    ).json()["result"]
    assert [one["metadata"]["page"] for one in plain] == [2, 2]
    assert set(plain[0]) == {"id", "contents", "title", "metadata"}


@pytest.mark.parametrize(
    ("path", "content", "field"),
    [
        ("answer", {"question": QUESTION, "filter": {"page": {"above": 3}}}, "filter"),
        ("answer", {"question": QUESTION, "filter": {"page": None}}, "filter"),
        ("answer", {"question": QUESTION, "filter": {"page": [[1]]}}, "filter"),
        ("answer", {"question": QUESTION, "filter": {"page": 10**400}}, "filter"),
        ("answer", {"question": QUESTION, "filter": {"page": "x" * 1001}}, "filter"),
        ("answer", {"question": QUESTION, "filter": {str(n): n for n in range(33)}}, "filter"),
        ("answer", {"question": QUESTION, "filter": ["page"]}, "filter"),
        ("answer", {"question": QUESTION, "k1": -1}, "k1"),
        ("answer", {"question": QUESTION, "b": 1.5}, "b"),
        ("retrieve", {"queries": []}, "queries"),
        ("retrieve", {"queries": ["a", " "]}, "queries[1]"),
        ("retrieve", {"queries": ["a"], "topk": 101}, "topk"),
        ("retrieve", {"queries": ["a"] * 51, "topk": 100}, "queries"),
    ],
)
def test_what_cannot_be_searched_is_named(url: str, path: str, content: Any, field: str) -> None:
    reply = requests.post(f"{url}/{path}", json=content, timeout=60)
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["field"] == field
