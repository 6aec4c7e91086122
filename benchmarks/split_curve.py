"""What does it cost to split deeper, and what does the teacher give back?

    python benchmarks/split_curve.py FULL TRAIN RUNS SQUAD NQ --share 0.15 --sample 2000

From the weights of FULL, the full reader, one reader is trained for every split k and with every
kind of loss, each with the same questions in the same order: with gold spans alone, and with
knowledge distillation and layerwise representation similarity (Cao et al. 2020, section 3.3) from
FULL. k = 0 with gold spans alone shows what the training itself does. Every reader is then read on
the same questions of SQuAD and NQ. What is done already in RUNS is not done again.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from arms import sample, score, train_and_score
from common import write_result
from matplotlib.figure import Figure
from preread.reader import Reader
from preread.reader.training import Recipe, recipe_path

ROOT = Path(__file__).parents[1]
RECIPE = "minilm-l6-student"
KINDS = {"gold": "gold spans alone", "taught": "with teacher: KD and LRS"}


def arm(full: Path, kind: str, num_lower_layers: int, share: float) -> Recipe:
    """The recipe of one reader."""
    recipe = Recipe.load(recipe_path(RECIPE))
    assert recipe.distillation is not None
    stages = tuple(
        replace(stage, sources=tuple(replace(s, weight=share) for s in stage.sources))
        for stage in recipe.stages
    )
    taught = replace(recipe.distillation, teacher=str(full)) if kind == "taught" else None
    return replace(
        recipe,
        base=str(full),
        num_lower_layers=num_lower_layers,
        stages=stages,
        distillation=taught,
    )


def plot(rows: list[dict[str, Any]], full: dict[str, Any], target: Path) -> None:
    """F1 by split, a line for each kind of loss and data set."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for dataset, colour in zip(full, ("C0", "C1"), strict=True):
        axes.axhline(full[dataset]["f1"], color=colour, linestyle=":", linewidth=1)
        for kind, style in (("taught", "o-"), ("gold", "s--")):
            points = [row for row in rows if row["kind"] == kind]
            splits = [row["num_lower_layers"] for row in points]
            values = [row["scores"][dataset]["f1"] for row in points]
            axes.plot(splits, values, style, color=colour, label=f"{dataset}, {KINDS[kind]}")
    axes.set_xlabel("lower layers k (of 6), run ahead of time")
    axes.set_ylabel("F1")
    axes.set_title("dotted: the full reader that all begin from", fontsize=9)
    axes.legend(fontsize=8)
    figure.savefig(target, dpi=130)


def main() -> None:
    """Train and score every reader, write the result, draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("full", type=Path)
    parser.add_argument("train", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("datasets", type=Path, nargs="+")
    parser.add_argument("--splits", type=int, nargs="+", default=[0, 1, 2, 3, 4, 5])
    parser.add_argument("--share", type=float, default=0.15, help="of the training questions")
    parser.add_argument("--sample", type=int, default=2000, help="questions of each data set")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    datasets = {d.name: sample(d, options.sample, options.seed) for d in options.datasets}
    reference = score(Reader.load(str(options.full), num_lower_layers=0), datasets)
    rows = []
    for k in options.splits:
        for kind in KINDS:
            if k == 0 and kind == "taught":
                continue  # it would learn from itself
            recipe = arm(options.full, kind, k, options.share)
            scores = train_and_score(recipe, options.train, options.runs / f"k{k}-{kind}", datasets)
            rows.append({"num_lower_layers": k, "kind": kind, "scores": scores})
            print(rows[-1], flush=True)
    content = {
        "recipe": RECIPE,
        "share": options.share,
        "sample_seed": options.seed,
        "full": reference,
        "rows": rows,
    }
    write_result("split-curve", content)
    plot(rows, reference, ROOT / "docs" / "split-curve.png")


if __name__ == "__main__":
    main()
