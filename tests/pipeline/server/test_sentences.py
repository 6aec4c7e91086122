"""Sentences, pruned passages and quotations over HTTP."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import requests
from preread.pipeline import OpenDomainQA

PIANO = "How many keys does a modern piano have?"
TOY = "🎹🎼 Toys are small. A toy piano has 25 keys. They are red."


@pytest.fixture(scope="module")
def url(sample_index: Path, serving: Callable[..., AbstractContextManager[Any]]) -> Iterator[str]:
    """Address of the sample index on a server."""
    with serving({"sample": sample_index}) as served:
        yield f"{served.url}/v1/sample"


def post(url: str, path: str, **content: Any) -> Any:
    return requests.post(f"{url}/{path}", json=content, timeout=60).json()


def test_sentences_are_those_of_the_library(url: str, qa: OpenDomainQA) -> None:
    reply = post(url, "highlight", question=PIANO, top_k=5, n_sentences=3, min_score=0)
    found = qa.highlight(PIANO, top_k=5, n_sentences=3, min_score=0)
    assert reply["index"] == "sample" and reply["took_ms"] > 0
    for one, wanted in zip(reply["sentences"], found, strict=True):
        expected = {**wanted.to_dict(), "score": pytest.approx(wanted.score, abs=1e-4)}
        assert one == expected


def test_provided_texts_are_highlighted_in_the_unit_of_the_client(url: str) -> None:
    asked: dict[str, Any] = {"query": "How many keys?", "documents": [TOY, {"id": "piano-1"}]}
    points = post(url, "highlight", **asked)["sentences"]
    units = post(url, "highlight", **asked, offsets="utf16")["sentences"]
    (toy,) = (one for one in points if one["place"] == 0)
    (in_utf16,) = (one for one in units if one["place"] == 0)
    assert toy["sentence"] == "A toy piano has 25 keys." == TOY[toy["start"] : toy["end"]]
    assert in_utf16["start"] == toy["start"] + 2 and not toy["from_store"]
    pruned = post(url, "prune", **asked, offsets="utf16")
    assert pruned["contexts"][0]["sentences"][0]["start"] == in_utf16["start"]


def test_contexts_are_pruned_to_a_budget(url: str, qa: OpenDomainQA) -> None:
    reply = post(url, "prune", question=PIANO, top_k=5, max_tokens=80)
    wanted = qa.prune(PIANO, top_k=5, max_tokens=80)
    assert [one["text"] for one in reply["contexts"]] == [one.text for one in wanted.contexts]
    assert reply["n_tokens"] == wanted.n_tokens <= 80 < reply["n_tokens_read"]


def test_quotations_are_found_and_read(url: str) -> None:
    reply = post(url, "quote", quote="“HAS  88 keys”", question=PIANO)
    (match,) = (one for one in reply["matches"] if one["passage_id"] == "piano-1")
    assert match["is_exact"] and match["answer"] == "88" and match["agreement"] > 0.5
    given = post(url, "quote", quote="has 26 keys", passages=[TOY], min_similarity=0.7)
    (near,) = given["matches"]
    assert near["text"] == "has 25 keys" and near["answer"] is None
    assert post(url, "quote", quote="has 26 keys", passages=[])["matches"] == []


def test_opensearch_is_told_sentences_where_it_asks_for_them(url: str) -> None:
    inputs = [{"question": "How many keys?", "context": text} for text in (TOY, "No.", "")]
    reply = post(url, "opensearch/highlight", inputs=inputs, highlight="sentence")
    ((only,), *others) = reply["highlights"]
    assert only["text"] == "A toy piano has 25 keys." and only["start"] == TOY.index("A toy") + 2
    assert others[-1] == []


@pytest.mark.parametrize(
    ("path", "content", "field"),
    [
        ("highlight", {"question": " "}, "question"),
        ("highlight", {"question": PIANO, "n_sentences": 10**9}, "n_sentences"),
        ("highlight", {"question": PIANO, "min_score": 1.5}, "min_score"),
        ("highlight", {"question": PIANO, "top_k": 101}, "top_k"),
        ("highlight", {"question": PIANO, "passages": ["a"] * 101}, "passages"),
        ("prune", {"question": PIANO, "threshold": -1}, "threshold"),
        ("prune", {"question": PIANO, "max_tokens": 0}, "max_tokens"),
        ("quote", {"quote": "…"}, "quote"),
        ("quote", {"quote": "a" * 1001}, "quote"),
        ("quote", {"quote": "river", "question": " "}, "question"),
        ("quote", {"quote": "river", "n_matches": 51}, "n_matches"),
        ("quote", {"quote": "river", "min_similarity": 2}, "min_similarity"),
        ("quote", {"quote": "river", "filter": {"page": {"above": 3}}}, "filter"),
    ],
)
def test_a_wrong_field_is_named(url: str, path: str, content: Any, field: str) -> None:
    reply = requests.post(f"{url}/{path}", json=content, timeout=60)
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["field"] == field
