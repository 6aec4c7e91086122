"""Is a reader that was trained on better than the one that ships, on what readers are chosen by?

    python benchmarks/choose_round.py --jobs 2 NAME=FOLDER… \
        --parts squad11-dev.jsonl.gz:4 nq-dev-qed.jsonl.gz:2

Of each data set every so many-th question is read (``:4`` means a quarter of them), through the
codec that a reader comes with and from exact states. Differences are of the same questions.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from common import write_result
from preread.data import read_examples, score_answer
from preread.pipeline.evaluation.intervals import bootstrap_intervals
from preread.reader import Reader, answer_examples
from preread.reader.codecs import known_codec, reader_of, round_trip
from tqdm import tqdm

SHIPPED = "shipped"
Part = tuple[Path, int]
"""A data set, and every how many-th of its questions is read."""
Task = tuple[str, Part, str]
"""Folder of a reader, what it reads, and the codec, ``float32`` for exact states."""
EXACT = "float32"


def scores_of(task: Task, *, threads: int) -> npt.NDArray[np.float64]:
    """EM and F1 of each question, in percent. Shape ``(2, n_questions)``."""
    torch.set_num_threads(threads)
    folder, (dataset, every), codec_name = task
    given = Reader.load(folder)
    codec = None if codec_name == EXACT else known_codec(codec_name, given)
    through = partial(round_trip, codec) if codec else lambda states, _: states
    reader = reader_of(codec, given)
    answerable = [replace(e, title="") for e in read_examples(dataset) if e.answers][::every]
    answered = answer_examples(reader, answerable, through)
    bar = tqdm(answered, total=len(answerable), unit=" questions")
    scores = [score_answer(prediction, example.answers) for example, prediction in bar]
    return 100 * np.transpose(np.array(scores, dtype=np.float64))


def figures(scores: npt.NDArray[np.float64], suffix: str = "") -> dict[str, Any]:
    """Means over questions, with intervals that hold 95 %."""
    found: dict[str, Any] = {}
    intervals = bootstrap_intervals(scores).round(2).tolist()
    for name, mean, interval in zip(
        ("exact_match", "f1"), scores.mean(axis=1), intervals, strict=True
    ):
        found |= {name + suffix: round(float(mean), 2), f"{name}{suffix}_interval": interval}
    return found


def parse_part(text: str) -> Part:
    """A data set with its step."""
    path, _, every = text.rpartition(":")
    return Path(path), int(every)


def main() -> None:
    """Score the reader that ships and each other one, by data set and codec."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--parts", nargs="+", type=parse_part, required=True, metavar="FILE:EVERY")
    parser.add_argument("--codecs", nargs="+", default=["rpq9", EXACT])
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the cores")
    options = parser.parse_args()
    folders = {SHIPPED: "default"} | dict(reader.split("=", 1) for reader in options.readers)
    threads = max(1, torch.get_num_threads() // options.jobs)
    ways = [(part, codec) for part in options.parts for codec in options.codecs]
    tasks: list[Task] = [(f, part, codec) for part, codec in ways for f in folders.values()]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        scores = iter(list(pool.map(partial(scores_of, threads=threads), tasks)))
    rows: list[dict[str, Any]] = []
    for (dataset, every), codec in ways:
        shipped = None
        for name in folders:
            found = next(scores)
            what = {"dataset": dataset.name, "every": every, "n_questions": found.shape[1]}
            row = what | {"codec": codec, "reader": name, **figures(found)}
            if shipped is None:
                shipped = found
            else:
                row |= figures(found - shipped, "_gain")
            rows.append(row)
            print(row, flush=True)
    write_result("choose-round", {"rows": rows})


if __name__ == "__main__":
    main()
