"""The BM25 index where memory or disk are short, in processes of their own, with real Java."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
_BUILD = """
import resource, signal, sys
from pathlib import Path
from preread.data import Passage, PrereadError
from preread.indexer.bm25 import indexer, java

folder, n_passages, n_words, file_limit = sys.argv[1], *map(int, sys.argv[2:])
java.java_class("io.anserini.index.SimpleIndexer")
indexer._CHARACTERS_PER_COMMIT = 1 << 19
if file_limit:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, resource.RLIM_INFINITY))
passages = (
    (i, Passage(str(i), " ".join(f"w{i}x{j}" for j in range(n_words)))) for i in range(n_passages)
)
try:
    print(indexer.build_bm25(passages, Path(folder)), "passages")
except PrereadError as error:
    print("refused:", error)
"""


def _build(
    folder: Path,
    *,
    n_passages: int,
    n_words: int,
    heap: str = "2g",
    file_limit: int = 0,
) -> str:
    """Build in a process with so much memory for Java and such a limit to a file's size."""
    arguments = [str(a) for a in (folder, n_passages, n_words, file_limit)]
    done = subprocess.run(
        [sys.executable, "-c", _BUILD, *arguments],
        env={**os.environ, "PREREAD_JAVA_HEAP": heap},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_javas_heap_bounds_no_number_of_passages(tmp_path: Path) -> None:
    """Lucene's writer would hold all it was given, up to 2 GB, whatever the heap."""
    out = _build(tmp_path / "bm25", n_passages=6_000, n_words=100, heap="24m")
    assert out == "6000 passages\n"


def test_commit_that_fails_is_an_error(tmp_path: Path) -> None:
    """Anserini only logs it; the folder must not pass for whole."""
    out = _build(tmp_path / "bm25", n_passages=5_000, n_words=3, file_limit=20_000)
    assert out.startswith("refused:") and "a build goes on with --resume" in out
    assert not (tmp_path / "bm25").exists()
