"""Is it worth while to learn from text without labels before learning from questions?

    python benchmarks/text_without_labels.py BASE TRAIN RUNS SQUAD NQ

Readers begin from BASE, a plain encoder, and differ in what they learn from: labelled questions of
SQuAD and NQ alone, once or twice; or questions made of text before them, by spans that recur
(``cloze.jsonl.gz``) or by statements (``statements.jsonl.gz``). All files are in TRAIN; ``preread
cloze`` writes the last two. Shares are chosen so that all but the first arm take about as many
steps.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from arms import sample, train_and_score
from common import write_result
from preread.reader.training import Recipe, recipe_path
from preread.reader.training.recipe import SourceConfig, StageConfig

Stages = tuple[StageConfig, ...]

ARMS = {
    "labelled": "l",
    "labelled, twice": "ll",
    "recurring spans, then labelled": "cl",
    "statements, then labelled": "sl",
}


def stages(letters: str, labelled: float, cloze: float, statements: float) -> Stages:
    """Stages by their initials."""
    squad = SourceConfig(file="squad11-train-part.jsonl.gz", titles=False, weight=labelled)
    nq = SourceConfig(file="nq-train-qed.jsonl.gz", titles=True, weight=labelled)
    recurring = SourceConfig(file="cloze.jsonl.gz", titles=True, weight=cloze)
    of_statements = SourceConfig(file="statements.jsonl.gz", titles=True, weight=statements)
    known = {
        "l": StageConfig(sources=(squad, nq)),
        "c": StageConfig(sources=(recurring,)),
        "s": StageConfig(sources=(of_statements,)),
    }
    return tuple(known[letter] for letter in letters)


def main() -> None:
    """Train and score every arm, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base")
    parser.add_argument("train", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("datasets", type=Path, nargs="+")
    shares = {"labelled": 0.1, "cloze": 1.0, "statements": 0.055}
    for name, share in shares.items():
        parser.add_argument(f"--{name}", type=float, default=share, help="share of the questions")
    parser.add_argument("--sample", type=int, default=1000, help="questions of each data set")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    datasets = {d.name: sample(d, options.sample, options.seed) for d in options.datasets}
    first = Recipe.load(recipe_path("minilm-l6-first"))
    plain = replace(first, base=options.base, held_out=None)
    shares = {name: getattr(options, name) for name in shares}
    rows = []
    for name, letters in ARMS.items():
        recipe = replace(plain, stages=stages(letters, **shares))
        folder = options.runs / letters
        scores = train_and_score(recipe, options.train, folder, datasets)
        n_steps = int((folder / "log.csv").read_text().splitlines()[-1].split(",")[1])
        rows.append({"arm": name, "n_steps": n_steps, "scores": scores})
        print(rows[-1], flush=True)
    content = {"shares": shares, "sample_seed": options.seed, "rows": rows}
    write_result("text-without-labels", content)


if __name__ == "__main__":
    main()
