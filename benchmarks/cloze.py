"""Is it worth while to learn from text without labels before learning from questions?

    python benchmarks/cloze.py BASE TRAIN RUNS SQUAD NQ --labelled 0.3 --cloze 0.15

Four readers begin from BASE, a plain encoder, and see so much of the labelled questions (SQuAD and
NQ) and of ``cloze.jsonl.gz`` in TRAIN (``preread cloze``): the labelled once; the labelled twice;
the cloze questions, then the labelled once; the cloze questions alone. Shares are chosen so that
the second and the third take as many steps.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from arms import sample, train_and_score
from common import write_result
from preread.reader.training import Recipe, recipe_path
from preread.reader.training.precision import Precision
from preread.reader.training.recipe import SourceConfig, StageConfig


def stages(names: str, labelled: float, cloze: float) -> tuple[StageConfig, ...]:
    """Stages by their initials: l for labelled, c for cloze."""
    squad = SourceConfig(file="squad11-train-part.jsonl.gz", titles=False, weight=labelled)
    nq = SourceConfig(file="nq-train-qed.jsonl.gz", titles=True, weight=labelled)
    text = SourceConfig(file="cloze.jsonl.gz", titles=True, weight=cloze)
    known = {"l": StageConfig(sources=(squad, nq)), "c": StageConfig(sources=(text,))}
    return tuple(known[name] for name in names)


ARMS = {"labelled": "l", "labelled twice": "ll", "cloze, labelled": "cl", "cloze": "c"}


def main() -> None:
    """Train and score every arm, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base")
    parser.add_argument("train", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("datasets", type=Path, nargs="+")
    parser.add_argument("--labelled", type=float, default=0.3)
    parser.add_argument("--cloze", type=float, default=0.15)
    parser.add_argument("--sample", type=int, default=2000, help="questions of each data set")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    datasets = {d.name: sample(d, options.sample, options.seed) for d in options.datasets}
    plain = replace(
        Recipe.load(recipe_path("minilm-l6-first")), base=options.base, precision=Precision.AUTO
    )
    rows = []
    for name, letters in ARMS.items():
        recipe = replace(plain, stages=stages(letters, options.labelled, options.cloze))
        folder = options.runs / letters
        scores = train_and_score(recipe, options.train, folder, datasets)
        n_steps = int((folder / "log.csv").read_text().splitlines()[-1].split(",")[1])
        rows.append({"arm": name, "n_steps": n_steps, "scores": scores})
        print(rows[-1], flush=True)
    write_result("cloze", {"labelled": options.labelled, "cloze": options.cloze, "rows": rows})


if __name__ == "__main__":
    main()
