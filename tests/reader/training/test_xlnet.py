"""XLNet learns, alone and from a full teacher, through the same run."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from preread.data import PrereadError, read_examples
from preread.reader import Reader
from preread.reader.comprehension import answer_examples
from preread.reader.training.recipe import DistillationConfig, Recipe, SourceConfig, StageConfig
from preread.reader.training.run import train


@pytest.mark.slow
def test_xlnet_learns_its_examples(
    base_checkpoint: Callable[[str], Path], train_file: Path, tmp_path: Path
) -> None:
    source = SourceConfig(file=train_file.name, titles=True)
    recipe = Recipe(
        base=str(base_checkpoint("xlnet")),
        num_lower_layers=1,
        stages=(StageConfig(sources=(source,), epochs=35),),
        learning_rate=0.003,
        dropout=0.0,
        attention_dropout=0.0,
    )
    full = replace(recipe, num_lower_layers=0, stages=(replace(recipe.stages[0], epochs=3),))
    teacher = train(full, data=tmp_path, output=tmp_path / "full")
    taught = replace(recipe, distillation=DistillationConfig(teacher=str(teacher), outputs=0.1))
    folder = train(taught, data=tmp_path, output=tmp_path / "taught")
    reader = Reader.load(str(folder))
    assert reader.config.base == "xlnet" and reader.config.num_lower_layers == 1
    for example, said in answer_examples(reader, read_examples(train_file)):
        assert said == example.answers[0]


def test_teacher_of_another_family_is_refused(
    base: Path, base_checkpoint: Callable[[str], Path], train_file: Path, tmp_path: Path
) -> None:
    recipe = Recipe(
        base=str(base),
        num_lower_layers=1,
        stages=(StageConfig(sources=(SourceConfig(file=train_file.name, titles=True),)),),
        distillation=DistillationConfig(teacher=str(base_checkpoint("xlnet"))),
    )
    with pytest.raises(PrereadError, match="base bert, as the student has, found xlnet"):
        train(recipe, data=tmp_path, output=tmp_path / "out")
