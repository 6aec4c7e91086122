"""Fronts and parts of a cluster, in one process: everything but Ray itself."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from preread.data.sample import sample_corpus_path
from preread.indexer import (
    Bm25Parameters,
    IndexConfig,
    PassageIndex,
    build_index,
    split_index,
)
from preread.pipeline import OpenDomainQA
from preread.pipeline.cluster.front import FrontService, create_front
from preread.pipeline.cluster.partition import Partition
from preread.pipeline.cluster.scatter_gather import AllPartitions, PartitionHandle, Remote
from preread.pipeline.server import ApiKeys, ServeConfig
from preread.reader import Reader

pytestmark = pytest.mark.slow  # they wait for deadlines
QUESTION = "Which volcano is on Sicily?"
DEADLINE = 1.0


class Method:
    """A method of a part, called as Ray Serve's handles are."""

    def __init__(self, handle: "Handle", call: Callable[..., Awaitable[Any]]) -> None:
        """Of a handle, and what it calls."""
        self._handle = handle
        self._call = call

    async def remote(self, *arguments: Any) -> Any:
        self._handle.n_calls += 1
        await asyncio.sleep(self._handle.delay)
        if self._handle.is_dead:
            raise ConnectionError("dead")
        return await self._call(*arguments)


class Handle:
    """A part that can be slow or dead."""

    def __init__(self, part: Partition) -> None:
        """To a part, quick and alive."""
        self.delay, self.is_dead, self.n_calls = 0.0, False, 0
        self.rule: Remote = Method(self, part.rule)
        self.search: Remote = Method(self, part.search)
        self.read: Remote = Method(self, part.read)


@pytest.fixture(scope="module")
def opened(
    tiny_reader_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[OpenDomainQA, list[Partition]]:
    """The sample corpus whole, each passage with the number of a page, and three parts of it."""
    folder = tmp_path_factory.mktemp("cluster")
    lines = sample_corpus_path().read_text("utf-8").splitlines()
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as corpus:
        for number, line in enumerate(lines[:120]):
            corpus.write(json.dumps({**json.loads(line), "page": number % 7}) + "\n")
    reader = Reader.load(str(tiny_reader_path))
    config = IndexConfig(codec="int8", passages_per_shard=30, workers=1)
    build_index(folder / "corpus.jsonl", folder / "whole", reader, config)
    paths = split_index(folder / "whole", folder / "parts", 3)
    parts = [Partition(str(path), "cpu", "torch", "float32") for path in paths]
    return OpenDomainQA(PassageIndex(folder / "whole"), reader), parts


@pytest.fixture
def handles(opened: tuple[OpenDomainQA, list[Partition]]) -> dict[str, Handle]:
    """Ways to them."""
    return {f"part-{n}": Handle(part) for n, part in enumerate(opened[1], start=1)}


def front(
    partitions: dict[str, PartitionHandle],
    config: ServeConfig | None = None,
    keys: ApiKeys | None = None,
) -> FastAPI:
    """A front over partitions."""
    asked = AllPartitions(partitions, deadline_s=DEADLINE)
    return create_front(FrontService("sample", asked, config or ServeConfig(), keys or ApiKeys()))


def ask_times(
    handles: dict[str, Handle], steps: list[Callable[[], None]], pause_s: float = 0, **fields: Any
) -> list[httpx.Response]:
    """Ask a front once after each step and a pause, in one event loop; at last, if it is ready."""
    named: dict[str, PartitionHandle] = dict(handles)

    async def run() -> list[httpx.Response]:
        app = front(named)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            replies = []
            for step in steps:
                step()
                await asyncio.sleep(pause_s)
                body = {"question": QUESTION, "top_k": 10, **fields}
                replies.append(await client.post("/v1/sample/answer", json=body))
            return [*replies, await client.get("/ready")]

    return asyncio.run(run())


def test_all_parts_answer_as_the_whole(
    opened: tuple[OpenDomainQA, list[Partition]], handles: dict[str, Handle]
) -> None:
    reply, ready = ask_times(handles, [lambda: None])
    found, expected = reply.json(), opened[0].answer(QUESTION, top_k=10)
    assert (reply.status_code, found["partial"], ready.status_code) == (200, False, 200)
    assert [a["passage_id"] for a in found["answers"]] == [a.passage_id for a in expected.answers]
    assert [a["score"] for a in found["answers"]] == pytest.approx(
        [a.score for a in expected.answers], rel=5e-3
    )


def test_all_parts_find_passages_as_the_whole_does(
    opened: tuple[OpenDomainQA, list[Partition]], handles: dict[str, Handle]
) -> None:
    conditions = {"page": [1, 2, 3]}
    expected = opened[0].answer(
        QUESTION, top_k=10, filter=conditions, bm25_parameters=Bm25Parameters(k1=0.2, b=0.9)
    )
    reply, _ = ask_times(handles, [lambda: None], filter=conditions, k1=0.2, b=0.9)
    answers = reply.json()["answers"]
    assert [one["passage_id"] for one in answers] == [a.passage_id for a in expected.answers]
    assert {one["metadata"]["page"] for one in answers} <= {1, 2, 3}
    reply, _ = ask_times(handles, [lambda: None], filter={"page": 9})
    assert (reply.status_code, reply.json()["answers"], reply.json()["partial"]) == (200, [], False)


@pytest.mark.parametrize(
    ("fault", "value", "error"),
    [("is_dead", True, "ConnectionError"), ("delay", 2 * DEADLINE, "TimeoutError")],
)
def test_a_lost_part_is_named_left_alone_and_taken_back(
    handles: dict[str, Handle], fault: str, value: Any, error: str
) -> None:
    lost = handles["part-2"]
    calls: list[int] = []

    def break_it() -> None:
        setattr(lost, fault, value)

    def note() -> None:
        calls.append(lost.n_calls)

    def mend() -> None:
        lost.is_dead, lost.delay = False, 0.0

    steps = [break_it, note, note, mend, lambda: None]
    *replies, ready = ask_times(handles, steps, pause_s=0.8)  # it is asked again in the meantime
    assert [reply.status_code for reply in replies] == [200] * 5
    assert [reply.json()["partial"] for reply in replies][:3] == [True] * 3
    assert not replies[-1].json()["partial"] and ready.status_code == 200
    assert replies[0].json()["failed_parts"] == [{"part": "part-2", "error": error}]
    assert replies[0].json()["answers"]
    # Questions do not wait for it: only the probe calls it meanwhile.
    assert calls[1] - calls[0] <= 2
    assert replies[2].json()["took_ms"] < 1000 * DEADLINE


def test_without_any_part_there_is_a_reply(handles: dict[str, Handle]) -> None:
    def break_all() -> None:
        for handle in handles.values():
            handle.is_dead = True

    reply, ready = ask_times(handles, [break_all])
    assert (reply.status_code, ready.status_code) == (200, 503)
    assert reply.json()["answers"] == [] and len(reply.json()["failed_parts"]) == 3


def test_mistakes_are_replied_to_as_by_the_other_server(handles: dict[str, Handle]) -> None:
    for fields, status, kind in (
        ({"top_k": 1000}, 400, "invalid_request"),
        ({"question": " "}, 400, "invalid_request"),
        ({"n_answer": 3}, 400, "invalid_request"),
        ({"filter": {"page": {"near": 3}}}, 400, "invalid_request"),
    ):
        reply, _ = ask_times(handles, [lambda: None], **fields)
        assert (reply.status_code, reply.json()["error"]["type"]) == (status, kind)
        assert reply.json()["request_id"]
    for handle in handles.values():
        handle.delay = 0.5
    reply, _ = ask_times(handles, [lambda: None], timeout_ms=100)
    assert (reply.status_code, reply.json()["error"]["type"]) == (504, "deadline_exceeded")


def test_a_front_has_the_gate_of_the_other_server(handles: dict[str, Handle]) -> None:
    named: dict[str, PartitionHandle] = dict(handles)
    body = {"question": QUESTION, "top_k": 5}
    key = "a-key-for-the-tests-0123"

    async def run() -> None:
        open_front = front(named, ServeConfig(allowed_hosts=("qa.example",)))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(open_front), base_url="http://qa.example"
        ) as client:
            for headers, status in (
                ({}, 200),
                ({"Host": "evil.example"}, 403),
                ({"Sec-Fetch-Site": "cross-site"}, 403),
                ({"Content-Length": "9999999"}, 413),
            ):
                reply = await client.post("/v1/sample/answer", json=body, headers=headers)
                assert reply.status_code == status, (headers, reply.text)
            docs = await client.get("/docs")
            assert docs.status_code == 200 and "https://" not in docs.text
            assert (await client.get("/redoc")).status_code == 404
            assert (await client.get("/health")).json() == {"status": "ok", "indexes": ["sample"]}
            head = await client.head("/health")
            assert head.status_code == 200 and head.content == b""
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(front(named, keys=ApiKeys([key]))),
            base_url="http://any.example",
        ) as client:
            assert (await client.post("/v1/sample/answer", json=body)).status_code == 401
            known = {"X-API-Key": key}
            reply = await client.post("/v1/sample/answer", json=body, headers=known)
            assert reply.status_code == 200
            assert (await client.get("/health")).json() == {"status": "ok"}
            assert (await client.get("/ready")).json() == {"status": "ok"}

    asyncio.run(run())
