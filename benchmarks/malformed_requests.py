"""How does a server reply to thousands of wrong requests, and does it still work afterwards?

    pip install '.[bench]'
    python benchmarks/malformed_requests.py --requests 5000

Schemathesis makes half of the requests from our OpenAPI document. The script makes the others:
bytes that are not UTF-8, not JSON, too many or nested too deep, impossible numbers, wrong types and
climbing paths, in bodies, addresses and headers. They go over plain sockets, so that no client
library corrects them. A reply is wrong if it is a 5xx other than a documented refusal (503 with
Retry-After; 504 where the request asked for so little time), if an error is not JSON as documented,
or if it shows code. At the end the server must answer a question as at the beginning, and must have
logged no failure of its own.
"""

import collections
import http.client
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import requests
import schemathesis
from common import command_line, write_result
from hypothesis import HealthCheck, Phase, given, seed, settings
from preread.data.sample import sample_corpus_path
from preread.indexer import build_index
from preread.reader import Reader
from schemathesis.generation import GenerationMode
from serving_process import ServerProcess
from tqdm import tqdm

NAME = "sample"
GOOD: dict[str, Any] = {"question": "How many keys does a modern piano have?", "top_k": 5}
TRACES = ("Traceback", 'File "', ".py:", ".py\\", "site-packages", "Exception:")
BODIES = {"answer": "question", "read": "question", "rerank": "query"}
TIMEOUT_S = 60


@dataclass(frozen=True)
class Wrong:
    """A request."""

    kind: str
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


# What is made here --------------------------------------------------------------------------------


def posted(kind: str, rng: random.Random, body: bytes, **headers: str) -> Wrong:
    """A body to one of the addresses that take one."""
    name = rng.choice(list(BODIES))
    given_headers = {"Content-Type": "application/json", **headers}
    return Wrong(kind, "POST", f"/v1/{NAME}/{name}", given_headers, body)


def fields(rng: random.Random, **changes: object) -> Wrong:
    """A good body but for some fields."""
    name = rng.choice(list(BODIES))
    content: dict[str, object] = {BODIES[name]: "how many keys?"}
    if name != "answer":
        content["passages"] = ["A toy piano has 25 keys."]
    content |= changes
    body = json.dumps(content).encode()
    path = f"/v1/{NAME}/{name}"
    return Wrong("wrong fields", "POST", path, {"Content-Type": "application/json"}, body)


def bad_utf8(rng: random.Random) -> Wrong:
    """Bytes that are no UTF-8, within JSON or alone."""
    junk = bytes(rng.choice([0xFF, 0xFE, 0xC0, 0x80, 0xED, 0xF5]) for _ in range(rng.randint(1, 9)))
    around = rng.choice([b'{"question": "%s"}', b"%s", b'{"%s": 1}'])
    return posted("bad UTF-8", rng, around.replace(b"%s", junk))


def bad_json(rng: random.Random) -> Wrong:
    """A good body that was cut, doubled or changed in a byte."""
    body = json.dumps(GOOD).encode()
    place = rng.randrange(len(body))
    changed = body[:place] + bytes([rng.randrange(256)]) + body[place + 1 :]
    way = rng.choice([body[:place], body * 2, changed, b"", b"\0" * 9, b"NaN", b"null", b"-"])
    return posted("bad JSON", rng, way)


def huge(rng: random.Random) -> Wrong:
    """Too long a question, too many passages, too many bytes."""
    n = rng.choice([1_001, 50_000, 900_000, 1_100_000])
    text = rng.choice(["a", "a ", "é", "🎹", "\u0000"])
    content: dict[str, object] = {"question": text * (n // len(text.encode()))}
    if rng.random() < 0.5:
        content = {"question": "who?", "passages": [text] * rng.choice([101, 20_000])}
    return posted("huge", rng, json.dumps(content, ensure_ascii=False).encode())


def nested(rng: random.Random) -> Wrong:
    """Lists or objects within each other, thousands of times."""
    depth = rng.choice([100, 1_000, 20_000, 100_000])
    opening, closing = rng.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'{"question":[', b"]}")])
    inner = opening * depth + b"1" + closing * depth * rng.randint(0, 1)
    return posted(
        "nested", rng, rng.choice([inner, b'{"question": "a", "passages": ' + inner + b"}"])
    )


def numbers(rng: random.Random) -> Wrong:
    """Numbers that cannot be."""
    name = rng.choice(["top_k", "n_answers", "timeout_ms", "top_n"])
    value = rng.choice([-1, 0, -(10**30), 10**400, 1.5, float("inf"), float("nan"), -0.0, 1e308])
    if rng.random() < 0.3:
        passage = {"text": "25 keys", "score": rng.choice([float("nan"), float("-inf"), 10**400])}
        return fields(rng, passages=[passage])
    return fields(rng, **{name: value})


def types(rng: random.Random) -> Wrong:
    """Values of another type."""
    values: list[Any] = [
        None,
        True,
        [],
        {},
        [[]],
        {"a": 1},
        7,
        "7",
        "",
        "\ud800",
        ["x", 1],
        {"id": []},
    ]
    names = [
        "question",
        "query",
        "passages",
        "documents",
        "top_k",
        "offsets",
        "timeout_ms",
        "__x__",
    ]
    return fields(rng, **{rng.choice(names): rng.choice(values) for _ in range(rng.randint(1, 3))})


def climbing(rng: random.Random) -> Wrong:
    """Paths that climb, in names of indexes, identifiers and files of the pages."""
    up = rng.choice(["../", "..%2f", "%2e%2e/", "..\\", "%2e%2e%2f", "..;/", "%00", "....//"])
    target = up * rng.randint(1, 9) + rng.choice(["etc/passwd", "manifest.json", "", "%ff"])
    base = rng.choice(["/v1/", f"/v1/{NAME}/doc/", "/site/", "/", "/docs/", f"/v1/{NAME}/../"])
    tail = rng.choice(["", "/answer?question=a", "/search?query=a", "/doc/x"])
    return Wrong("climbing paths", "GET", base + target + tail)


def addresses(rng: random.Random) -> Wrong:
    """Odd parameters, identifiers and methods."""
    way = rng.randrange(4)
    odd = rng.choice(["%ff%fe", "%ed%a0%80", "%", "%zz", "%00", quote("🎹" * 300), "a" * 8_000])
    if way == 0:
        return Wrong("odd addresses", "GET", f"/v1/{NAME}/doc/{odd}")
    if way == 1:
        path = rng.choice([f"/v1/{NAME}/search?query=", f"/v1/{NAME}/answer?question="])
        return Wrong("odd addresses", "GET", path + odd)
    if way == 2:
        pairs = [(rng.choice(["hits", "parse", "k1", "query"]), rng.choice(["-1", "x", "1e9", ""]))]
        return Wrong("odd addresses", "GET", f"/v1/{NAME}/search?query=a&{urlencode(pairs * 3)}")
    method = rng.choice(["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD", "BREW"])
    return Wrong(
        "odd addresses", method, rng.choice(["/", "/v1", f"/v1/{NAME}/answer", "/metrics"])
    )


def headers_(rng: random.Random) -> Wrong:
    """Odd headers."""
    body = json.dumps(GOOD).encode()
    odd = rng.choice(
        [
            {"Content-Type": "text/plain"},
            {"Content-Type": "application/json; charset=utf-16"},
            {"Content-Type": "multipart/form-data; boundary=x"},
            {"Content-Type": "\xff"},
            {"X-Request-ID": "x" * 5_000},
            {"X-Request-ID": "a\tb"},
            {"Authorization": "Bearer " + "\xff" * 99},
            {"X-API-Key": "\xff\xfe"},
            {"If-None-Match": '"' * 999},
            {"Content-Encoding": "gzip"},
            {"Accept": "text/\xff"},
        ]
    )
    return posted("odd headers", rng, rng.choice([body, b"\xff", b"{}"]), **odd)


MAKERS: tuple[Callable[[random.Random], Wrong], ...] = (
    *(bad_utf8, bad_json, huge, nested, numbers),
    *(types, climbing, addresses, headers_),
)


def made_here(n_requests: int, rng: random.Random) -> Iterator[Wrong]:
    """So many of ours, of all kinds in turn."""
    for number in range(n_requests):
        yield MAKERS[number % len(MAKERS)](rng)


# What schemathesis makes --------------------------------------------------------------------------


def made_by_schemathesis(document: dict[str, Any], n_requests: int, number: int) -> list[Wrong]:
    """Requests that do not fit the document, spread over its operations."""
    operations = [
        found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()
    ]
    made: list[Wrong] = []
    for place, operation in enumerate(operations):
        wanted = n_requests * (place + 1) // len(operations) - n_requests * place // len(operations)
        try:
            strategy = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
            some = drawn(strategy, wanted, number)
        except Exception as error:  # an operation without parameters cannot be asked wrongly
            print(f"{operation.label}: {type(error).__name__}, asked as it should be")
            some = drawn(operation.as_strategy(), wanted, number)
        made += some
    return made


def drawn(strategy: Any, wanted: int, number: int) -> list[Wrong]:
    """So many cases of a strategy, as requests."""
    found: list[Wrong] = []

    @seed(number)
    @settings(
        max_examples=max(1, wanted),
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(case: Any) -> None:
        sent = requests.Request(**case.as_transport_kwargs(base_url="http://x")).prepare()
        body: Any = sent.body or b""
        found.append(
            Wrong(
                "schemathesis",
                str(sent.method),
                str(sent.path_url),
                {
                    name: str(value)
                    for name, value in sent.headers.items()
                    if name.lower() != "content-length"
                },
                body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body),
            )
        )

    collect()
    return [found[place % len(found)] for place in range(wanted)]  # few there are to some


# Asking -------------------------------------------------------------------------------------------


def ask(port: int, wrong: Wrong) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of the reply; status 0 if the server hung up without one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.putrequest(wrong.method, raw(wrong.path), skip_accept_encoding=True)
        for name, value in wrong.headers.items():
            connection.putheader(name, value.encode("latin-1", "replace"))
        if wrong.body or wrong.method == "POST":
            connection.putheader("Content-Length", str(len(wrong.body)))
        connection.endheaders()
        try:
            connection.send(wrong.body)
        except OSError:
            pass  # refused before all was sent: the reply says why
        reply = connection.getresponse()
        headers = {name.lower(): value for name, value in reply.getheaders()}
        return reply.status, headers, reply.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return 0, {}, ""
    finally:
        connection.close()


def raw(path: str) -> str:
    """A path that http.client sends: it refuses spaces and control characters itself."""
    return "".join(c if "!" <= c <= "~" else quote(c, safe="", errors="replace") for c in path)


def fault(wrong: Wrong, status: int, headers: dict[str, str], body: str) -> str:
    """What is wrong with a reply; nothing if it is as it should be."""
    if status == 0:
        # A body that is too large is refused while it comes; its sender may see a reset instead.
        return "" if len(wrong.body) > 1 << 20 else "no reply"
    for trace in TRACES:
        if trace in body and "/openapi.json" not in wrong.path and status != 200:
            return f"shows {trace!r}"
    is_honest = (status == 503 and headers.get("retry-after", "").isdecimal()) or (
        status == 504 and b"timeout_ms" in wrong.body + wrong.path.encode()
    )
    if status >= 500 and not is_honest:
        return f"status {status}"
    if status >= 400 and wrong.method != "HEAD":
        if body == "Invalid HTTP request received." and status == 400:
            return ""  # by uvicorn: it was no HTTP
        try:
            content = json.loads(body)
            known = isinstance(content["error"]["type"], str) and bool(content["request_id"])
        except (ValueError, KeyError, TypeError):
            known = False
        if not known:
            return "an error in another shape"
    return ""


def main() -> None:
    """Ask, count, write."""
    parser = command_line(__doc__)
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        build_index(sample_corpus_path(), index, Reader.load("default"))
        with ServerProcess({NAME: index}) as server:
            result = try_all(server, args.requests, args.seed)
    write_result("malformed-requests", {"seed": args.seed, **result})
    print(result["statuses"], result["faults"][:10], result["after"])


def try_all(server: ServerProcess, n_requests: int, number: int) -> dict[str, Any]:
    """All requests to a server, and how it is after."""
    address = f"{server.url}/v1/{NAME}/answer"
    before = requests.post(address, json=GOOD, timeout=TIMEOUT_S).json()["answers"]
    document = requests.get(f"{server.url}/openapi.json", timeout=TIMEOUT_S).json()
    rng = random.Random(number)
    wrongs = made_by_schemathesis(document, n_requests // 2, number)
    wrongs += made_here(n_requests - len(wrongs), rng)
    rng.shuffle(wrongs)
    by_kind: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    faults = []
    for wrong in tqdm(wrongs, unit=" requests"):
        status, headers, body = ask(server.port, wrong)
        by_kind[wrong.kind][str(status or "connection closed")] += 1
        found = fault(wrong, status, headers, body)
        if found:
            sent = {"method": wrong.method, "path": wrong.path[:300], "headers": wrong.headers}
            sent["body"] = wrong.body[:300].decode("utf-8", "backslashreplace")
            faults.append({"fault": found, "kind": wrong.kind, "sent": sent, "reply": body[:300]})
    statuses = sum(by_kind.values(), collections.Counter())
    after = requests.post(address, json=GOOD, timeout=TIMEOUT_S).json()["answers"]
    health = requests.get(f"{server.url}/health", timeout=TIMEOUT_S).status_code
    failed = [one for one in server.events() if one["event"] in ("failed", "")]
    return {
        "n_requests": len(wrongs),
        "schemathesis": version("schemathesis"),
        "statuses": dict(sorted(statuses.items())),
        "by_kind": {kind: dict(sorted(found.items())) for kind, found in sorted(by_kind.items())},
        "n_faults": len(faults),
        "faults": faults[:50],
        "after": {
            "health": health,
            "same_answers": before == after,
            "n_failures_logged": len(failed),
            "failures_logged": failed[:5],
        },
    }


if __name__ == "__main__":
    main()
