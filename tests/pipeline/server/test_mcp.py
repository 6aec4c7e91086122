"""The tools, as a client of the Model Context Protocol calls them, over stdio and over HTTP."""

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import requests
from preread.pipeline import OpenDomainQA
from preread.pipeline.server import ApiKeys, ServeConfig

PIANO = "How many keys does a modern piano have?"


@pytest.mark.slow
def test_tools_answer_over_stdio_as_the_library_does(
    sample_index: Path, odd_index: Path, qa: OpenDomainQA, tmp_path: Path
) -> None:
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport
    from fastmcp.exceptions import ToolError

    said = tmp_path / "log"
    command = ["-m", "preread.pipeline", "mcp", f"sample={sample_index}", f"odd={odd_index}"]
    transport = StdioTransport(sys.executable, command, env=dict(os.environ), log_file=said)

    async def talk() -> dict[str, Any]:
        async with Client(transport, timeout=120) as client:
            told: dict[str, Any] = {tool.name: tool for tool in await client.list_tools()}
            told["server"] = client.server_info
            for name, tool, arguments in (
                ("answered", "answer", {"question": PIANO, "top_k": 5, "n_answers": 2}),
                ("held_back", "answer", {"question": PIANO, "top_k": 5, "min_confidence": 0.99}),
                ("found", "search", {"query": "longest river", "hits": 2}),
                ("other", "search", {"query": "gnomon", "index": "odd"}),
                ("sentences", "highlight", {"question": PIANO, "n_sentences": 2}),
                ("pruned", "prune", {"question": PIANO, "max_tokens": 60}),
                ("quoted", "check_quote", {"quote": "has 88 keys", "question": PIANO}),
                ("filtered", "search", {"query": "river", "filter": {"page": 3}}),
            ):
                told[name] = (await client.call_tool(tool, arguments)).structured_content
            for arguments, message in (
                ({"question": " "}, "question: expected some words"),
                ({"question": PIANO, "min_confidence": 2}, "min_confidence"),
                ({"question": PIANO, "top_k": 101}, "top_k: expected at most 100"),
                ({"question": PIANO, "index": "../x"}, "index: expected one of sample, odd"),
                ({"question": PIANO, "filter": {"page": {"above": 1}}}, "page: expected one of"),
            ):
                with pytest.raises(ToolError, match=message):
                    await client.call_tool("answer", arguments)
            return told

    told = asyncio.run(talk())
    assert (told["server"].name, told["server"].version) == ("preread", version("preread"))
    held_back = told["held_back"]
    assert held_back["answers"] == [] and held_back["doubt"] == "low_confidence"
    assert held_back["best_passage"]["passage_id"] == "piano-1"
    best = qa(PIANO, top_k=5, n_answers=2)
    answers = told["answered"]["answers"]
    assert [a["answer"] for a in answers] == [a.answer for a in best]
    assert [a["score"] for a in answers] == pytest.approx([a.score for a in best], abs=1e-4)
    assert answers[0]["passage"][answers[0]["start"] : answers[0]["end"]] == "88"
    hits = qa.retriever.search("longest river", 2)
    ids = [qa.index.passage(hit.ordinal).passage_id for hit in hits]
    assert [c["docid"] for c in told["found"]["candidates"]] == ids
    assert told["other"]["candidates"][0]["docid"] == "long-1"
    assert told["filtered"]["candidates"] == []
    assert "88" in told["sentences"]["sentences"][0]["sentence"]
    assert 0 < told["pruned"]["n_tokens"] <= 60 < told["pruned"]["n_tokens_read"]
    assert told["quoted"]["matches"][0]["passage_id"] == "piano-1"
    assert told["quoted"]["matches"][0]["answer"] == "88"
    schema = told["answer"].model_dump(mode="json", by_alias=True)
    assert "sample, odd" in str(schema) and schema["annotations"]["readOnlyHint"] is True
    assert "Traceback" not in said.read_text("utf-8")


@pytest.mark.slow
def test_tools_answer_over_http_behind_the_keys_of_the_server(
    sample_index: Path, serving: Any, qa: OpenDomainQA
) -> None:
    from fastmcp import Client
    from fastmcp.client.transports import StreamableHttpTransport

    key = "a-key-for-language-models-01"
    config = ServeConfig(mcp=True)

    async def talk(url: str, auth: str) -> str:
        async with Client(StreamableHttpTransport(url, auth=auth), timeout=60) as client:
            told = await client.call_tool("answer", {"question": PIANO, "top_k": 5})
            return str((told.structured_content or {})["answers"][0]["answer"])

    with serving({"sample": sample_index}, config, ApiKeys([key])) as served:
        assert asyncio.run(talk(f"{served.url}/mcp", key)) == "88"
        assert requests.post(f"{served.url}/mcp", timeout=9).status_code == 401
    with serving({"sample": sample_index}, config) as served:
        foreign = {"Host": "evil.example"}
        assert requests.post(f"{served.url}/mcp", headers=foreign, timeout=9).status_code == 403
    with serving({"sample": sample_index}) as served:
        assert requests.post(f"{served.url}/mcp", timeout=9).status_code == 404


@pytest.mark.slow
def test_a_client_over_http_learns_no_path_and_writes_no_line_of_its_own(
    sample_index: Path, serving: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index = Path(shutil.copytree(sample_index, tmp_path / "index"))
    (shard,) = (index / "states").glob("*.h5")
    content = bytearray(shard.read_bytes())
    quarter = len(content) // 4
    content[quarter : 3 * quarter] = bytes(2 * quarter)
    shard.write_bytes(content)
    headers = {"Accept": "application/json, text/event-stream"}

    def call(url: str, arguments: dict[str, object]) -> str:
        params = {"name": "answer", "arguments": arguments}
        asked: Any = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        return requests.post(f"{url}/mcp", json=asked, headers=headers, timeout=60).text

    with serving({"it": index}, ServeConfig(mcp=True)) as served:
        told = call(served.url, {"question": PIANO})
        assert "a file of the index is damaged" in told and str(tmp_path) not in told
        assert "Unexpected keyword" in call(served.url, {"question": PIANO, "a": 1})
    assert not logging.getLogger("fastmcp").handlers
    assert [record.levelname for record in caplog.records if record.name.startswith("fastmcp")]


def test_two_indexes_of_a_name_are_refused(preread: Callable[..., Any], tmp_path: Path) -> None:
    finished = preread("mcp", f"it={tmp_path}", f"it={tmp_path}")
    assert finished.code == 2 and "error: " in finished.err and not finished.out
