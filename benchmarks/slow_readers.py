"""How long clients wait beside others that ask and never take their replies.

    python benchmarks/slow_readers.py my-index questions.jsonl

Sixteen clients ask at once, each with its next question as soon as it has an answer. In turn, all
of them behave, or some only ask: they send requests without end on connections that they never
read, and connect again when the server aborts one. What counts is the latency of those that behave,
whose number is the same in both turns.
"""

import contextlib
import random
import socket
import statistics
import threading
import time
from typing import Any

import requests
from common import command_line, write_result
from preread.data import read_questions
from serving_load import NAME, Load, summary
from serving_process import ServerProcess

_REQUEST = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
_RECEIVE_BYTES = 4_096


class SlowReaders:
    """Clients that send requests and read nothing."""

    def __init__(self, port: int, n_clients: int) -> None:
        """Start them.

        Args:
            port: Where the server listens.
            n_clients: How many there are.
        """
        self.n_aborted = 0
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(n_clients)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stop them."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask_on(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError), socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
                client.connect(("127.0.0.1", self._port))
                client.settimeout(0.5)
                self._send_on(client)

    def _send_on(self, client: socket.socket) -> None:
        """Send until the server aborts the connection."""
        while not self._stop.is_set():
            try:
                client.send(_REQUEST * 50)
            except TimeoutError:
                continue
            except OSError:
                self.n_aborted += 1
                raise


def main() -> None:
    """Measure and write."""
    parser = command_line(__doc__)
    parser.add_argument("index")
    parser.add_argument("questions")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--slow", type=int, default=4)
    parser.add_argument("--top-k", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout-s", default="2")
    args = parser.parse_args()
    questions = [one.question for one in read_questions(args.questions)]
    random.Random(0).shuffle(questions)
    rounds: list[dict[str, Any]] = []
    with ServerProcess({NAME: args.index}, "--timeout-s", args.timeout_s) as server:
        behaved = args.clients - args.slow
        for _ in range(args.rounds):
            found: dict[str, Any] = {}
            for way, n_slow in (("alone", 0), ("beside", args.slow)):
                slow = SlowReaders(server.port, n_slow)
                load = Load(server.url, questions, args.top_k, behaved)
                time.sleep(args.seconds)
                found[way] = summary(load, load.end())
                slow.end()
                found[way]["n_aborted"] = slow.n_aborted
            found["p95_ratio"] = round(found["beside"]["p95_ms"] / found["alone"]["p95_ms"], 3)
            rounds.append(found)
            print(found["alone"]["p95_ms"], found["beside"]["p95_ms"], found["p95_ratio"])
        health = requests.get(f"{server.url}/health", timeout=30).status_code
    result = {
        "n_clients": args.clients,
        "n_slow": args.slow,
        "top_k": args.top_k,
        "rounds": rounds,
        "median_p95_ratio": statistics.median(one["p95_ratio"] for one in rounds),
        "health_after": health,
    }
    write_result("slow-readers", result)


if __name__ == "__main__":
    main()
