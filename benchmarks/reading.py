"""How well does the reader answer when the passage is given?

    python benchmarks/reading.py --reader default --full FOLDER --jobs 2 DATASET…
    python benchmarks/reading.py --modes stored --codecs rpq9 DATASET…

``--full`` names the full model (k = 0) that the reader is compared with. ``--name`` keeps a result
apart from those that the README shows.
"""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from common import command_line, write_result
from preread.data import read_examples
from preread.pipeline import ReadMode, evaluate_reader
from preread.reader import Reader

Task = tuple[str, Path, ReadMode, str | None]
"""Reader, data set, mode and codec."""


def score(task: Task, *, threads: int) -> dict[str, Any]:
    """Evaluate one reader on one data set in one mode."""
    torch.set_num_threads(threads)
    name, dataset, mode, codec = task
    reader = Reader.load(name, num_lower_layers=0 if mode is ReadMode.FULL else None)
    examples = read_examples(dataset)
    scores = evaluate_reader(reader, examples, mode=mode, codec=codec, show_progress=True)
    return {"dataset": dataset.name, **scores}


def main() -> None:
    """Evaluate every data set: the full model, decomposed, and from stored states."""
    parser = command_line(__doc__)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--reader", default="default")
    parser.add_argument("--full", help="the full model")
    parser.add_argument("--modes", nargs="+", default=["decomposed", "stored"])
    parser.add_argument("--codecs", nargs="+", default=["float16"], help="of mode stored")
    parser.add_argument("--name", default="", help="what the result's name ends in")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the cores")
    options = parser.parse_args()
    threads = max(1, torch.get_num_threads() // options.jobs)
    run = partial(score, threads=threads)
    ways: list[tuple[ReadMode, str | None]] = [
        (mode, None) for mode in map(ReadMode, options.modes) if mode is not ReadMode.STORED
    ]
    if ReadMode.STORED in options.modes:
        ways += [(ReadMode.STORED, codec) for codec in options.codecs]
    tasks: list[Task] = [(options.reader, d, *way) for d in options.datasets for way in ways]
    if options.full:
        tasks += [(options.full, dataset, ReadMode.FULL, None) for dataset in options.datasets]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        rows = list(pool.map(run, tasks))
    for row in rows:
        print(row)
    fingerprint = Reader.load(options.reader).fingerprint
    content = {"reader": options.reader, "fingerprint": fingerprint, "rows": rows}
    write_result("-".join(filter(None, ("reading", options.name))), content)


if __name__ == "__main__":
    main()
