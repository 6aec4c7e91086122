"""A server with the sample index, asked over HTTP."""

import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from preread.data import PrereadError, read_questions
from preread.data.sample import sample_questions_path
from preread.indexer import add_passages, delete_passages
from preread.pipeline import OpenDomainQA, open_retriever
from preread.pipeline.server import ApiKeys, Limits, ServeConfig, Service
from preread.pipeline.server.logs import JsonFormatter
from preread.pipeline.server.server import GracefulServer, listen
from preread.reader import Ranking, Reader

PIANO = "How many keys does a modern piano have?"
KEY = "a-key-for-the-tests-0123"
SLOW: dict[str, Any] = {"question": PIANO, "top_k": 100}
"""Takes a second or so, which is long beside what the tests do meanwhile."""


@dataclass(frozen=True)
class Running:
    """A server in a thread of this process."""

    url: str
    service: Service
    server: GracefulServer
    thread: threading.Thread

    def get(self, path: str, **options: object) -> requests.Response:
        return requests.get(self.url + path, timeout=60, **options)  # type: ignore[arg-type]

    def post(self, path: str, content: object, **options: object) -> requests.Response:
        options = {"timeout": 60, **options}
        return requests.post(self.url + path, json=content, **options)  # type: ignore[arg-type]

    def metric(self, name: str) -> float:
        """A number of /metrics, by its name and labels; 0 where it is not there yet."""
        lines = self.get("/metrics").text.splitlines()
        found = [line.rsplit(" ", 1)[1] for line in lines if line.startswith(f"{name} ")]
        return float(found[0]) if found else 0.0


@contextmanager
def running(
    index: Path,
    config: ServeConfig | None = None,
    keys: ApiKeys | None = None,
    retriever: str = "auto",
) -> Iterator[Running]:
    """A server, stopped at the end."""
    with (
        listen("127.0.0.1", 0) as sock,
        Service(
            {"sample": index},
            config,
            keys,
            find_retriever=partial(open_retriever, name=retriever),
        ) as service,
    ):
        server = GracefulServer(service, sock)
        thread = threading.Thread(target=server.run_until_stopped)
        thread.start()
        try:
            yield Running(f"http://127.0.0.1:{sock.getsockname()[1]}", service, server, thread)
        finally:
            server.drain()
            thread.join()


@pytest.fixture(scope="module")
def server(sample_index: Path) -> Iterator[Running]:
    """A server as it is by default."""
    with running(sample_index) as started:
        yield started


@pytest.fixture(scope="module")
def by_words(sample_index: Path) -> Iterator[Running]:
    """A server that finds passages by BM25."""
    with running(sample_index, retriever="bm25") as started:
        yield started


@pytest.mark.slow
def test_an_engine_that_does_not_answer_is_told_without_its_address(sample_index: Path) -> None:
    with running(sample_index, retriever="opensearch://me:secret@127.0.0.1:9/wiki") as started:
        for reply in (
            started.get("/v1/sample/search?query=volcano"),
            started.post("/v1/sample/answer", {"question": "which volcano?"}),
        ):
            assert reply.status_code == 503, reply.text
            assert reply.json()["error"]["type"] == "unavailable"
            assert "127.0.0.1" not in reply.text and "secret" not in reply.text


def eventually(is_so: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def places(answers: list[dict[str, object]]) -> list[tuple[object, ...]]:
    """What of answers must be equal to the character."""
    return [(a["answer"], a["passage_id"], a["start"], a["end"]) for a in answers]


def expected(qa: OpenDomainQA, question: str, top_k: int) -> list[dict[str, object]]:
    """What the library answers."""
    return [a.to_dict() for a in qa.answer(question, top_k=top_k).answers]


def test_answers_are_those_of_the_library(server: Running, qa: OpenDomainQA) -> None:
    posted = server.post("/v1/sample/answer", {"question": PIANO, "top_k": 5}).json()
    assert posted["index"] == "sample" and posted["question"] == PIANO and posted["took_ms"] > 0
    assert places(posted["answers"]) == places(expected(qa, PIANO, 5))
    assert set(posted["answers"][0]) == set(expected(qa, PIANO, 5)[0])
    best = posted["answers"][0]
    assert 0 < best["confidence"] < 1
    where = {name: best[name] for name in ("passage_id", "title", "start", "end")}
    assert where.items() <= best["supporting"][0].items()
    asked = {"question": PIANO, "top_k": 5, "n_answers": 2}
    got = server.get("/v1/sample/answer", params=asked).json()
    assert places(got["answers"]) == places(posted["answers"])[:2]


@pytest.mark.slow
def test_concurrent_questions_are_read_together_and_answered_as_alone(
    server: Running, qa: OpenDomainQA
) -> None:
    questions = [q.question for q in read_questions(sample_questions_path()) if q.answers][:24]

    def ask(question: str) -> requests.Response:
        asked = {"question": question, "top_k": 4, "min_confidence": 0}
        return server.post("/v1/sample/answer", asked)

    counts = [f'preread_batch_jobs_{kind}{{worker="reading"}}' for kind in ("sum", "count")]
    before = [server.metric(name) for name in counts]
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(ask, questions))
    n_jobs, n_batches = (
        server.metric(name) - was for name, was in zip(counts, before, strict=True)
    )
    assert n_jobs == 24 and n_batches < 20
    for question, reply in zip(questions, replies, strict=True):
        assert reply.status_code == 200
        answers, wanted = reply.json()["answers"], expected(qa, question, 4)
        assert places(answers) == places(wanted)
        scores = [a["score"] for a in answers]
        assert scores == pytest.approx([a["score"] for a in wanted], abs=1e-4)


def test_answers_of_low_confidence_are_held_back_and_their_passage_given(
    server: Running, qa: OpenDomainQA
) -> None:
    asked = {"question": PIANO, "top_k": 5}
    best = qa.answer(PIANO, top_k=5).answers[0]
    sure = server.post("/v1/sample/answer", asked).json()
    assert best.confidence is not None and sure["confidence"] == pytest.approx(best.confidence)
    assert sure["doubt"] is sure["best_passage"] is None and sure["answers"]
    passages = [{"id": "piano-1"}]
    for path, content in (("answer", asked), ("read", {**asked, "passages": passages})):
        content.pop("top_k") if path == "read" else None
        reply = server.post(f"/v1/sample/{path}", {**content, "min_confidence": 0.99}).json()
        assert reply["answers"] == [] and reply["doubt"] == "low_confidence"
        assert 0 < reply["confidence"] < 0.99
        assert reply["best_passage"]["passage_id"] == "piano-1"
        assert reply["best_passage"]["passage"].startswith("The piano was")
    listed = server.get("/v1/sample/answer", params={**asked, "question": "List all rivers"}).json()
    assert listed["doubt"] in ("list", "low_confidence") and listed["best_passage"]
    unfound = {"question": PIANO, "filter": {"page": 3}}  # no passage has pages
    nothing = server.post("/v1/sample/answer", unfound).json()
    assert nothing["doubt"] is nothing["confidence"] is nothing["best_passage"] is None


@pytest.mark.slow
def test_the_server_sets_the_least_confidence(sample_index: Path) -> None:
    asked = {"question": PIANO, "top_k": 5}
    with running(sample_index, ServeConfig(min_confidence=0.99)) as server:
        assert server.post("/v1/sample/answer", asked).json()["answers"] == []
        path = "/v1/sample/elasticsearch/completion"
        (held_back,) = server.post(path, {"questions": PIANO}).json()["answers"]
        assert held_back["answer"] == "" and held_back["confidence"] > 0
        assert server.post("/v1/sample/answer", {**asked, "min_confidence": 0}).json()["answers"]


def test_a_least_confidence_needs_a_calibrated_reader(
    sample_index: Path, default_reader: Reader
) -> None:
    bare = default_reader.with_ranking(Ranking())
    with pytest.raises(PrereadError, match="confidence was not fitted"):
        Service({"it": sample_index}, ServeConfig(min_confidence=0.5), load_reader=lambda _: bare)


def test_search_and_doc_reply_as_pyserinis_server(by_words: Running, qa: OpenDomainQA) -> None:
    server = by_words
    query = {"query": "longest river", "hits": 3}
    found = server.get("/v1/sample/search", params=query).json()
    assert (found["api"], found["query"]) == ("v1", {"text": "longest river"})
    hits = qa.index.bm25.search("longest river", 3)
    first = qa.index.passage(hits[0].ordinal)
    assert [c["rank"] for c in found["candidates"]] == [1, 2, 3]
    assert found["candidates"][0] == {
        "docid": first.passage_id,
        "score": hits[0].score,
        "rank": 1,
        "doc": {"title": first.title, "text": first.text},
        "metadata": {},
    }
    whole = server.get(f"/v1/sample/doc/{first.passage_id}").json()
    assert whole["docid"] == first.passage_id
    assert whole["doc"] == found["candidates"][0]["doc"]
    raw = server.get(f"/v1/sample/doc/{first.passage_id}", params={"parse": "false"}).json()["doc"]
    contents = f"{first.title}\n{first.text}"
    assert json.loads(raw) == {"id": first.passage_id, "contents": contents}


def test_passages_given_by_id_or_text_are_read_as_those_found(
    by_words: Running, qa: OpenDomainQA
) -> None:
    server = by_words
    candidates = server.get("/v1/sample/search", params={"query": PIANO, "hits": 4}).json()
    by_id = [{"id": c["docid"], "score": c["score"]} for c in candidates["candidates"]]
    by_text = [
        {"text": c["doc"]["text"], "score": c["score"], "id": f"mine-{c['rank']}"}
        for c in candidates["candidates"]
    ]
    wanted = expected(OpenDomainQA(qa.index, qa.reader, qa.index.bm25), PIANO, 4)
    for passages in (by_id, by_text):
        reply = server.post("/v1/sample/read", {"question": PIANO, "passages": passages}).json()
        assert all(a["from_store"] for a in reply["answers"])
        assert [a["answer"] for a in reply["answers"]] == [a["answer"] for a in wanted]
        assert [a["score"] for a in reply["answers"]] == pytest.approx(
            [a["score"] for a in wanted], abs=1e-4
        )
        ids = [passages[a["place"]]["id"] for a in reply["answers"]]
        assert ids == [a["passage_id"] for a in reply["answers"]]


def test_unknown_text_is_read_in_full_and_like_stored_text(server: Running) -> None:
    doc = server.get("/v1/sample/doc/piano-1").json()["doc"]
    fresh = {"text": doc["text"] + " ", "title": doc["title"]}
    replies = [
        server.post("/v1/sample/read", {"question": PIANO, "passages": [passage]}).json()
        for passage in ({"id": "piano-1"}, fresh)
    ]
    stored, full = (reply["answers"] for reply in replies)
    assert stored[0]["from_store"] and not full[0]["from_store"]
    assert [(a["start"], a["end"]) for a in full] == [(a["start"], a["end"]) for a in stored]
    assert full[0]["score"] == pytest.approx(stored[0]["score"], abs=0.01)


def test_another_title_is_another_passage(server: Running) -> None:
    text = server.get("/v1/sample/doc/piano-1").json()["doc"]["text"]
    passages = [{"text": text, "title": "Organ"}, {"text": text, "title": "Piano"}, {"text": text}]
    asked = {"question": PIANO, "passages": passages}
    results = server.post("/v1/sample/rerank", asked).json()["results"]
    stored = {result["index"]: result["from_store"] for result in results}
    assert stored == {0: False, 1: True, 2: True}


def test_offsets_count_utf16_units_if_asked(server: Running) -> None:
    text = "🎹🎹 A toy piano has 25 keys."
    answers = {}
    for unit in ("codepoint", "utf16"):
        asked = {"question": PIANO, "passages": [text], "offsets": unit, "n_answers": 1}
        reply = server.post("/v1/sample/read", asked).json()
        assert reply["offsets"] == unit
        answers[unit] = reply["answers"][0]
    counted = answers["codepoint"]
    assert text[counted["start"] : counted["end"]] == counted["answer"] == "25"
    units = text.encode("utf-16-le")
    start, end = answers["utf16"]["start"], answers["utf16"]["end"]
    assert units[2 * start : 2 * end].decode("utf-16-le") == "25"
    assert start == counted["start"] + 2


def test_rerank_puts_the_answering_passage_first(server: Running) -> None:
    documents = ["", "Sicily is an island.", "A toy piano has 25 keys.", "Pianos are heavy."]
    asked = {"query": PIANO, "documents": documents}
    results = server.post("/v1/sample/rerank", asked).json()["results"]
    assert results[0]["index"] == 2 and results[-1]["index"] == 0
    assert results[-1]["logit"] is None and results[-1]["relevance_score"] == 0
    scores = [r["relevance_score"] for r in results]
    assert scores == sorted(scores, reverse=True) and sum(scores) == pytest.approx(1)
    two = server.post("/v1/sample/rerank", {**asked, "top_n": 2}).json()["results"]
    assert [r["index"] for r in two] == [r["index"] for r in results[:2]]


@pytest.mark.parametrize(
    ("path", "content", "field"),
    [
        ("answer", {"question": " "}, "question"),
        ("answer", {"question": "a" * 1001}, "question"),
        ("answer", {"question": "who \ud800?"}, "question"),
        ("answer", {"question": PIANO, "top_k": 101}, "top_k"),
        ("answer", {"question": PIANO, "top_k": 0}, "top_k"),
        ("answer", {"question": PIANO, "n_answers": 51}, "n_answers"),
        ("answer", {"question": PIANO, "offsets": "bytes"}, "offsets"),
        ("answer", {"question": PIANO, "topk": 3}, "topk"),
        ("answer", {}, "question"),
        ("answer", "text", "body"),
        ("read", {"question": PIANO, "passages": []}, "passages"),
        ("read", {"question": PIANO, "passages": ["a"] * 101}, "passages"),
        ("read", {"question": PIANO, "passages": ["a", {"title": "b"}]}, "passages[1]"),
        ("read", {"question": PIANO, "passages": [{"text": "\udfff"}]}, "passages[0].text"),
        ("rerank", {"question": PIANO, "passages": ["a"], "top_n": 0}, "top_n"),
    ],
)
def test_a_wrong_field_is_named(server: Running, path: str, content: object, field: str) -> None:
    body = json.dumps(content).encode()
    headers = {"Content-Type": "application/json"}
    reply = requests.post(f"{server.url}/v1/sample/{path}", data=body, headers=headers, timeout=9)
    assert reply.status_code == 400, reply.text
    error = reply.json()["error"]
    assert error["type"] == "invalid_request" and error["field"] == field
    assert error["message"].startswith(f"{field}: ")


def test_a_number_beyond_all_floats_is_no_failure(server: Running) -> None:
    asked = {"question": PIANO, "top_k": 2, "timeout_ms": 10**400}
    assert server.post("/v1/sample/answer", asked).status_code == 200
    passage = {"text": "25 keys", "score": 10**400}
    reply = server.post("/v1/sample/read", {"question": PIANO, "passages": [passage]})
    assert reply.status_code == 400
    assert reply.json()["error"]["field"] == "passages[0].score"


def test_parameters_that_would_do_nothing_are_refused(server: Running) -> None:
    reply = server.get("/v1/sample/search", params={"query": "river", "k": 12})
    assert reply.status_code == 400 and reply.json()["error"]["field"] == "k"
    reply = server.get("/v1/sample/answer", params={"question": "river", "top_k": "many"})
    assert reply.status_code == 400 and reply.json()["error"]["field"] == "top_k"
    reply = server.get("/v1/sample/answer", params={"question": ["river", "lake"]})
    assert reply.status_code == 400 and reply.json()["error"]["field"] == "question"


def test_an_address_that_is_not_utf8_is_refused(server: Running) -> None:
    reply = requests.get(f"{server.url}/v1/sample/answer?question=caf%e9", timeout=9)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == (
        "query: expected UTF-8 in the address, found byte 0xe9."
    )


def test_what_is_not_there_is_said_in_the_same_shape(server: Running) -> None:
    unknown = {"question": PIANO, "passages": ["a", {"id": "no-such"}]}
    replies = {
        "/v1/other/answer": server.post("/v1/other/answer", {"question": PIANO}),
        "doc": server.get("/v1/sample/doc/no-such"),
        "read": server.post("/v1/sample/read", unknown),
        "address": server.get("/v2"),
    }
    for reply in replies.values():
        assert reply.status_code == 404
        assert reply.json()["error"]["type"] == "not_found"
    assert replies["read"].json()["error"]["field"] == "passages[1].id"
    wrong = server.post("/v1/sample/search", {})
    assert wrong.status_code == 405 and wrong.json()["error"]["type"] == "method_not_allowed"


def test_bodies_that_are_no_json_or_too_large_are_refused(server: Running) -> None:
    address = f"{server.url}/v1/sample/answer"
    headers = {"Content-Type": "application/json"}
    form = "application/x-www-form-urlencoded"
    for body, kind, message in (
        (b'{"question": ', "application/json", "expected JSON ("),
        (b'{"question": "caf\xe9"}', "application/json", "expected JSON in UTF-8, found byte 0xe9"),
        (b"[" * 100_000, "application/json", "expected JSON of fewer levels"),
        (b"", "application/json", "field required"),
        (
            b'{"question": "who?"}',
            form,
            f"expected the header Content-Type: application/json, found '{form}'",
        ),
        (
            b'{"question": "who?"}',
            "",
            "expected the header Content-Type: application/json, found none",
        ),
    ):
        reply = requests.post(address, data=body, headers={"Content-Type": kind}, timeout=9)
        assert reply.status_code == 400, body[:20]
        assert reply.json()["error"]["type"] == "invalid_request"
        assert reply.json()["error"]["message"].startswith(f"body: {message}")
    said = requests.post(address, data=b" " * 2_000_000, headers=headers, timeout=9)
    unsaid = requests.post(address, data=iter([b" " * 600_000] * 2), headers=headers, timeout=9)
    for reply in (said, unsaid):
        assert reply.status_code == 413
        assert reply.json()["error"]["type"] == "request_too_large"


def test_request_ids_are_echoed_or_made(server: Running) -> None:
    given = server.get("/health", headers={"X-Request-ID": "mine-1"})
    assert given.headers["X-Request-ID"] == "mine-1"
    made = server.get("/v2", headers={"X-Request-ID": "no good\tid"})
    assert len(made.headers["X-Request-ID"]) == 32
    assert made.json()["request_id"] == made.headers["X-Request-ID"]


def test_openapi_describes_every_field_of_requests(server: Running) -> None:
    document = server.get("/openapi.json").json()
    assert {"/v1/{index}/answer", "/v1/{index}/read", "/metrics"} <= set(document["paths"])
    for name in (
        "AnswerRequest",
        "ReadRequest",
        "RerankRequest",
        "PassageField",
        "RetrieveRequest",
        "SentenceHighlightRequest",
        "PruneRequest",
        "QuoteRequest",
    ):
        for field, schema in document["components"]["schemas"][name]["properties"].items():
            assert "description" in schema, f"{name}.{field}"
    assert server.get("/docs").status_code == 200


def test_the_examples_of_the_description_are_answered(server: Running) -> None:
    document = server.get("/openapi.json").json()
    answered = []
    for path, methods in document["paths"].items():
        if "post" not in methods:
            continue
        content = methods["post"]["requestBody"]["content"]["application/json"]
        schema = document["components"]["schemas"][content["schema"]["$ref"].split("/")[-1]]
        fields = schema["properties"].items()
        body = {name: field["examples"][0] for name, field in fields if "examples" in field}
        if set(schema.get("required", ())) <= set(body):
            reply = server.post(path.replace("{index}", "sample"), body)
            assert reply.status_code == 200, (path, reply.text)
            answered.append(path)
    assert len(answered) >= 7


@pytest.mark.slow
def test_overload_is_refused_and_passes(sample_index: Path) -> None:
    with running(sample_index, ServeConfig(max_queue=2, max_batch=1)) as server:

        def ask(_: int) -> requests.Response:
            return server.post("/v1/sample/answer", {"question": PIANO})

        with ThreadPoolExecutor(12) as pool:
            replies = list(pool.map(ask, range(12)))
        refused = [r for r in replies if r.status_code == 503]
        assert len(refused) >= 3 and {r.status_code for r in replies} == {200, 503}
        for reply in refused:
            assert reply.json()["error"]["type"] == "overloaded"
            assert int(reply.headers["Retry-After"]) >= 1
        assert server.post("/v1/sample/answer", {"question": PIANO}).status_code == 200


@pytest.mark.slow
def test_requests_in_all_are_bounded_while_health_is_told(sample_index: Path) -> None:
    with running(sample_index, ServeConfig(max_in_flight=1)) as server:
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(server.post, "/v1/sample/answer", SLOW)
            assert eventually(lambda: server.service.traffic.n_in_flight == 1)
            assert server.get("/v1/sample/doc/piano-1").status_code == 503
            assert server.get("/health").status_code == 200
            assert server.metric("preread_in_flight_requests") == 1
            assert slow.result().status_code == 200
        assert server.get("/v1/sample/doc/piano-1").status_code == 200


@pytest.mark.slow
def test_work_that_is_late_or_unwanted_is_not_read(sample_index: Path) -> None:
    with running(sample_index, ServeConfig(max_batch=1)) as server:
        with ThreadPoolExecutor(2) as pool:
            slow = pool.submit(server.post, "/v1/sample/answer", SLOW)
            assert eventually(lambda: server.service.traffic.n_in_flight == 1)
            asked = {"question": PIANO, "timeout_ms": 250}
            late = pool.submit(server.post, "/v1/sample/answer", asked)
            with pytest.raises(requests.Timeout):
                server.post("/v1/sample/answer", {"question": PIANO}, timeout=0.25)
            assert late.result().status_code == 504
            assert late.result().json()["error"]["type"] == "deadline_exceeded"
            assert slow.result().status_code == 200
        assert eventually(
            lambda: server.metric('preread_dropped_jobs_total{worker="reading"}') == 2
        )
        assert server.metric('preread_batch_jobs_sum{worker="reading"}') == 1


def test_keys_let_in_and_keep_out(sample_index: Path) -> None:
    with running(sample_index, keys=ApiKeys([KEY, "another-key-for-tests"])) as server:
        path = "/v1/sample/doc/piano-1"
        wrong = [{}, {"X-API-Key": KEY[:-1]}, {"Authorization": f"Basic {KEY}"}]
        for headers in wrong:
            reply = server.get(path, headers=headers)
            assert reply.status_code == 401 and reply.headers["WWW-Authenticate"] == "Bearer"
            assert reply.json()["error"]["type"] == "unauthorized"
        for headers in ({"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}):
            assert server.get(path, headers=headers).status_code == 200
        assert server.get("/metrics").status_code == 401
        assert server.get("/health").status_code == 200


@pytest.mark.slow
def test_draining_finishes_what_is_in_flight_and_refuses_the_rest(sample_index: Path) -> None:
    with running(sample_index) as server, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(server.post, "/v1/sample/answer", SLOW)
        assert eventually(lambda: server.service.traffic.n_in_flight == 1)
        server.server.drain()
        refused = server.get("/v1/sample/doc/piano-1")
        assert refused.status_code == 503 and int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["error"]["type"] == "shutting_down"
        assert server.get("/ready").status_code == 503
        assert slow.result().status_code == 200 and slow.result().json()["answers"]
        server.thread.join(10)
        assert not server.thread.is_alive()
        with pytest.raises(requests.ConnectionError):
            server.get("/health")


@pytest.mark.slow
def test_changes_of_a_live_index_are_seen(
    sample_index: Path, default_reader: Reader, tmp_path: Path
) -> None:
    index = Path(shutil.copytree(sample_index, tmp_path / "index"))
    corpus = tmp_path / "more.jsonl"
    text = "The zorblax of Quimper has 4711 strings and was built by Ada Tresk."
    corpus.write_text(json.dumps({"id": "zorblax", "title": "Zorblax", "text": text}) + "\n")
    asked = {"question": "How many strings does the zorblax have?", "top_k": 2, "min_confidence": 0}
    with running(index, ServeConfig(reload_seconds=0.05)) as server:

        def best(content: dict[str, object]) -> str:
            reply = server.post("/v1/sample/answer", content)
            assert reply.status_code == 200, reply.text
            return str(reply.json()["answers"][0]["answer"])

        piano = {"question": PIANO, "top_k": 2, "min_confidence": 0}
        before = best(piano)
        assert best(asked) != "4711"
        stop = threading.Event()
        others: list[str] = []

        def go_on_asking() -> None:
            while not stop.is_set():
                others.append(best(piano))

        asking = threading.Thread(target=go_on_asking)
        asking.start()
        try:
            manifest, _ = add_passages(index, corpus, default_reader)
            assert eventually(lambda: best(asked) == "4711")
            assert server.get("/v1/sample/doc/zorblax").json()["doc"]["text"] == text
            generation = server.metric('preread_index_generation{index="sample"}')
            assert generation == manifest.generation
            delete_passages(index, ["zorblax"])
            assert eventually(lambda: server.get("/v1/sample/doc/zorblax").status_code == 404)
            assert best(asked) != "4711"
        finally:
            stop.set()
            asking.join()
        assert len(others) > 1 and set(others) == {before}
        shutil.rmtree(index)
        failed = 'preread_index_reloads_total{index="sample",outcome="failed"}'
        assert eventually(lambda: server.metric(failed) >= 1)
        assert best(piano) == before


def test_a_damaged_index_is_said_to_be_damaged(sample_index: Path, tmp_path: Path) -> None:
    index = Path(shutil.copytree(sample_index, tmp_path / "index"))
    (shard,) = (index / "states").glob("*.h5")
    content = bytearray(shard.read_bytes())
    quarter = len(content) // 4
    content[quarter : 3 * quarter] = bytes(2 * quarter)
    shard.write_bytes(content)
    with running(index) as server:
        questions = [q.question for q in read_questions(sample_questions_path())][:300:30]
        replies = [server.post("/v1/sample/answer", {"question": q, "top_k": 5}) for q in questions]
        damaged = [r for r in replies if r.status_code != 200]
        assert damaged and {r.status_code for r in damaged} == {500}
        assert {r.json()["error"]["type"] for r in damaged} == {"index_damaged"}
        assert str(tmp_path) not in damaged[0].text
        assert server.get("/health").status_code == 200


@pytest.mark.parametrize("log_questions", [False, True])
def test_questions_are_logged_only_if_asked(sample_index: Path, log_questions: bool) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("preread")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    secret = "xylophone"
    try:
        keys = ApiKeys([KEY])
        with running(sample_index, ServeConfig(log_questions=log_questions), keys) as server:
            headers = {"X-API-Key": KEY, "X-Request-ID": "traced-1"}
            for params in ({"question": secret, "top_k": 1}, {"question": secret, "top_k": -1}):
                server.get("/v1/sample/answer", params=params, headers=headers)
            server.get("/v1/sample/search", params={"query": secret}, headers=headers)
            body = {"question": secret, "passages": [secret * 3, {"id": secret}]}
            server.post("/v1/sample/read", body, headers=headers)
            server.get(f"/v1/sample/doc/{secret}", headers=headers)
            server.get(f"/{secret}", headers=headers)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    of_requests = [line for line in lines if line["event"] == "request"]
    assert len(of_requests) == 6 and {r["request_id"] for r in of_requests} == {"traced-1"}
    assert of_requests[0]["status"] == 200 and of_requests[0]["ms"] > 0
    assert KEY not in stream.getvalue()
    assert (secret in stream.getvalue()) == log_questions


@pytest.mark.slow
def test_the_command_serves_and_stops_when_told(sample_index: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"# of the tests\n{KEY}\n")
    command = [sys.executable, "-m", "preread.pipeline", "serve", f"wiki={sample_index}"]
    command += [str(sample_index), "--port", "0", "--api-keys", str(keys)]
    log_path = tmp_path / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, stderr=log, stdout=log, env=dict(os.environ))
    try:
        assert eventually(
            lambda: '"listening"' in log_path.read_text() or process.poll() is not None, 60
        )
        lines = [json.loads(line) for line in log_path.read_text().splitlines()]
        (started,) = (line for line in lines if line["event"] == "listening")
        headers = {"Authorization": f"Bearer {KEY}"}

        def ask(index: str) -> requests.Response:
            address = f"{started['url']}/v1/{index}/answer"
            return requests.post(address, json=SLOW, headers=headers, timeout=60)

        assert started["url"].startswith("http://127.0.0.1:")
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(ask, name) for name in started["indexes"]]
            metrics = f"{started['url']}/metrics"
            assert eventually(
                lambda: (
                    "in_flight_requests 2.0"
                    in requests.get(metrics, headers=headers, timeout=9).text
                )
            )
            process.send_signal(signal.SIGTERM)
            assert [r.result().status_code for r in asked] == [200, 200]
        assert started["indexes"] == ["wiki", sample_index.name]
        assert process.wait(20) == 0
    finally:
        process.kill()
    events = [json.loads(line)["event"] for line in log_path.read_text().splitlines()]
    assert events[-1] == "stopped" and "draining" in events
    assert PIANO not in log_path.read_text() and KEY not in log_path.read_text()


def test_limits_are_the_callers_to_set(sample_index: Path) -> None:
    limits = Limits(max_top_k=3, max_passages=1, max_question_chars=10, max_request_bytes=300)
    with running(sample_index, ServeConfig(limits=limits)) as server:
        for path, content, status in (
            ("answer", {"question": "piano", "top_k": 3}, 200),
            ("answer", {"question": "piano", "top_k": 4}, 400),
            ("answer", {"question": "piano piano", "top_k": 3}, 400),
            ("read", {"question": "piano", "passages": ["a", "b"]}, 400),
            ("read", {"question": "piano", "passages": ["a" * 300]}, 413),
        ):
            assert server.post(f"/v1/sample/{path}", content).status_code == status, content
