"""What does a server do under load, when it is killed, and when its index is swapped?

    python benchmarks/serving_load.py my-index questions.jsonl

The server runs in a process of its own, and the clients in threads of this one. Each client asks
again as soon as it has its answer, and waits as long as a refusal says. The parts run in turn:

load        the memory of the server, second by second, and how long answers take
batching    the same load on servers that read several questions together or one at a time, in
            turns; the ratio compares neighbours
kill        SIGKILL under load; another server on the same port must give the same answers
swap        the index is exchanged behind a symbolic link, again and again under load
"""

import argparse
import collections
import itertools
import os
import random
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from common import command_line, write_result
from preread.data import read_questions
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.indexer import PassageIndex, build_index, delete_passages
from preread.reader import Reader
from serving_process import ServerProcess
from timing import spread

NAME = "it"
NO_CONNECTION = "no connection"


@dataclass
class Load:
    """Clients that ask until they are told to stop, and what became of their requests."""

    url: str
    questions: Sequence[str]
    top_k: int
    n_clients: int
    statuses: collections.Counter[str] = field(default_factory=collections.Counter)
    seconds: list[float] = field(default_factory=list)
    """Of the requests that were answered."""
    wrong: list[str] = field(default_factory=list)
    """Replies that were neither an answer nor an honest refusal."""

    def __post_init__(self) -> None:
        """Start asking."""
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.began = time.monotonic()
        self._threads = [
            threading.Thread(target=self._ask_on, args=(number,))
            for number in range(self.n_clients)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> float:
        """Stop asking; the seconds from the first request to the last reply."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return time.monotonic() - self.began

    def _ask_on(self, number: int) -> None:
        questions = random.Random(number).sample(self.questions, len(self.questions))
        with requests.Session() as session:
            for question in itertools.cycle(questions):
                if self._stop.is_set():
                    return
                self._ask(session, question)

    def _ask(self, session: requests.Session, question: str) -> None:
        begin = time.monotonic()
        body: dict[str, Any] = {"question": question, "top_k": self.top_k}
        try:
            reply = session.post(f"{self.url}/v1/{NAME}/answer", json=body, timeout=120)
        except requests.RequestException:
            with self._lock:
                self.statuses[NO_CONNECTION] += 1
            self._stop.wait(0.2)
            return
        took = time.monotonic() - begin
        wait_s = reply.headers.get("Retry-After", "")
        is_honest = reply.status_code == 200 or (reply.status_code == 503 and wait_s.isdecimal())
        with self._lock:
            self.statuses[str(reply.status_code)] += 1
            if reply.status_code == 200:
                self.seconds.append(took)
            if not is_honest and len(self.wrong) < 20:
                self.wrong.append(f"{reply.status_code} {reply.text[:300]}")
        if wait_s.isdecimal():
            self._stop.wait(int(wait_s))


def summary(load: Load, seconds: float) -> dict[str, Any]:
    """Counts, latency, throughput."""
    at = statistics.quantiles(load.seconds, n=100) if len(load.seconds) > 1 else [0.0] * 99
    return {
        "n_clients": load.n_clients,
        "seconds": round(seconds, 1),
        "statuses": dict(sorted(load.statuses.items())),
        "answers_per_second": round(len(load.seconds) / seconds, 2),
        "p50_ms": round(1000 * at[49], 1),
        "p95_ms": round(1000 * at[94], 1),
        "wrong": load.wrong,
    }


def under_load(args: argparse.Namespace, questions: Sequence[str]) -> dict[str, Any]:
    """Load for a while, with the memory that is the server's own, and the mapped beside it."""
    with ServerProcess({NAME: args.index}) as server:
        idle, _ = server.memory_mib()
        load = Load(server.url, questions, args.top_k, args.clients)
        own, mapped = [], []
        for _ in range(args.seconds):
            time.sleep(1)
            both = server.memory_mib()
            own.append(round(both[0], 1))
            mapped.append(round(both[1], 1))
        seconds = load.end()
    second_half = own[len(own) // 2 :]
    quarter = max(1, len(second_half) // 2)
    growth = statistics.mean(second_half[-quarter:]) - statistics.mean(second_half[:quarter])
    memory = {
        "idle_mib": round(idle, 1),
        "most_mib": max(own),
        "last_less_third_quarter_mib": round(growth, 1),
        "mib_by_second": own,
        "mapped_mib_by_second": mapped,
    }
    return {**summary(load, seconds), "memory": memory}


def batching(args: argparse.Namespace, questions: Sequence[str]) -> dict[str, Any]:
    """Throughput with and without reading together, in turns."""
    rounds = []
    for number in range(args.rounds):
        both = {"together": "16", "alone": "1"}
        order = list(both)[:: 1 if number % 2 == 0 else -1]
        found = {}
        for way in order:
            with ServerProcess({NAME: args.index}, "--max-batch", both[way]) as server:
                warm = Load(server.url, questions, args.top_k, args.clients)
                time.sleep(args.batching_seconds / 5)
                warm.end()
                load = Load(server.url, questions, args.top_k, args.clients)
                time.sleep(args.batching_seconds)
                found[way] = summary(load, load.end())
        ratio = found["together"]["answers_per_second"] / found["alone"]["answers_per_second"]
        rounds.append({**found, "order": order, "ratio": round(ratio, 3)})
        print("batching", rounds[-1]["ratio"])
    return {"rounds": rounds, "ratio": spread([one["ratio"] for one in rounds])}


def killed(args: argparse.Namespace, questions: Sequence[str]) -> dict[str, Any]:
    """Kill the server under load, start another, compare answers."""
    asked = questions[:20]
    first = ServerProcess({NAME: args.index})
    before = answers(first.url, asked, args.top_k)
    load = Load(first.url, questions, args.top_k, args.clients)
    time.sleep(args.batching_seconds / 2)
    first.kill()
    with ServerProcess({NAME: args.index}, port=first.port) as second:
        time.sleep(args.batching_seconds / 2)
        seconds = load.end()
        after = answers(second.url, asked, args.top_k)
        n_failures = sum(one["event"] == "failed" for one in second.events())
    return {
        **summary(load, seconds),
        "seconds_to_ready": round(second.seconds_to_ready, 1),
        "n_compared": len(asked),
        "n_same": sum(one == other for one, other in zip(before, after, strict=True)),
        "n_failures_logged": n_failures,
    }


def answers(url: str, questions: Sequence[str], top_k: int) -> list[Any]:
    """What a server answers, without scores: those differ in the last digits by company."""
    found = []
    for question in questions:
        body: dict[str, Any] = {"question": question, "top_k": top_k}
        reply = requests.post(f"{url}/v1/{NAME}/answer", json=body, timeout=120)
        reply.raise_for_status()
        found.append([(a["answer"], a["passage_id"], a["start"]) for a in reply.json()["answers"]])
    return found


def swapped(args: argparse.Namespace, questions: Sequence[str]) -> dict[str, Any]:
    """Point a link at the index and at one with a passage less, in turns, under load."""
    reloads = f'preread_index_reloads_total{{index="{NAME}",outcome="ok"}}'
    failed = reloads.replace('"ok"', '"failed"')
    with tempfile.TemporaryDirectory(dir=args.index.resolve().parent) as folder:
        less = Path(folder) / "less"
        shutil.copytree(args.index, less, copy_function=os.link)  # no file is written in place
        with PassageIndex(less) as opened:
            gone = opened.passage(0).passage_id
        delete_passages(less, [gone])
        link = Path(folder) / "link"
        link.symlink_to(args.index.resolve())
        with ServerProcess({NAME: link}, "--reload-seconds", "0.2") as server:
            load = Load(server.url, questions, args.top_k, args.clients)
            ways = itertools.cycle([less, args.index.resolve()])
            end = time.monotonic() + args.seconds
            n_swaps = 0
            while time.monotonic() < end:
                fresh = Path(folder) / "fresh"
                fresh.symlink_to(next(ways))
                fresh.replace(link)
                n_swaps += 1
                time.sleep(args.swap_seconds)
            seconds = load.end()
            taken = {"n_reloads": server.metric(reloads), "n_failed": server.metric(failed)}
    return {**summary(load, seconds), "n_swaps": n_swaps, **taken}


PARTS: dict[str, Callable[[argparse.Namespace, Sequence[str]], dict[str, Any]]] = {
    "load": under_load,
    "batching": batching,
    "kill": killed,
    "swap": swapped,
}


def main() -> None:
    """Measure, try, write."""
    parser = command_line(__doc__)
    parser.add_argument("index", type=Path, nargs="?", help="by default one of the sample corpus")
    parser.add_argument("questions", type=Path, nargs="?", default=sample_questions_path())
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--top-k", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5, help="of batching and not")
    parser.add_argument("--batching-seconds", type=float, default=30)
    parser.add_argument("--swap-seconds", type=float, default=3)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shown = str(args.index or "sample")
        if args.index is None:
            args.index = Path(folder) / "index"
            build_index(sample_corpus_path(), args.index, Reader.load("default"))
        with PassageIndex(args.index) as index:
            facts = {"n_passages": len(index), "codec": index.manifest.plan.codec}
        questions = [question.question for question in read_questions(args.questions)]
        result = {
            "index": {"name": Path(shown).name, **facts},
            "questions": args.questions.name,
            "n_questions": len(questions),
            "top_k": args.top_k,
        }
        for name in args.parts:
            result[name] = PARTS[name](args, questions)
            print(name, {k: v for k, v in result[name].items() if k not in ("rounds", "memory")})
    write_result("serving-load", result)


if __name__ == "__main__":
    main()
