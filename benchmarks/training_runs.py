"""Training several readers that differ in one respect, each only once."""

from dataclasses import replace
from pathlib import Path

from preread.data import ReadingExample, read_examples
from preread.pipeline import ReadMode, evaluate_reader
from preread.reader import Reader
from preread.reader.codecs import Codec
from preread.reader.training import Recipe, recipe_path
from preread.reader.training.run import train

RECIPES = Path(__file__).parent / "recipes"
"""Recipes of experiments; those for users are in the package."""


def load_recipe(name: str) -> Recipe:
    """A recipe by its name, of an experiment or of the package."""
    of_experiment = RECIPES / f"{name}.toml"
    return Recipe.load(of_experiment if of_experiment.exists() else recipe_path(name))


def with_share(recipe: Recipe, share: float) -> Recipe:
    """The recipe with so much of every data set."""
    stages = tuple(
        replace(stage, sources=tuple(replace(source, weight=share) for source in stage.sources))
        for stage in recipe.stages
    )
    return replace(recipe, stages=stages)


def trained(recipe: Recipe, data: Path, folder: Path) -> Path:
    """Train a reader in a folder, unless that is done already; the reader's folder."""
    reader = folder / "reader"
    return reader if reader.exists() else train(recipe, data=data, output=folder, resume=True)


def n_steps(folder: Path) -> int:
    """Steps of a run, by its log."""
    return int((folder / "log.csv").read_text("utf-8").splitlines()[-1].split(",")[1])


def scores_of(
    reader: Reader,
    datasets: dict[str, list[ReadingExample]],
    mode: ReadMode,
    codec: Codec | None = None,
) -> dict[str, dict[str, float]]:
    """EM, F1 and number of questions, by data set."""
    scores = {}
    for name, examples in datasets.items():
        found = evaluate_reader(reader, examples, mode=mode, codec=codec, show_progress=True)
        scores[name] = {key: found[key] for key in ("exact_match", "f1", "n_questions")}
    return scores


def answerable(path: Path) -> list[ReadingExample]:
    """The questions of a data set that have an answer."""
    return [example for example in read_examples(path) if example.answers]
