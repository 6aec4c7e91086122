"""What does it cost to split on the paper's pair tasks, and what does the teacher give back?

    python benchmarks/pair_tasks.py BASE TRAIN DEV RUNS

For each of BoolQ, MNLI and QQP three readers start from BASE, a plain encoder, and see the same
pairs in the same order: the full model, a decomposed reader, and a decomposed reader that the full
model teaches with KD and LRS (Cao et al. 2020, section 3.3). The recipes are
``minilm-l6-TASK-full``, ``-split`` and ``-student``. All are scored on the pairs of DEV, the taught
one also with its stored text through a codec. A run whose ``RUNS/TASK-ARM/reader`` exists is not
repeated, wherever that reader comes from. The result is written after each task. With ``--go-on``
the other tasks of the newest result stay in it.
"""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import add_sample, command_line, drawn, newest, write_result
from preread.data import PairExample, ReadReport, read_pairs
from preread.pipeline import ReadMode, evaluate_pairs
from preread.reader import PairReader
from preread.reader.training import Recipe
from training_runs import load_recipe, trained, with_share

DEV = {
    "boolq": "boolq-dev.jsonl.gz",
    "mnli": "mnli-dev-part.jsonl.gz",
    "qqp": "qqp-dev-part.jsonl.gz",
}
ARMS: dict[str, tuple[tuple[ReadMode, str], ...]] = {
    "full": ((ReadMode.FULL, ""),),
    "split": ((ReadMode.DECOMPOSED, ""),),
    "student": (
        (ReadMode.DECOMPOSED, ""),
        (ReadMode.STORED, "float16"),
        (ReadMode.STORED, "int8"),
    ),
}
"""How each arm's reader is scored: where states come from, and what stored ones go through."""


def arm(task: str, name: str, base: str, runs: Path, share: float) -> Recipe:
    """The recipe of one reader."""
    recipe = with_share(load_recipe(f"minilm-l6-{task}-{name}"), share)
    taught = recipe.distillation
    if taught is not None:
        taught = replace(taught, teacher=str(runs / f"{task}-full" / "reader"))
    return replace(recipe, base=base, distillation=taught)


def score(reader: Path, examples: list[PairExample], name: str) -> list[dict[str, Any]]:
    """Accuracy of one arm's reader, in each of its modes."""
    rows = []
    for mode, codec in ARMS[name]:
        layers = 0 if mode is ReadMode.FULL else None
        loaded = PairReader.load(str(reader), num_lower_layers=layers)
        found = evaluate_pairs(
            loaded, examples, mode=mode, codec=codec or "float16", show_progress=True
        )
        rows.append({"arm": name, "codec": codec, **found})
    return rows


def other_tasks(tasks: list[str], settings: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """Data sets and rows of the newest result, but for those of some tasks.

    Raises:
        SystemExit: If that was made with other settings.
    """
    earlier = newest("pair-tasks")
    differs = [key for key, value in settings.items() if earlier[key] != value]
    if differs:
        raise SystemExit(f"{earlier['file']}: its {differs[0]} is not what it would be now.")
    datasets = {task: said for task, said in earlier["datasets"].items() if task not in tasks}
    return datasets, [row for row in earlier["rows"] if row["task"] in datasets]


def main() -> None:
    """Train and score every reader, write the result."""
    parser = command_line(__doc__)
    parser.add_argument("base")
    parser.add_argument("train", type=Path)
    parser.add_argument("dev", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--tasks", nargs="+", choices=list(DEV), default=list(DEV))
    parser.add_argument("--share", type=float, default=1.0, help="of the training pairs")
    add_sample(parser, "pairs of each dev set")
    parser.add_argument("--go-on", action="store_true", help="keep the newest result's other tasks")
    options = parser.parse_args()
    settings = {
        "share": options.share,
        "sample": options.sample,
        "sample_seed": options.seed if options.sample else None,
    }
    rows: list[dict[str, Any]] = []
    datasets: dict[str, Any] = {}
    if options.go_on:
        datasets, rows = other_tasks(options.tasks, settings)
    for task in options.tasks:
        report = ReadReport()
        examples = list(read_pairs(options.dev / DEV[task], report=report))
        most, count = Counter(e.label for e in examples).most_common(1)[0]
        datasets[task] = {
            "file": DEV[task],
            "most_frequent_label": most,
            "its_share": round(100 * count / len(examples), 2),
            "without_label": report.left_out.total(),
        }
        examples = drawn(examples, options.sample, options.seed)
        for name in ARMS:
            folder = options.runs / f"{task}-{name}"
            recipe = arm(task, name, options.base, options.runs, options.share)
            reader = trained(recipe, options.train, folder)
            scored = folder / f"scores-{len(examples)}.json"
            if not scored.exists():
                scored.write_text(json.dumps(score(reader, examples, name)))
            made = [{"task": task, **row} for row in json.loads(scored.read_text())]
            print(*made, sep="\n", flush=True)
            rows += made
        write_result("pair-tasks", {**settings, "datasets": datasets, "rows": rows})


if __name__ == "__main__":
    main()
