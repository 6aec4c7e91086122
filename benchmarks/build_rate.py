"""How much slower than the lower layers alone is a whole build, and does memory grow?

    python benchmarks/build_rate.py CORPUS --passages 4000 --codec rpq9 --repeat 5
    python benchmarks/build_rate.py CORPUS --memory 20000 202000 --codec rpq9 --keep FOLDER

The rate: the lower layers run over the same windows in the same batches, on one thread. A build
with one worker alternates with them. It is timed from its estimate to its last shard, which leaves
out reading the corpus and learning a codec. BM25 and look-up, which come after, are timed apart.

Memory: the most resident bytes of a build and of its largest worker, each size in a process of its
own. With ``--keep`` the indexes stay in FOLDER, named by their numbers of passages, and a size that
was measured there is not built again.
"""

import argparse
import itertools
import json
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from common import command_line, write_result
from index_files import write_passages
from preread.data import Passage, read_corpus
from preread.indexer import IndexConfig, build_index
from preread.reader import Reader
from preread.reader.packing import batches_by_length
from timing import run_apart, seconds, spread


def lower_layers_alone(reader: Reader, passages: list[Passage], config: IndexConfig) -> float:
    """Seconds for the lower layers over all shards' batches."""
    shards = []
    for first in range(0, len(passages), config.passages_per_shard):
        some = passages[first : first + config.passages_per_shard]
        encoded = reader.encoder.windows_of(some)
        windows = [w for of_passage in encoded for w in of_passage]
        lengths = [len(window.token_ids) for window in windows]
        of_shard = batches_by_length(lengths, config.rows_per_batch)
        shards.append([[windows[i] for i in batch] for batch in of_shard])
    batches = itertools.chain.from_iterable(shards)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    took = seconds(lambda: [reader.window_states(windows) for windows in batches])
    torch.set_num_threads(before)
    return took


def whole_build(reader: Reader, corpus: Path, config: IndexConfig) -> dict[str, float]:
    """Seconds of the shards, and of all that comes after them."""
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        begins: list[float] = []
        build_index(corpus, index, reader, config, on_estimate=lambda _: begins.append(time.time()))
        end = time.time()
        last = max(path.stat().st_mtime for path in (index / "states").iterdir())
    return {"shards": last - begins[0], "bm25_and_lookup": end - last}


def rate(options: argparse.Namespace) -> dict[str, Any]:
    """Compare, alternating."""
    reader = Reader.load(options.reader)
    passages = list(read_corpus(options.corpus, limit=options.passages))
    with tempfile.TemporaryDirectory() as folder:
        corpus = write_passages(Path(folder) / "passages.jsonl", passages)
        config = IndexConfig(codec=options.codec, workers=1)
        rows = []
        for _ in range(options.repeat):
            half = whole_build(reader, corpus, replace(config, precision="bfloat16"))
            alone = lower_layers_alone(reader, passages, config)
            row = {"lower_layers": alone, **whole_build(reader, corpus, config)}
            rows.append({**row, "shards_in_bfloat16": half["shards"]})
            print(rows[-1], flush=True)
    return {
        "n_passages": len(passages),
        "codec": options.codec,
        "seconds": rows,
        "throughput_of_lower_layers": spread([row["lower_layers"] / row["shards"] for row in rows]),
        "times_as_fast_in_bfloat16": spread(
            [row["shards"] / row["shards_in_bfloat16"] for row in rows]
        ),
    }


def memory(options: argparse.Namespace) -> dict[str, Any]:
    """Build each size in a process of its own; those of FOLDER that were measured are done."""
    noted = options.keep / "memory.jsonl" if options.keep else None
    done = noted.read_text("utf-8").splitlines() if noted and noted.exists() else []
    rows = [row for row in map(json.loads, done) if row["n_passages"] in options.memory]
    measured = {row["n_passages"] for row in rows}
    for n_passages in (n for n in options.memory if n not in measured):
        with tempfile.TemporaryDirectory() as folder:
            index = (options.keep or Path(folder)) / str(n_passages)
            words = [options.corpus, index, n_passages, "--codec", options.codec, "--measure"]
            found = run_apart(__file__, *words)
        rows.append({"n_passages": n_passages, **found})
        print(rows[-1], flush=True)
        if noted:
            with noted.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    return {"codec": options.codec, "memory": rows}


def measure(corpus: Path, index: Path, n_passages: int, codec: str) -> None:
    """Build, and print the most resident bytes."""
    begin = time.time()
    build_index(
        corpus, index, Reader.load("default"), IndexConfig(codec=codec, limit=n_passages),
        show_progress=True,
    )  # fmt: skip
    kilobytes = {
        "process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "largest_worker": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
    }
    found = {f"{name}_mib": round(kb / 1024) for name, kb in kilobytes.items()}
    print(json.dumps({**found, "seconds": round(time.time() - begin)}))


def main() -> None:
    """Measure rate or memory."""
    parser = command_line(__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--reader", default="default")
    parser.add_argument("--codec", default="rpq9")
    parser.add_argument("--passages", type=int, default=4000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--memory", type=int, nargs="*", help="numbers of passages")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the indexes stay")
    options = parser.parse_args()
    if options.measure:
        index, n_passages = options.rest
        measure(options.corpus, Path(index), int(n_passages), options.codec)
    elif options.memory:
        write_result("build-memory", memory(options))
    else:
        write_result("build-rate", rate(options))


if __name__ == "__main__":
    main()
