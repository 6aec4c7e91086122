"""From a recipe's data sets to features."""

import json
from pathlib import Path

import pytest
from preread.reader import Reader
from preread.reader.training import Recipe
from preread.reader.training.datasets import DataLoader
from preread.reader.training.recipe import SourceConfig, StageConfig

N_CONTEXTS, N_QUESTIONS = 12, 4


@pytest.mark.parametrize(
    ("weight", "n_examples", "n_windows"), [(0.25, 12, 3), (1.0, 48, 12), (1.5, 72, 12)]
)
def test_part_of_the_questions_is_all_those_of_some_contexts(
    weight: float, n_examples: int, n_windows: int, tiny_reader: Reader, tmp_path: Path
) -> None:
    with (tmp_path / "train.jsonl").open("w") as file:
        for context in range(N_CONTEXTS):
            for number in range(N_QUESTIONS):
                text = f"the town has {context} bridges"
                record: dict[str, object] = {"id": f"{context}-{number}", "context": text}
                record |= {"question": f"how many {number}"}
                record |= {"answers": [str(context)], "answer_starts": [13]}
                file.write(json.dumps(record) + "\n")
    source = SourceConfig(file="train.jsonl", titles=False, weight=weight)
    stages = (StageConfig(sources=(source,)),)
    recipe = Recipe(base="default", num_lower_layers=1, stages=stages, questions_per_window=8)
    features = DataLoader(recipe, tmp_path).load(tiny_reader.encoder).batches.features
    assert sum(len(f.questions) for f in features) == n_examples
    assert len({f.windows[0] for f in features}) == n_windows
    assert len(features) == n_windows
