"""Clients that mean harm: each attack, and that it fails."""

import asyncio
import contextlib
import json
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests
from fastapi import WebSocket
from preread.pipeline import OpenDomainQA
from preread.pipeline.qa import reading, states
from preread.pipeline.server import ApiKeys, Limits, ServeConfig, Service, connection, create_app
from preread.reader import Reader

PIANO = "How many keys does a modern piano have?"
KEY = "a-key-for-the-tests-0123"
SHORT = "A toy piano has 25 keys, and an organ has more than that."


class Served(Protocol):
    """What the fixture ``serving`` gives."""

    url: str
    service: Service


Serving = Callable[..., AbstractContextManager[Served]]


@pytest.fixture(scope="module")
def server(serving: Serving, sample_index: Path) -> Iterator[Served]:
    """A server without keys, as it is by default."""
    with serving({"sample": sample_index}) as started:
        yield started


@pytest.fixture(scope="module")
def hasty(serving: Serving, sample_index: Path) -> Iterator[Served]:
    """A server that gives each request few seconds."""
    with serving({"sample": sample_index}, ServeConfig(limits=Limits(timeout_s=3))) as started:
        yield started


def post(server: Served, path: str, content: Any, **headers: str) -> requests.Response:
    return requests.post(f"{server.url}{path}", json=content, headers=headers, timeout=60)


def port_of(server: Served) -> int:
    return int(server.url.rsplit(":", 1)[1])


def eventually(is_so: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def metric(server: Served, name: str) -> float:
    """A number of /metrics, by its name and labels; 0 where it is not there yet."""
    lines = requests.get(f"{server.url}/metrics", timeout=30).text.splitlines()
    found = [line.rsplit(" ", 1)[1] for line in lines if line.startswith(f"{name} ")]
    return float(found[0]) if found else 0.0


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# Numbers ------------------------------------------------------------------------------------------


def test_the_longest_answer_costs_no_memory(server: Served) -> None:
    def infer(length: int) -> dict[str, Any]:
        question = {"question": PIANO, "max_answer_length": length}
        asked = {
            "docs": [{"text_field": SHORT}],
            "inference_config": {"question_answering": question},
        }
        reply = post(server, "/_ml/trained_models/sample/_infer", asked)
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    usual = infer(30)
    before = peak_mib()
    for length in (2_000_000, 10**18, 10**400):
        assert infer(length) == usual
    assert peak_mib() - before < 100


def test_the_longest_answer_is_bounded_by_the_window(tiny_reader: Reader) -> None:
    logits, windows = _logits(tiny_reader, SHORT)
    usual = tiny_reader.spans.best(logits, windows, 3, max_answer_length=48)
    assert tiny_reader.spans.best(logits, windows, 3, max_answer_length=10**30) == usual
    margins = tiny_reader.spans.margins(logits, windows, max_answer_length=48)
    assert tiny_reader.spans.margins(logits, windows, max_answer_length=10**30) == margins


def _logits(reader: Reader, text: str) -> Any:
    from preread.data import Passage
    from preread.pipeline.qa.reading import PassageReader
    from preread.pipeline.qa.types import ReadRequest, RequestedPassage

    request = ReadRequest("who?", [RequestedPassage(None, Passage("", text))], [0.0])
    (read,) = PassageReader(reader).logits([request])
    return read.logits, read.windows


@pytest.mark.parametrize("score", [1e308, -1e308, 1.1e6])
def test_a_score_that_would_swallow_the_logits_is_refused(server: Served, score: float) -> None:
    asked = {"question": PIANO, "passages": [{"text": SHORT, "score": score}, "25 keys"]}
    reply = post(server, "/v1/sample/read", asked)
    assert reply.status_code == 400
    assert reply.json()["error"]["field"] == "passages[0].score"


def test_the_largest_score_leaves_numbers_in_the_reply(server: Served) -> None:
    asked = {"question": PIANO, "passages": [{"text": SHORT, "score": 1e6}, "25 keys"]}
    for path in ("read", "rerank"):
        reply = post(server, f"/v1/sample/{path}", asked)
        assert reply.status_code == 200 and "NaN" not in reply.text


@pytest.mark.parametrize(
    "fields",
    [
        {"top_k": 10**400},
        {"n_answers": 10**400},
        {"min_confidence": 1.5},
        {"min_confidence": 10**400},
    ],
)
def test_numbers_beyond_their_range_are_refused_briefly(
    server: Served, fields: dict[str, Any]
) -> None:
    reply = post(server, "/v1/sample/answer", {"question": PIANO, **fields})
    assert reply.status_code == 400 and len(reply.content) < 400
    assert reply.json()["error"]["field"] in fields


def test_a_body_of_many_small_mistakes_gets_a_short_reply(server: Served) -> None:
    for item in (1, {}, {"text": 1}):
        passages = [item] * 900
        began = time.monotonic()
        reply = post(server, "/v1/sample/read", {"question": PIANO, "passages": passages})
        assert reply.status_code == 400 and len(reply.content) < 10_000
        assert len(reply.json()["error"]["details"]) == 20
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/v1/sample/read", {"question": PIANO, "passages": ["a"] * 100_000}),
        ("/v1/sample/rerank", {"question": PIANO, "passages": [{}] * 100_000}),
        ("/v1/sample/opensearch/highlight", {"inputs": [{}] * 100_000}),
        ("/v1/sample/opensearch/hits", {"question": PIANO, "context": ["a"] * 100_000}),
        ("/v1/sample/opensearch/hits", {"question": PIANO, "docid": ["a"] * 100_000}),
        ("/v1/sample/elasticsearch/completion", {"questions": ["a"] * 100_000}),
        (
            "/_ml/trained_models/sample/_infer",
            {"docs": [{}] * 100_000, "inference_config": {"question_answering": {"question": "a"}}},
        ),
    ],
)
def test_long_lists_are_refused_before_their_items_are_made(
    server: Served, path: str, content: dict[str, Any]
) -> None:
    before = peak_mib()
    reply = post(server, path, content)
    assert reply.status_code == 400 and "1000 items" in reply.json()["error"]["message"]
    assert peak_mib() - before < 60


# Text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "passages",
    [
        ["a " * 25_000],
        ["a " * 500_000],
        ["x" * 900_000],
        [f"{n} " + "é " * 500 for n in range(100)],
    ],
)
def test_text_of_too_many_tokens_is_refused_at_once(server: Served, passages: list[str]) -> None:
    if sum(map(len, passages)) > 400_000:
        passages = [passages[0][:400_000]]
    texts = [{"question": PIANO, "context": text} for text in passages]
    for path, content in (
        ("/v1/sample/read", {"question": PIANO, "passages": passages}),
        ("/v1/sample/rerank", {"question": PIANO, "passages": passages}),
        ("/v1/sample/opensearch/hits", {"question": PIANO, "context": passages}),
        ("/v1/sample/opensearch/highlight", {"inputs": texts}),
    ):
        began = time.monotonic()
        reply = post(server, path, content)
        assert reply.status_code == 413, reply.text
        assert "16,384 tokens of text that the index does not hold" in reply.text
        assert time.monotonic() - began < 2


def test_text_that_the_index_holds_is_not_counted(
    serving: Serving, sample_index: Path, qa: OpenDomainQA
) -> None:
    text = qa.index.passage(qa.index.find("piano-1")[0]).text
    with serving(
        {"sample": sample_index}, ServeConfig(limits=Limits(max_provided_tokens=20))
    ) as server:
        for passages, status in (
            ([text, SHORT], 200),
            ([text] * 5, 200),
            ([SHORT, SHORT], 200),
            ([SHORT + SHORT], 413),
            ([SHORT, "Other words: " + SHORT], 413),
        ):
            reply = post(server, "/v1/sample/read", {"question": PIANO, "passages": passages})
            assert reply.status_code == status, passages


@pytest.mark.slow
def test_reading_is_given_up_when_its_time_is_over(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_ROWS_A_BLOCK", 512)
    monkeypatch.setattr(states, "_ROWS_AT_ONCE", 512)
    words = [f"{n} word{n} of some text" for n in range(800)]
    asked = {"question": PIANO, "passages": [" ".join(words[n::8]) for n in range(8)]}
    seconds = 'preread_batch_seconds_sum{worker="reading"}'

    def took(**fields: int) -> float:
        """How long the reader was busy."""
        before = metric(server, seconds)
        reply = post(server, "/v1/sample/rerank", {**asked, **fields})
        assert reply.status_code == (504 if fields else 200), reply.text
        assert eventually(lambda: metric(server, seconds) > before)
        return metric(server, seconds) - before

    took()
    whole = took()
    assert took(timeout_ms=max(1, round(200 * whole))) < 0.8 * whole


def test_reading_is_given_up_when_the_client_is_gone(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_ROWS_A_BLOCK", 512)
    count = 'preread_batch_seconds_count{worker="reading"}'
    before = metric(server, count)
    asked: dict[str, Any] = {"question": PIANO, "top_k": 100}
    with pytest.raises(requests.Timeout):
        requests.post(f"{server.url}/v1/sample/answer", json=asked, timeout=0.3)
    assert eventually(lambda: metric(server, count) > before)


@pytest.mark.parametrize("most_rows", [1, 60, 200, 10**6])
def test_blocks_change_no_answer(
    qa: OpenDomainQA, most_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = [PIANO, "Which volcano is on Sicily?"]
    usual = qa.answer_batch(questions, top_k=6)
    monkeypatch.setattr(reading, "_ROWS_A_BLOCK", most_rows)
    blocks: list[int] = []
    found = qa.answer_batch(questions, top_k=6, before_block=lambda: blocks.append(1))
    assert len(blocks) == (12 if most_rows == 1 else len(blocks)) and blocks
    for one, other in zip(found, usual, strict=True):
        assert [a.answer for a in one.answers] == [a.answer for a in other.answers]
        scores = [a.score for a in other.answers]
        assert [a.score for a in one.answers] == pytest.approx(scores, abs=1e-4)
        assert one.n_read == other.n_read == 6


def test_an_error_before_a_block_ends_the_reading(qa: OpenDomainQA) -> None:
    def stop() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        qa.answer_batch([PIANO], before_block=stop)


# Slowness -----------------------------------------------------------------------------------------


@contextmanager
def slow_reader(server: Served) -> Iterator[socket.socket]:
    """A client that asks much and takes nothing."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect(("127.0.0.1", port_of(server)))
        client.settimeout(1)
        request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with contextlib.suppress(OSError):  # the server reads no more
            client.sendall(request * 400)
        yield client


@pytest.mark.slow
def test_a_client_that_takes_no_reply_loses_its_place(hasty: Served) -> None:
    traffic = hasty.service.traffic
    with slow_reader(hasty), slow_reader(hasty):
        assert eventually(lambda: traffic.n_in_flight == 2)
        assert post(hasty, "/v1/sample/answer", {"question": PIANO, "top_k": 1}).status_code == 200
        assert eventually(lambda: traffic.n_in_flight == 0)
    assert requests.get(f"{hasty.url}/health", timeout=9).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHost: local"])
def test_a_client_that_sends_no_headers_is_left(
    serving: Serving, sample_index: Path, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEADERS_SECONDS", 0.5)
    with serving({"sample": sample_index}) as server:
        for before in (b"", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port_of(server)), timeout=9) as client:
                client.sendall(before)
                if before:
                    reply = b""
                    while not reply.endswith(b"]}"):
                        reply += client.recv(4_096)
                    if not sent:
                        continue
                client.sendall(sent)
                began = time.monotonic()
                with contextlib.suppress(ConnectionResetError):
                    assert client.recv(4_096) == b""
                assert time.monotonic() - began < 5


@pytest.mark.slow
def test_a_body_that_does_not_come_loses_its_place(hasty: Served) -> None:
    head = b"POST /v1/sample/answer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"
    with socket.create_connection(("127.0.0.1", port_of(hasty)), timeout=9) as client:
        client.sendall(head)
        assert eventually(lambda: hasty.service.traffic.n_in_flight == 1, 5)
        assert b" 408 " in client.recv(4_096)
        assert eventually(lambda: hasty.service.traffic.n_in_flight == 0, 5)


# Other sites and names ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example:8000"}, 403),
        ({"Host": "localhost:1"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({}, 200),
    ],
)
def test_pages_of_other_sites_get_nothing(
    server: Served, headers: dict[str, str], status: int
) -> None:
    reply = post(server, "/v1/sample/answer", {"question": PIANO, "top_k": 1}, **headers)
    assert reply.status_code == status
    if status == 403:
        assert reply.json()["error"]["type"] == "forbidden" and "answers" not in reply.text


def test_a_link_from_another_site_opens_the_page_but_asks_nothing(server: Served) -> None:
    linked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert requests.get(server.url, headers=linked, timeout=9).status_code == 200
    asked = f"{server.url}/v1/sample/answer?question=piano"
    assert requests.get(asked, headers=linked, timeout=9).status_code == 403
    assert requests.get(server.url, headers={"Host": "evil.example"}, timeout=9).status_code == 403


@pytest.mark.slow
def test_names_are_accepted_that_were_allowed(serving: Serving, sample_index: Path) -> None:
    asked = {"question": PIANO, "top_k": 1}
    for config, keys, host, status in (
        (ServeConfig(allowed_hosts=("qa.example",)), None, "qa.example", 200),
        (ServeConfig(allowed_hosts=("qa.example",)), None, "evil.example", 403),
        (ServeConfig(), [KEY], "any.example", 200),
        (ServeConfig(allowed_hosts=("qa.example",)), [KEY], "any.example", 403),
    ):
        with serving({"sample": sample_index}, config, ApiKeys(keys or [])) as server:
            reply = post(server, "/v1/sample/answer", asked, Host=host, **{"X-API-Key": KEY})
            assert reply.status_code == status, (config.allowed_hosts, host)


@pytest.mark.slow
def test_names_of_indexes_are_told_to_who_has_a_key(serving: Serving, sample_index: Path) -> None:
    with serving({"sample": sample_index}, keys=ApiKeys([KEY])) as server:
        for path in ("/health", "/ready"):
            assert requests.get(server.url + path, timeout=9).json() == {"status": "ok"}
            known = requests.get(server.url + path, headers={"X-API-Key": KEY}, timeout=9).json()
            assert known == {"status": "ok", "indexes": ["sample"]}


def test_websockets_are_refused(server: Served) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    reply = requests.get(f"{server.url}/v1", headers=upgrade, timeout=9)
    assert reply.status_code == 200  # as HTTP, without the upgrade
    sent: list[Any] = []

    async def open_socket() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "websocket", "path": "/v1", "headers": [], "subprotocols": []}
        app = create_app(server.service)
        app.add_api_websocket_route("/v1", _accept)
        await app(scope, receive, send)

    asyncio.run(open_socket())
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def _accept(websocket: WebSocket) -> None:
    await websocket.accept()


# Everything that GET answers, HEAD does -----------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docs",
        "/site/style.css",
        "/openapi.json",
        "/v1",
        "/v1/sample/doc/piano-1",
        "/v1/sample/search?query=piano",
        "/v1/sample/answer?question=piano&top_k=1",
        "/health",
        "/ready",
        "/metrics",
        "/v1/sample/doc/nothing",
        "/v1/sample/read",
        "/nothing",
    ],
)
def test_head_is_get_without_a_body(server: Served, path: str) -> None:
    got = requests.get(server.url + path, timeout=60)
    head = requests.head(server.url + path, timeout=60)
    assert head.status_code == got.status_code and head.content == b""
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    if path not in ("/metrics", "/v1/sample/answer?question=piano&top_k=1"):
        length = int(head.headers["Content-Length"])
        assert length == len(got.content) or got.status_code >= 400  # an identifier is in it


def test_every_refusal_has_one_shape(server: Served) -> None:
    replies = [
        requests.get(f"{server.url}/v1", headers={"Host": "evil.example"}, timeout=9),
        requests.get(f"{server.url}/nothing", timeout=9),
        requests.put(f"{server.url}/v1", timeout=9),
        post(server, "/v1/sample/answer", {}),
        post(server, "/v1/other/answer", {"question": "a"}),
        post(server, "/v1/sample/read", {"question": "a", "passages": ["a " * 40_000]}),
        post(server, "/_ml/trained_models/sample/_infer", {}),
        post(server, "/_plugins/_ml/models/sample/_predict", {"parameters": {}}),
        post(server, "/v1/sample/answer", {"question": "a", "timeout_ms": 1}),
    ]
    for reply in replies:
        content = reply.json()
        assert reply.status_code >= 400 and set(content) == {"error", "request_id"}, reply.text
        assert {"type", "message"} <= set(content["error"])
        assert content["request_id"] == reply.headers["X-Request-ID"]
        assert json.loads(json.dumps(content)) == content


def test_threads_do_not_pile_up(server: Served) -> None:
    before = threading.active_count()
    for _ in range(20):
        post(server, "/v1/sample/answer", {"question": PIANO, "timeout_ms": 1})
    assert threading.active_count() <= before + 2
