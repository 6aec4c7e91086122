"""Training several readers that differ in one thing, and scoring them on the same questions."""

import json
import random
from pathlib import Path

from preread.data import ReadingExample, read_examples
from preread.pipeline import ReadMode, evaluate_reader
from preread.reader import Reader
from preread.reader.training import Recipe
from preread.reader.training.run import train

Scores = dict[str, dict[str, float]]
"""EM, F1 and number of questions, by data set."""


def sample(path: Path, n: int, seed: int) -> list[ReadingExample]:
    """Some of the questions that have an answer."""
    examples = [example for example in read_examples(path) if example.answers]
    return random.Random(seed).sample(examples, n) if n < len(examples) else examples


def score(reader: Reader, datasets: dict[str, list[ReadingExample]]) -> Scores:
    """EM and F1 of a reader, by data set."""
    mode = ReadMode.DECOMPOSED if reader.config.num_lower_layers else ReadMode.FULL
    scores: Scores = {}
    for name, examples in datasets.items():
        found = evaluate_reader(reader, examples, mode=mode, show_progress=True)
        scores[name] = {key: found[key] for key in ("exact_match", "f1", "n_questions")}
    return scores


def train_and_score(
    recipe: Recipe, data: Path, folder: Path, datasets: dict[str, list[ReadingExample]]
) -> Scores:
    """Train a reader in a folder and score it; what is there already is not done again."""
    if not (folder / "reader").exists():
        train(recipe, data=data, output=folder, resume=True)
    scored = folder / "scores.json"
    if not scored.exists():
        reader = Reader.load(str(folder / "reader"), num_lower_layers=recipe.num_lower_layers)
        scored.write_text(json.dumps(score(reader, datasets)))
    scores: Scores = json.loads(scored.read_text())
    return scores
