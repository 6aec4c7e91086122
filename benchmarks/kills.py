"""Does an index survive being killed, again and again, at random moments?

    python benchmarks/kills.py --kills 100

A tiny random reader builds an index of the sample corpus, adds to it, deletes from it and compacts
it, each by the command line in a process of its own. In each trial one of these steps is killed
(SIGKILL) after a random time, and repeated, with ``--resume`` where the command has it. At the end
every file must equal that of an undisturbed run, byte by byte. Lucene names its segments at random,
so its files are compared by hits and scores. A kill counts only if the process was still running.
The script notes what the killed process left behind. Processes are forked from one that has
imported everything, so that no kill hits an import. Every fourth round encodes with two workers.
"""

import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from common import command_line, write_result
from index_files import hashes, hits, write_passages
from preread.data import read_corpus
from preread.data.sample import sample_corpus_path
from preread.indexer import verify_index
from preread.pipeline.cli.main import main as preread
from preread.reader import DeformerConfig, DeformerForQuestionAnswering
from preread.reader.checkpoints import shipped_reader_path
from transformers import AutoTokenizer

_FORK = multiprocessing.get_context("fork")
DONE_BEFORE = ("holds no passage", "are in the index already")
CODEC = "codec.safetensors"
QUERIES = ("volcano", "longest river", "who built it", "capital city", "night sky")


def tiny_reader(folder: Path) -> None:
    """Save a random reader."""
    torch.manual_seed(0)
    config = DeformerConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=64,
        num_lower_layers=2,
    )
    DeformerForQuestionAnswering(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(str(shipped_reader_path("default"))).save_pretrained(folder)


def steps_of(folder: Path, reader: Path) -> list[tuple[str, list[str]]]:
    """The steps of an index's life, as command lines; INDEX stands for the index."""
    passages = list(read_corpus(sample_corpus_path()))
    parts = {"first": passages[:120], "more": passages[120:]}
    for name, some in parts.items():
        write_passages(folder / f"{name}.jsonl", some)
    gone = [p.passage_id for p in passages[5:170:11]]
    first, more = (str(folder / f"{name}.jsonl") for name in parts)
    shards = ["--passages-per-shard", "8"]
    codec = str(folder / CODEC)
    build = ["index", first, "INDEX", "--reader", str(reader), "--codec", codec, *shards]
    return [
        ("index", [*build, "--resume"]),
        ("add", ["add", "INDEX", more, "--resume"]),
        ("delete", ["delete", "INDEX", *gone]),
        ("compact", ["compact", "INDEX"]),
    ]


def words_of(step: list[str], index: Path, workers: int) -> list[str]:
    """A step's command line."""
    words = [str(index) if word == "INDEX" else word for word in step]
    return [*words, "--workers", str(workers)] if "--resume" in words else words


def start(words: list[str], log: Path) -> Any:
    """The command line in a process of its own; what it says goes to a file."""
    process = _FORK.Process(target=_run, args=(words, log))
    process.start()
    return process


def run(words: list[str], log: Path) -> float:
    """A command line to its end; the seconds it took.

    Raises:
        SystemExit: If it fails, with what it said.
    """
    begin = time.monotonic()
    process = start(words, log)
    process.join()
    if process.exitcode:
        raise SystemExit(f"{words}: {log.read_text()}")
    return time.monotonic() - begin


def _run(words: list[str], log: Path) -> None:
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    torch.set_num_threads(1)
    sys.argv = ["preread", *words]
    preread()


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own, so that this one starts neither JVM nor threads."""
    with _FORK.Pool(1) as pool:
        return pool.apply(function, arguments)


def left_behind(index: Path) -> str:
    """How far a killed step had come, by the files it left."""
    names = {f.name for f in index.rglob("*")} if index.exists() else set()
    n_shards = sum(name.endswith(".h5") for name in names)
    unfinished = sorted(name for name in names if name.endswith(".tmp"))
    generations = sum(name.endswith(".json") and name[0] == "0" for name in names)
    return f"{n_shards} shards, {generations} generations, unfinished {unfinished}"


def main() -> None:
    """Kill, repeat, compare."""
    parser = command_line(__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    kills: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "log"
        apart(tiny_reader, folder / "reader")
        learning = ["learn-codec", folder / "reader", sample_corpus_path(), folder / CODEC]
        run([*map(str, learning), "--codec", "rpq4"], log)
        steps = steps_of(folder, folder / "reader")
        states: list[Path] = []
        index = folder / "undisturbed"
        longest: dict[tuple[int, int], float] = {}
        for number, (_, step) in enumerate(steps):
            for workers in (2, 1):
                shutil.rmtree(index, ignore_errors=True)
                if number:
                    shutil.copytree(states[number - 1], index)
                longest[number, workers] = run(words_of(step, index, workers), log)
            states.append(Path(shutil.copytree(index, folder / f"after-{number}")))
        expected = [(hashes(state), apart(hits, state, QUERIES, 50)) for state in states]
        n_trials = 0
        while len(kills) < options.kills:
            number, workers = n_trials % len(steps), 2 if n_trials // len(steps) % 4 == 3 else 1
            n_trials += 1
            what, step = steps[number]
            trial = folder / "trial"
            shutil.rmtree(trial, ignore_errors=True)
            if number:
                shutil.copytree(states[number - 1], trial)
            words = words_of(step, trial, workers)
            process = start(words, log)
            after = draw.uniform(0.0, longest[number, workers])
            process.join(after)
            if process.exitcode is not None:
                continue  # it was over: no kill
            process.kill()
            process.join()
            found = left_behind(trial)
            again = start(words, log)
            again.join()
            said = log.read_text()
            done = again.exitcode == 0 or any(words in said for words in DONE_BEFORE)
            same = done and (hashes(trial), apart(hits, trial, QUERIES, 50)) == expected[number]
            kills.append(
                {"step": what, "workers": workers, "after_s": round(after, 3), "left": found}
                | {"same": same, "faults": verify_index(trial) if same else [said[-500:]]}
            )
            print(len(kills), kills[-1], flush=True)
    n_same = sum(kill["same"] and not kill["faults"] for kill in kills)
    print(f"{n_same} of {len(kills)} ended as if nothing had happened")
    write_result("kills", {"seed": options.seed, "n_same": n_same, "kills": kills})


if __name__ == "__main__":
    main()
