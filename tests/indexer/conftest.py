"""A small real corpus and an index of it, made by the tiny reader."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from preread.data import Passage
from preread.indexer import IndexConfig, PassageIndex, build_index
from preread.reader import Reader

TEXTS = [
    ("p1", "Volcano", "The mountain Etna is a volcano on Sicily, and it has erupted many times."),
    ("p2", "", "An untitled passage about rivers 😀 and the town of São Tomé."),
    ("p3", "A very long title of many words that must be cut before it fills the window", "Short."),
    ("p4", "Long", " ".join(f"word{i} river" for i in range(120))),
    ("p5", "東京", "東京 is the capital of Japan. ירושלים is a city. Ｆｕｌｌ width."),
]


@pytest.fixture(scope="session")
def passages() -> list[Passage]:
    """Twenty passages: with and without titles, short, long, in several scripts."""
    return [
        Passage(f"{name}-{copy}", f"{text} Copy number {copy}.", title)
        for copy in range(4)
        for name, title, text in TEXTS
    ]


@pytest.fixture(scope="session")
def corpus(passages: list[Passage], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The passages as a JSONL file."""
    import json

    path = tmp_path_factory.mktemp("corpus") / "passages.jsonl"
    records = [{"id": p.passage_id, "title": p.title, "text": p.text} for p in passages]
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def config() -> IndexConfig:
    """Shards of seven passages, so that there are three, the last one short."""
    return IndexConfig(passages_per_shard=7, rows_per_batch=64, workers=1)


@pytest.fixture(scope="session")
def built(
    corpus: Path, config: IndexConfig, tiny_reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An index of the passages."""
    path = tmp_path_factory.mktemp("built") / "index"
    build_index(corpus, path, tiny_reader, config)
    return path


@pytest.fixture
def index(built: Path) -> PassageIndex:
    """The same, opened."""
    return PassageIndex(built)


@pytest.fixture(scope="session")
def files_of() -> Callable[[Path], dict[str, str]]:
    """Gives the SHA-256 of every file but Lucene's, which name their segments at random."""

    def hashes(index: Path) -> dict[str, str]:
        return {
            str(f.relative_to(index)): hashlib.sha256(f.read_bytes()).hexdigest()
            for f in sorted(index.rglob("*"))
            if f.is_file() and not f.parent.name.startswith("lucene")
        }

    return hashes
