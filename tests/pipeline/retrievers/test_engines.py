"""Engines that are not ours: a real PostgreSQL, and real clients of OpenSearch and Elasticsearch.

Those two ask a small HTTP server that answers in the documented shapes; where ``OPENSEARCH_URL`` or
``ELASTICSEARCH_URL`` is set, they ask the engine there as well.
"""

import base64
import json
import logging
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from preread.data import Passage, PrereadError, read_corpus
from preread.data.sample import sample_corpus_path
from preread.indexer import PassageIndex
from preread.pipeline import OpenDomainQA, open_retriever
from preread.pipeline.retrievers import Retriever
from preread.pipeline.retrievers.external import ExternalRetriever
from preread.pipeline.retrievers.postgres import PostgresRetriever, any_word_of

QUESTION = "How many keys does a modern piano have?"


@pytest.fixture(scope="module")
def passages() -> list[Passage]:
    """The sample corpus."""
    return list(read_corpus(sample_corpus_path()))


@pytest.fixture(scope="module")
def index(sample_index: Path) -> Iterator[PassageIndex]:
    """The sample index, opened."""
    with PassageIndex(sample_index) as opened:
        yield opened


def found_ids(index: PassageIndex, retriever: Retriever, query: str, k: int) -> list[str]:
    """Identifiers of what a retriever finds."""
    return [index.passage(hit.ordinal).passage_id for hit in retriever.search(query, k)]


@pytest.mark.slow
def test_the_retriever_that_the_docs_write_answers(
    sample_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my-index").symlink_to(sample_index)
    page = (Path(__file__).parents[3] / "docs" / "guide" / "retrieval.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "retrieval.md", "exec"), names)
    assert {answer.passage_id for answer in names["qa"](QUESTION)} == {"piano-1"}


# PostgreSQL


def server_programs() -> Path | None:
    """Where PostgreSQL's server programs are; Debian keeps them out of the search path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    on_path = shutil.which("initdb")
    folders += [Path(on_path).resolve().parent] if on_path else []
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """A PostgreSQL server of its own; gives the folder of its socket."""
    programs = server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here (`make postgres` installs Debian's)")
    # Its programs refuse to run as root, and a socket's path may have no more than 107 bytes.
    account: dict[str, Any] = {}
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)

    def call(program: str, *arguments: object) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *map(str, arguments)]
        subprocess.run(
            command, check=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            **account,
        )  # fmt: skip

    try:
        call("initdb", "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        call("pg_ctl", "-w", "-l", folder / "log", "-o", options, "start")
        yield folder
        call("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def postgres(server: Path, passages: list[Passage]) -> str:
    """A URL of a database with the sample corpus in a table, its names in need of quoting."""
    url = f"postgresql://tester@/postgres?host={quote(str(server), safe='')}"
    with psycopg.connect(url) as connection:
        connection.execute('CREATE SCHEMA "My Wiki"')
        connection.execute(
            'CREATE TABLE "My Wiki"."Pages" ("Id" text PRIMARY KEY, title text, "select" text, '
            "vector tsvector)"
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO "My Wiki"."Pages" VALUES (%s, %s, %s, to_tsvector('english', %s))""",
                [(p.passage_id, p.title, p.text, p.text) for p in passages],
            )
        connection.execute(
            'CREATE VIEW passages AS SELECT "Id" AS id, title, "select" AS text '
            'FROM "My Wiki"."Pages"'
        )
        connection.execute("CREATE TABLE numbered (id integer, text text)")
        connection.execute("INSERT INTO numbered VALUES (7, 'a piano'), (8, 'a river')")
    return url


@pytest.mark.parametrize(
    "options",
    [
        "",
        "&title=title",
        "&table=My%20Wiki.Pages&id=Id&text=select",
        "&table=My%20Wiki.Pages&id=Id&vector=vector&config=english",
        "&application_name=preread%20test",
    ],
)
def test_postgres_finds_passages_of_the_index(
    index: PassageIndex, postgres: str, options: str
) -> None:
    retriever = PostgresRetriever.from_url(index, postgres + options)
    found = found_ids(index, retriever, QUESTION, 10)
    assert len(found) == 10 and any(name.startswith("piano") for name in found[:3])
    scores = [hit.score for hit in retriever.search(QUESTION, 10)]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0
    assert retriever.search("qwxzv", 10) == []
    retriever.close()


def test_any_word_of_a_question_is_enough(index: PassageIndex, postgres: str) -> None:
    retriever = PostgresRetriever.from_url(index, postgres)
    for query in (
        "qwxzv piano",
        "-piano",
        '"piano qwxzv"',
        "or piano OR or",
        "piano & | ! ( :* '); DROP TABLE passages; --",
        "piano\0",
        "piano %s {id} \\",
    ):
        assert any(n.startswith("piano") for n in found_ids(index, retriever, query, 20)), query
    for nothing in ("", " - ", '""', "or", "the of and"):
        assert retriever.search(nothing, 5) == []
    assert any_word_of('Who  wrote "Faust" - or -not?') == "Who or wrote or Faust or not?"


def test_postgres_answers_are_read_from_the_stored_states(
    sample_index: Path, postgres: str, preread: Callable[..., Any]
) -> None:
    url = postgres + "&title=title"
    done = preread("ask", sample_index, QUESTION, "--retriever", url, "--json")
    assert done.code == 0 and json.loads(done.out)["answers"][0]["answer"] == "88"
    done = preread("search", sample_index, "longest river", "--retriever", url, "--json")
    assert done.code == 0 and json.loads(done.out.splitlines()[0])["passage_id"]


def test_identifiers_that_the_index_lacks_are_reported_and_left_out(
    index: PassageIndex, postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        retriever = PostgresRetriever.from_url(index, postgres + "&table=numbered")
        assert retriever.search("piano or river", 5) == []
    assert "found 2 passages; " in caplog.text and "'7', '8'" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("&table=nothing", "does not exist"),
        ("&id=nothing", "does not exist"),
        ("&config=klingon", "does not exist"),
        ('&table=x"; DROP VIEW passages; --', "does not exist"),
        ("&text=", "expected table, id, text and config"),
        ("&unknown=1", "invalid URI query parameter"),
    ],
)
def test_what_postgres_refuses_is_a_clear_error(
    index: PassageIndex, postgres: str, options: str, message: str
) -> None:
    with pytest.raises(PrereadError, match=message):
        PostgresRetriever.from_url(index, postgres + options).search(QUESTION, 5)


@pytest.mark.parametrize(
    ("options", "limit"), [("", "10s"), ("&options=-c%20statement_timeout%3D50", "50ms")]
)
def test_a_statement_of_postgres_has_a_time_limit(
    index: PassageIndex, postgres: str, options: str, limit: str
) -> None:
    retriever = PostgresRetriever.from_url(index, postgres + options)
    (found,) = retriever._connection.execute("SHOW statement_timeout").fetchone()
    assert found == limit


def test_a_slow_statement_of_postgres_is_given_up_once(index: PassageIndex, postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(
            "CREATE OR REPLACE VIEW slow AS SELECT 1 AS id, pg_sleep(5)::text || 'piano' AS text"
        )
    options = "&table=slow&options=-c%20statement_timeout%3D200"
    retriever = PostgresRetriever.from_url(index, postgres + options)
    began = time.monotonic()
    with pytest.raises(PrereadError, match="statement timeout"):
        retriever.search("piano", 3)
    assert time.monotonic() - began < 2


def test_a_connection_that_was_lost_is_made_again(index: PassageIndex, postgres: str) -> None:
    retriever = PostgresRetriever.from_url(index, postgres)
    before = retriever.search(QUESTION, 5)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    assert retriever.search(QUESTION, 5) == before


def test_a_server_that_is_not_there_is_a_clear_error(index: PassageIndex, tmp_path: Path) -> None:
    url = f"postgresql://me:secret@/db?host={quote(str(tmp_path), safe='')}"
    with pytest.raises(PrereadError, match="could not be asked") as error:
        open_retriever(index, url)
    assert "secret" not in str(error.value)


# OpenSearch and Elasticsearch

CREDENTIALS = "Basic " + base64.b64encode(b"reader:p@ss").decode()


class Engine(BaseHTTPRequestHandler):
    """Answers ``_search`` as both engines document it; ranks by how many words fit."""

    passages: list[Passage]
    asked: dict[str, Any]

    def do_POST(self) -> None:
        """``POST /{index}/_search``."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = urlsplit(self.path).path
        if self.headers.get("Authorization") != CREDENTIALS:
            error = {"type": "security_exception", "reason": "missing authentication credentials"}
            self._reply(401, {"error": {"root_cause": [error], **error}, "status": 401})
        elif path != "/wiki/_search":
            error = {"type": "index_not_found_exception", "reason": "no such index [nothing]"}
            self._reply(404, {"error": {"root_cause": [error], **error}, "status": 404})
        else:
            type(self).asked = body
            self._reply(200, self._search(body))

    def _search(self, body: dict[str, Any]) -> dict[str, Any]:
        match = body["query"]["multi_match"]
        words = {word.strip("?").lower() for word in match["query"].split()}
        scored: list[tuple[float, Passage]] = []
        for passage in self.passages:
            fields = {"text": passage.text, "title": passage.title}
            text = " ".join(fields[field] for field in match["fields"]).lower().split()
            if n_found := sum(word in words for word in text):
                scored.append((n_found / 2, passage))
        scored.sort(key=lambda pair: -pair[0])
        hits = []
        for score, passage in scored[: body["size"]]:
            hit: dict[str, Any] = {"_index": "wiki", "_id": passage.passage_id, "_score": score}
            if body.get("_source") is not False:
                hit["_source"] = {"meta": {"key": passage.passage_id}}
            hits.append(hit)
        total = {"value": len(scored), "relation": "eq"}
        best = hits[0]["_score"] if hits else None
        return {
            "took": 1,
            "timed_out": "slow" in words,
            "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
            "hits": {"total": total, "max_score": best, "hits": hits},
        }

    def _reply(self, status: int, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        kind = "application/json"
        if "elasticsearch" in self.headers.get("Accept", ""):
            kind = "application/vnd.elasticsearch+json;compatible-with=9"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing on standard error."""


@pytest.fixture(scope="module")
def engine(passages: list[Passage]) -> Iterator[str]:
    """Where the small server listens."""
    Engine.passages = passages
    with ThreadingHTTPServer(("127.0.0.1", 0), Engine) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


SCHEMES = pytest.mark.parametrize("scheme", ["opensearch", "elasticsearch"])


@SCHEMES
def test_engines_find_passages_of_the_index(index: PassageIndex, engine: str, scheme: str) -> None:
    url = f"{scheme}://reader:p%40ss@{engine}/wiki"
    retriever = open_retriever(index, url)
    assert isinstance(retriever, ExternalRetriever)
    found = found_ids(index, retriever, QUESTION, 7)
    assert len(found) == 7
    fields = ["text", "title"]
    query = {"multi_match": {"query": QUESTION, "fields": fields}}
    assert Engine.asked == {"query": query, "size": 7, "_source": False, "timeout": "10s"}
    assert retriever.search("qwxzv", 7) == []
    assert "p@ss" not in retriever.description

    by_field = open_retriever(index, url + "?id=meta.key&text=text")
    assert found_ids(index, by_field, "piano keys", 3) and Engine.asked["_source"] == ["meta.key"]
    with pytest.raises(PrereadError, match="expected a field 'meta.name'"):
        open_retriever(index, url + "?id=meta.name").search(QUESTION, 3)


@SCHEMES
def test_what_an_engine_refuses_is_a_clear_error(
    index: PassageIndex, engine: str, scheme: str
) -> None:
    for url, message in (
        (f"{scheme}://{engine}/wiki", "security_exception"),
        (f"{scheme}://reader:p%40ss@{engine}/nothing", "index_not_found_exception"),
        (f"{scheme}://reader:secret@127.0.0.1:9/wiki", "could not be asked"),
    ):
        with pytest.raises(PrereadError, match=message) as error:
            open_retriever(index, url).search(QUESTION, 3)
        assert "secret" not in str(error.value)
    for url in (f"{scheme}://{engine}", f"{scheme}://{engine}/a/b", f"{scheme}://{engine}/a?b=c"):
        with pytest.raises(PrereadError, match="expected .*://host:port/index"):
            open_retriever(index, url)


@SCHEMES
def test_hits_of_an_engine_that_ran_out_of_time_are_refused(
    index: PassageIndex, engine: str, scheme: str
) -> None:
    retriever = open_retriever(index, f"{scheme}://reader:p%40ss@{engine}/wiki")
    with pytest.raises(PrereadError, match="expected all hits within 10 seconds"):
        retriever.search("slow piano", 3)


@SCHEMES
def test_answers_are_read_from_the_stored_states(
    qa: OpenDomainQA, engine: str, scheme: str
) -> None:
    retriever = open_retriever(qa.index, f"{scheme}://reader:p%40ss@{engine}/wiki")
    other = OpenDomainQA(qa.index, qa.reader, retriever)
    assert other(QUESTION, top_k=50)[0].answer == "88"


@SCHEMES
def test_a_live_engine_finds_passages_of_the_index(
    index: PassageIndex, passages: list[Passage], scheme: str
) -> None:
    """Against a real engine: ``OPENSEARCH_URL=http://user:password@host:9200``, say."""
    address = os.environ.get(f"{scheme.upper()}_URL")
    if not address:
        pytest.skip(f"{scheme.upper()}_URL names no engine")
    parts = urlsplit(address)
    name = f"preread-test-{os.getpid()}"
    tls = "+https" if parts.scheme == "https" else ""
    retriever: Any = open_retriever(index, f"{scheme}{tls}://{parts.netloc}/{name}")
    client = retriever._client
    lines = [
        line
        for p in passages
        for line in ({"index": {"_id": p.passage_id}}, {"title": p.title, "text": p.text})
    ]
    try:
        client.bulk(index=name, body=lines, refresh=True)
        found = found_ids(index, retriever, QUESTION, 10)
        assert len(found) == 10 and any(n.startswith("piano") for n in found[:3])
    finally:
        client.indices.delete(index=name)
