"""Corpora and indexes: writing passages, comparing indexes, forgetting their pages."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from preread.data import Passage
from preread.indexer import PassageIndex


def write_passages(path: Path, passages: Iterable[Passage]) -> Path:
    """Write a corpus as JSON Lines; the path."""
    records = [{"id": p.passage_id, "title": p.title, "text": p.text} for p in passages]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


def hashes(index: Path) -> dict[str, str]:
    """SHA-256 of every file but Lucene's, whose segments have random names."""
    return {
        str(file.relative_to(index)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(index.rglob("*"))
        if file.is_file() and not file.parent.name.startswith("lucene-")
    }


def hits(index: Path, queries: Iterable[str], n_hits: int) -> list[tuple[str, float]]:
    """What BM25 finds for some queries: passages with their scores."""
    with PassageIndex(index) as opened:
        return [
            (opened.passage(hit.ordinal).passage_id, hit.score)
            for query in queries
            for hit in opened.bm25.search(query, n_hits)
        ]


def forget(index: Path) -> None:
    """Ask the kernel to drop an index's pages."""
    for path in (index / "states").iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
