"""What does it cost to split deeper, and what does the teacher give back?

    python benchmarks/split_curve.py FULL TRAIN RUNS SQUAD NQ --share 0.15 --sample 2000

From the weights of FULL, the full reader, one reader is trained for every split k and every kind of
loss, each with the same questions in the same order: with gold spans alone, and with knowledge
distillation and layerwise representation similarity (Cao et al. 2020, section 3.3) from FULL. k = 0
with gold spans alone shows what the training itself does. Every reader then reads the same
questions of SQuAD and NQ. Runs that are complete in RUNS are not repeated.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import ROOT, add_sample, command_line, drawn, write_result
from matplotlib.figure import Figure
from preread.data import ReadingExample
from preread.pipeline import ReadMode
from preread.reader import Reader
from preread.reader.training import Recipe
from training_runs import answerable, load_recipe, scores_of, trained, with_share

RECIPE = "minilm-l6-student"
KINDS = {"gold": "gold spans alone", "taught": "with teacher: KD and LRS"}


Scores = dict[str, dict[str, float]]
"""EM, F1 and number of questions, by data set."""


def arm(full: Path, kind: str, num_lower_layers: int, share: float) -> Recipe:
    """The recipe of one reader."""
    recipe = with_share(load_recipe(RECIPE), share)
    assert recipe.distillation is not None
    taught = replace(recipe.distillation, teacher=str(full)) if kind == "taught" else None
    return replace(recipe, base=str(full), num_lower_layers=num_lower_layers, distillation=taught)


def score(reader: Reader, datasets: dict[str, list[ReadingExample]]) -> Scores:
    """Scores of a reader, as it was split."""
    mode = ReadMode.DECOMPOSED if reader.config.num_lower_layers else ReadMode.FULL
    return scores_of(reader, datasets, mode)


def train_and_score(
    recipe: Recipe, data: Path, folder: Path, datasets: dict[str, list[ReadingExample]]
) -> Scores:
    """Train a reader in a folder and score it; what is there already is not done again."""
    path = trained(recipe, data, folder)
    scored = folder / "scores.json"
    if not scored.exists():
        reader = Reader.load(str(path), num_lower_layers=recipe.num_lower_layers)
        scored.write_text(json.dumps(score(reader, datasets)))
    scores: Scores = json.loads(scored.read_text())
    return scores


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
    parser = command_line(__doc__)
    parser.add_argument("full", type=Path)
    parser.add_argument("train", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("datasets", type=Path, nargs="+")
    parser.add_argument("--splits", type=int, nargs="+", default=[0, 1, 2, 3, 4, 5])
    parser.add_argument("--share", type=float, default=0.15, help="of the training questions")
    add_sample(parser, "questions of each data set", default=2000)
    options = parser.parse_args()
    datasets = {
        d.name: drawn(answerable(d), options.sample, options.seed) for d in options.datasets
    }
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
    plot(rows, reference, ROOT / "docs" / "measurements" / "split-curve.png")


if __name__ == "__main__":
    main()
