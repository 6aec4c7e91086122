"""The docs: links lead somewhere, commands exist, and what can run with the sample corpus runs."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
from preread.data.sample import sample_corpus_path
from preread.pipeline.cli.main import app
from typer.main import get_command

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NAMES = [page.relative_to(DOCS).as_posix() for page in PAGES]
RUNNABLE = {"python", "shell"}
LANGUAGES = RUNNABLE | {"json", "sql", "text", "toml", "{eval-rst}", "{toctree}"}
"""A block of `shell` runs with the sample corpus; commands that need more stand in `text`."""
BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- not run: (?P<why>[^\n]+) -->\n *)?```(?P<language>[^\n]*)\n"
    r"(?P<body>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"(?<![\w./\[])preread ([a-z][a-z-]*)((?: [^`\n]*)?)")


@dataclass(frozen=True)
class Block:
    """A block of code on a page."""

    language: str
    body: str
    is_run: bool


@cache
def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    return [
        Block(one["language"], one["body"].replace("\n" + one["indent"], "\n"), not one["why"])
        for one in BLOCK.finditer(page.read_text("utf-8"))
    ]


def lines_of(body: str) -> Iterator[str]:
    """The lines of a block; one that is continued counts with what continues it."""
    joined = re.sub(r"\\\n\s*", " ", body)
    yield from re.sub(r"\n +\[", " [", joined).splitlines()


def anchors_of(page: Path) -> set[str]:
    """What links to headings of a page may name, as GitHub and MyST make them."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_of_the_docs_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        assert linked.is_file() and DOCS in linked.parents, target
        assert not anchor or anchor in anchors_of(linked), target


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = {DOCS / "index.md"}
    for page in PAGES:
        for block in blocks_of(page):
            if block.language == "{toctree}":
                names = [line for line in block.body.split() if not line.startswith(":")]
                listed |= {(page.parent / f"{name}.md").resolve() for name in names}
    assert set(PAGES) <= listed


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_files_that_the_docs_name_are_there(page: Path) -> None:
    rooms = "benchmarks|data|docs|examples|indexer|pipeline|reader|tests"
    without_history = re.sub(r"`[^`]+`,\s+commit", "", page.read_text("utf-8"))
    for target in re.findall(rf"`((?:{rooms})/[^` ]*)`", without_history):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_blocks_are_of_a_known_language_and_are_well_formed(page: Path) -> None:
    for block in blocks_of(page):
        assert block.language in LANGUAGES, f"{block.language!r} before {block.body[:40]!r}"
        if block.language == "python":
            compile(block.body, page.name, "exec")
        elif block.language == "json":
            json.loads(block.body)
        elif block.language == "toml":
            tomllib.loads(block.body)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_of_the_docs_take_the_options_that_stand_there(page: Path) -> None:
    text = page.read_text("utf-8")
    preread = get_command(app)
    commands = preread.commands  # type: ignore[attr-defined]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S))
    lines = [
        line
        for block in blocks_of(page)
        if block.language in {"text", "shell"}
        for line in lines_of(block.body)
    ]
    for where in [*inline, *lines]:
        for name, rest in COMMAND.findall(where):
            assert name in commands, where
            command = commands[name]
            if hasattr(command, "commands"):
                command = command.commands.get((rest.split() or [""])[0], command)
            known = {option for p in command.params for option in p.opts} | {"--help"}
            named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", rest.split("$(")[0]))
            assert named <= known, where
    for line in lines:
        if line.startswith("preread ") and not re.search(r"[\[…]", line.replace("ID…", "ID")):
            words = ["3" if word == "N" else word for word in shlex.split(line)[1:]]
            preread.make_context("preread", words[:1])
            if not hasattr(commands[words[0]], "commands"):
                commands[words[0]].make_context(words[0], words[1:])


def has_runnable(page: Path) -> bool:
    """Whether a page has a block that runs."""
    return any(block.is_run and block.language in RUNNABLE for block in blocks_of(page))


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [p for p in PAGES if has_runnable(p)], ids=lambda p: p.relative_to(DOCS).as_posix()
)
def test_blocks_that_need_only_the_sample_run(
    page: Path,
    sample_index: Path,
    preread: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HAYSTACK_TELEMETRY_ENABLED", "False")
    shutil.copy(sample_corpus_path(), "passages.jsonl")
    shell = "".join(block.body for block in blocks_of(page) if block.language == "shell")
    if not re.search(r"^preread index .* my-index\b", shell, re.MULTILINE):
        Path("my-index").symlink_to(sample_index)
    names: dict[str, Any] = {}
    for block in blocks_of(page):
        if not block.is_run or block.language not in RUNNABLE:
            continue
        if block.language == "python":
            exec(compile(block.body, page.name, "exec"), names)
            continue
        for line in lines_of(block.body):
            if line.startswith("preread "):
                done = preread(*shlex.split(line)[1:])
                assert done.code == 0, f"{line}: {done.err}"
            else:
                subprocess.run(["sh", "-c", line], check=True)
    if "service" in names:
        names["service"].close()


Serving = Callable[..., AbstractContextManager[Any]]


@pytest.mark.slow
def test_requests_of_the_docs_get_the_replies_that_stand_there(
    sample_index: Path, serving: Serving
) -> None:
    blocks = blocks_of(DOCS / "reference" / "http.md")
    pairs = [(a, b) for a, b in zip(blocks, blocks[1:], strict=False) if b.language == "json"]
    assert len(pairs) == 9
    with serving({"sample": sample_index}) as served:
        for asked, replied in pairs:
            words = shlex.split(asked.body.replace("\\\n", " "))
            url = next(word for word in words if word.startswith("$URL"))
            url = url.replace("$URL", served.url)
            if "-d" in words:
                content = json.loads(words[words.index("-d") + 1])
                reply = requests.post(url, json=content, timeout=60).json()
            else:
                reply = requests.get(url, timeout=60).json()
            check_alike(json.loads(replied.body), reply, "")


def check_alike(shown: Any, found: Any, name: str) -> None:
    """Compare a reply with what a page shows of it.

    Args:
        shown: On the page; strings may be cut short at …, and numbers are rounded.
        found: What the server said.
        name: Key of both; times and identifiers of requests differ.
    """
    if isinstance(shown, dict):
        assert set(shown) == set(found), name
        for key, value in shown.items():
            if not key.endswith("_ms") or isinstance(value, dict):
                check_alike(value, found[key], f"{name}.{key}")
    elif isinstance(shown, list):
        assert len(shown) == len(found), name
        for one, other in zip(shown, found, strict=True):
            check_alike(one, other, name)
    elif isinstance(shown, str):
        assert name == ".request_id" or found.startswith(shown.removesuffix("…")), name
    elif isinstance(shown, float):
        assert ".stage_ms." in name or found == pytest.approx(shown, abs=0.1), name
    else:
        assert shown == found, name
