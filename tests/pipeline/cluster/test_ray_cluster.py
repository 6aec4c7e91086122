"""An index in three parts on a real Ray cluster, with real HTTP; `make test-ray` runs these."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from preread.data import PrereadError, read_questions
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.indexer import IndexConfig, PassageIndex, build_index, split_index
from preread.pipeline import OpenDomainQA
from preread.reader import Reader

ray = pytest.importorskip("ray", reason="Ray is not in the `test` extra: run `make test-ray`")

from preread.pipeline.cluster.deployment import ClusterConfig, start  # noqa: E402


@dataclass(frozen=True)
class Served:
    """What runs."""

    url: str
    whole: OpenDomainQA
    parts: list[Path]
    questions: list[str]

    def ask(self, question: str, **fields: Any) -> requests.Response:
        """Ask over HTTP."""
        body = {"question": question, "top_k": 10, **fields}
        return requests.post(f"{self.url}/v1/sample/answer", json=body, timeout=60)


@pytest.fixture(scope="module")
def served(tiny_reader_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The sample corpus in three parts, each with a process, behind two fronts."""
    folder = tmp_path_factory.mktemp("cluster")
    reader = Reader.load(str(tiny_reader_path))
    config = IndexConfig(codec="int8", passages_per_shard=20, workers=1)
    build_index(sample_corpus_path(), folder / "whole", reader, config)
    parts = split_index(folder / "whole", folder / "parts", 3)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, log_to_driver=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start(
        "sample", parts, ClusterConfig(cpus_per_part=0.3, deadline_s=10),
        host="127.0.0.1", port=port,
    )  # fmt: skip
    questions = [q.question for q in read_questions(sample_questions_path())][:30]
    whole = OpenDomainQA(PassageIndex(folder / "whole"), reader)
    yield Served(f"http://127.0.0.1:{port}", whole, parts, questions)
    ray.shutdown()


def test_answers_are_those_of_the_whole_index(served: Served) -> None:
    for question in served.questions:
        reply = served.ask(question)
        assert reply.status_code == 200, reply.text
        found = reply.json()
        expected = served.whole.answer(question, top_k=10)
        assert (found["partial"], found["failed_parts"]) == (False, [])
        assert [a["answer"] for a in found["answers"]] == [a.answer for a in expected.answers]
        for one, other in zip(found["answers"], expected.answers, strict=True):
            assert one["score"] == pytest.approx(other.score, rel=5e-3)
            assert (one["passage_id"], one["start"]) == (other.passage_id, other.start)


def test_requests_are_checked_as_by_the_other_server(served: Served) -> None:
    refused: list[tuple[dict[str, Any], int, str]] = [
        ({"top_k": 1000}, 400, "invalid_request"),
        ({"question": " "}, 400, "invalid_request"),
        ({"topk": 3}, 400, "invalid_request"),
        ({"timeout_ms": 1}, 504, "deadline_exceeded"),
    ]
    for fields, status, kind in refused:
        reply = served.ask(**{"question": "who?", **fields})
        assert (reply.status_code, reply.json()["error"]["type"]) == (status, kind)
        assert reply.json()["request_id"] == reply.headers["X-Request-ID"]
    assert requests.get(f"{served.url}/v1/other/answer?question=who", timeout=30).status_code == 404
    assert requests.get(f"{served.url}/health", timeout=30).json()["status"] == "ok"


def test_a_lost_part_is_done_without_and_comes_back(served: Served) -> None:
    replies: list[dict[str, Any]] = []
    until = time.monotonic() + 60

    def ask_on() -> None:
        number = 0
        while time.monotonic() < until and not is_over():
            reply = served.ask(served.questions[number % len(served.questions)])
            assert reply.status_code == 200, reply.text
            replies.append(reply.json())
            number += 1

    def is_over() -> bool:
        was_lost = [reply["partial"] for reply in replies]
        return True in was_lost and not any(was_lost[-6:]) and len(was_lost) > 12

    with ThreadPoolExecutor(2) as clients:
        asking = [clients.submit(ask_on) for _ in range(2)]
        while len(replies) < 6:
            time.sleep(0.05)
        os.kill(pid_of_part(2), signal.SIGKILL)
        for one in asking:
            one.result()
    lost = [reply for reply in replies if reply["partial"]]
    assert lost and {p["part"] for reply in lost for p in reply["failed_parts"]} == {
        served.parts[1].name
    }
    assert not replies[-1]["partial"]


def pid_of_part(number: int) -> int:
    """The process of a part's replica."""
    name = f"part-0000{number}-of-00003"
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"ServeReplica:preread:{name}" in process.read_text():
                return int(process.parent.name)
        except OSError:
            continue
    raise AssertionError(f"{name} has no process")


def test_what_are_not_all_parts_is_refused(served: Served) -> None:
    with pytest.raises(PrereadError, match="found 2 parts of 1 indexes among 2 folders"):
        start("sample", served.parts[:2], ClusterConfig(), host="127.0.0.1", port=1)
    with pytest.raises(PrereadError, match="deadline_s: expected more than 0, found 0"):
        ClusterConfig(deadline_s=0)
