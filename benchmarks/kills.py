"""Does an index survive being killed, again and again, at random moments?

    python benchmarks/kills.py --kills 100

A tiny random reader builds an index of the sample corpus, adds to it, deletes from it and compacts
it, in processes of their own. In each trial one of these steps is killed (SIGKILL) after a random
time, and repeated with ``--resume`` where it has that. At the end every file must be the one of an
undisturbed run, to the byte; of Lucene's own, which name their segments at random, the hits and
scores must be. A kill counts only if the process was still running.
"""

import argparse
import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from common import write_result
from preread.data import read_corpus
from preread.data.sample import sample_corpus_path
from preread.indexer import PassageIndex, verify_index
from preread.reader import DeformerConfig, DeformerForQuestionAnswering
from preread.reader.checkpoints import shipped_reader_path
from transformers import AutoTokenizer

DONE_BEFORE = ("holds no passage", "are in the index already")
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
        records = [{"id": p.passage_id, "title": p.title, "text": p.text} for p in some]
        text = "".join(json.dumps(r) + "\n" for r in records)
        (folder / f"{name}.jsonl").write_text(text)
    gone = [p.passage_id for p in passages[5:170:11]]
    first, more = (str(folder / f"{name}.jsonl") for name in parts)
    shards = ["--passages-per-shard", "8"]
    build = ["index", first, "INDEX", "--reader", str(reader), "--codec", "rpq4", *shards]
    return [
        ("index", [*build, "--workers", "2", "--resume"]),
        ("add", ["add", "INDEX", more, "--workers", "2", "--resume"]),
        ("delete", ["delete", "INDEX", *gone]),
        ("compact", ["compact", "INDEX"]),
    ]


def command(step: list[str], index: Path) -> list[str]:
    """The process to start."""
    words = [str(index) if word == "INDEX" else word for word in step]
    return [sys.executable, "-m", "preread.pipeline", *words]


def hashes(index: Path) -> dict[str, str]:
    """SHA-256 of every file but Lucene's."""
    return {
        str(f.relative_to(index)): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(index.rglob("*"))
        if f.is_file() and not f.parent.name.startswith("lucene-")
    }


def hits(index: Path) -> list[tuple[str, float]]:
    """What BM25 finds."""
    with PassageIndex(index) as opened:
        return [
            (opened.passage(hit.ordinal).passage_id, hit.score)
            for query in QUERIES
            for hit in opened.bm25.search(query, 50)
        ]


def main() -> None:
    """Kill, repeat, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    kills: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiny_reader(folder / "reader")
        steps = steps_of(folder, folder / "reader")
        states: list[Path] = []
        seconds = []
        index = folder / "undisturbed"
        for number, (_, step) in enumerate(steps):
            begin = time.monotonic()
            subprocess.run(command(step, index), check=True, capture_output=True)
            seconds.append(time.monotonic() - begin)
            states.append(Path(shutil.copytree(index, folder / f"after-{number}")))
        expected = [(hashes(state), hits(state)) for state in states]
        while len(kills) < options.kills:
            number = len(kills) % len(steps)
            what, step = steps[number]
            trial = folder / "trial"
            shutil.rmtree(trial, ignore_errors=True)
            if number:
                shutil.copytree(states[number - 1], trial)
            process = subprocess.Popen(
                command(step, trial), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            after = draw.uniform(0.0, seconds[number])
            time.sleep(after)
            if process.poll() is not None:
                continue  # it was over: no kill
            process.send_signal(signal.SIGKILL)
            process.wait()
            done = subprocess.run(command(step, trial), capture_output=True, text=True)
            if any(words in done.stderr for words in DONE_BEFORE):
                done.returncode = 0  # the kill came when all was done
            same = done.returncode == 0 and (hashes(trial), hits(trial)) == expected[number]
            kills.append(
                {"step": what, "after_s": round(after, 3), "same": same}
                | {"faults": verify_index(trial) if same else [done.stderr[-500:]]}
            )
            print(len(kills), kills[-1], flush=True)
    n_same = sum(kill["same"] and not kill["faults"] for kill in kills)
    print(f"{n_same} of {len(kills)} ended as if nothing had happened")
    write_result("kills", {"seed": options.seed, "n_same": n_same, "kills": kills})


if __name__ == "__main__":
    main()
