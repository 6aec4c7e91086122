"""How does every cost grow with the number of passages, up to millions?

    python benchmarks/build_rate.py CORPUS --memory 202441 --codec rpq9 --keep FOLDER
    python benchmarks/shrink.py FOLDER/202441 FOLDER/20000
    python benchmarks/grow.py FOLDER/202441 FOLDER/2000000 --passages 2000000
    python benchmarks/rehearsal.py QUESTIONS FOLDER/20000 FOLDER/202441 FOLDER/2000000

Each index is opened and asked in a process of its own, one after the other, --rounds times. The
time of building comes from the times at which its files were written. States are timed by the
shards after the first, which leaves out what comes before. Cold: the kernel is asked to forget the
shards.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import command_line, write_result
from grow import STAGES_FILE
from index_files import forget
from preread.data import read_questions
from preread.indexer import Manifest, PassageIndex, index_info
from preread.indexer.bm25.java import java_class
from preread.pipeline import OpenDomainQA
from preread.reader import Reader
from scaling import plot_growth
from timing import memory_mib, run_apart, seconds

WARM_UPS = 5
TOP_K = 20
FETCHED = 100


def milliseconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    return 1000 * seconds(work)


def one_round(path: Path, questions: Sequence[str], seed: int) -> dict[str, Any]:
    """Open an index, and ask it."""
    reader = Reader.load("default")
    java_class("java.lang.Object")  # starts Java, which takes as long for any index
    own_before, _ = memory_mib()
    begin = time.perf_counter()
    index = PassageIndex(path)
    searcher = index.bm25
    opened = 1000 * (time.perf_counter() - begin)
    asked, warm_ups = questions[WARM_UPS:], questions[:WARM_UPS]
    for question in warm_ups:
        searcher.search(question, TOP_K)
    searches = [milliseconds(partial(searcher.search, q, TOP_K)) for q in asked]
    cold, warm = fetches(path, seed, len(asked))
    qa = OpenDomainQA(index, reader)
    for question in warm_ups:
        qa.answer(question, top_k=TOP_K)
    answers = [milliseconds(partial(qa.answer, q, top_k=TOP_K)) for q in asked]
    own, mapped = memory_mib()
    return {
        "open_ms": opened,
        "bm25_ms": searches,
        "cold_fetch_ms": cold,
        "warm_fetch_ms": warm,
        "question_ms": answers,
        "own_mib": int(own),
        "own_mib_before": int(own_before),
        "mapped_mib": int(mapped),
    }


def fetches(path: Path, seed: int, n: int) -> tuple[list[float], list[float]]:
    """Milliseconds of fetching random passages, from files not in memory and once more."""
    draw = random.Random(seed)
    cold, warm = [], []
    for _ in range(n):
        forget(path)
        with PassageIndex(path) as index:
            some = [draw.randrange(index.manifest.next_ordinal) for _ in range(FETCHED)]
            fetch = partial(index.fetch, some)
            cold.append(milliseconds(fetch))
            warm.append(milliseconds(fetch))
    return cold, warm


def summary(rounds: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Of each cost the median of the rounds' medians, the least, the most; and p95 of all."""
    found = {}
    for name in rounds[0]:
        of_rounds = [np.atleast_1d(one[name]) for one in rounds]
        medians = [float(np.median(values)) for values in of_rounds]
        found[name] = {
            "median": round(statistics.median(medians), 3),
            "least": round(min(medians), 3),
            "most": round(max(medians), 3),
            "p95": round(float(np.percentile(np.concatenate(of_rounds), 95)), 3),
        }
    return found


def build_stages(path: Path) -> dict[str, Any]:
    """Seconds of a build, by when its files were written."""
    manifest = Manifest.load(path)
    beside = path.with_name(f"{path.name}-{STAGES_FILE}")
    if beside.exists():
        return dict(json.loads(beside.read_text("utf-8")))
    first, *others = ((path / s.file).stat().st_mtime for s in manifest.shards)
    n_after = manifest.n_passages - manifest.shards[0].n_passages
    lookup = (path / manifest.lookups[-1].file).stat().st_mtime
    bm25 = max(file.stat().st_mtime for file in (path / manifest.lucene).iterdir())
    return {
        "n_encoded_after_first_shard": n_after,
        "encoding_and_writing": round(max(others) - first, 1),
        "lookup": round(lookup - max(others), 1),
        "bm25": round(bm25 - lookup, 1),
    }


def main() -> None:
    """Ask all indexes in turns."""
    parser = command_line(__doc__)
    parser.add_argument("questions", type=Path)
    parser.add_argument("indexes", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sample", type=int, default=40, help="questions of a round")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--round", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.round is not None:
        found = [question.question for question in read_questions(options.questions)]
        some = random.Random(options.seed + options.round).sample(found, WARM_UPS + options.sample)
        print(json.dumps(one_round(options.indexes[0], some, options.round)))
        return
    rounds: dict[Path, list[dict[str, Any]]] = {path: [] for path in options.indexes}
    for number in range(options.rounds):
        for path in options.indexes:
            words = [options.questions, path, "--round", number]
            words += ["--sample", options.sample, "--seed", options.seed]
            rounds[path].append(run_apart(__file__, *words))
            print(path.name, round(statistics.median(rounds[path][-1]["question_ms"])), flush=True)
    rows = [
        {"index": index_info(path), "build": build_stages(path), "costs": summary(of_index)}
        for path, of_index in rounds.items()
    ]
    content = {
        "questions": options.questions.name,
        "seed": options.seed,
        "rounds": options.rounds,
        "questions_a_round": options.sample,
        "top_k": TOP_K,
        "fetched": FETCHED,
        "rows": rows,
    }
    write_result("rehearsal", content)
    plot_growth(content)


if __name__ == "__main__":
    main()
