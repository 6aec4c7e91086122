"""Training on pairs of texts: what is learned, alone and from a teacher, and what is refused."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from preread.data import ChoiceExample, PairExample, PrereadError, read_choices, read_pairs
from preread.reader import PairReader, Reader
from preread.reader.config import Stored
from preread.reader.pairs.features import PairEncoder, PairFeature, pack_pairs
from preread.reader.pairs.models import PairLogits
from preread.reader.training.pairs.batches import collate_pairs
from preread.reader.training.pairs.objective import PairObjective
from preread.reader.training.recipe import (
    DistillationConfig,
    HeldOutConfig,
    Recipe,
    SourceConfig,
    StageConfig,
    TaskConfig,
    TaskKind,
)
from preread.reader.training.run import train
from torch import nn

TASK = """
base = "{base}"
num_lower_layers = 1
learning_rate = 0.003
dropout = 0.0
attention_dropout = 0.0
precision = "float32"

[task]
kind = "classification"
labels = ["false", "true"]
max_first_length = 16
max_second_length = 24
stored_segment = "first"

[[stages]]
epochs = {epochs}
[[stages.sources]]
file = "pairs.jsonl"
titles = false
"""
PAIRS = [
    ("is etna on sicily", "Etna is on Sicily.", "true"),
    ("is etna in rome", "Etna is on Sicily.", "false"),
    ("is rome a city", "Rome is a city in Italy.", "true"),
    ("is rome a volcano", "Rome is a city in Italy.", "false"),
]


@pytest.fixture
def folder(base: Path) -> Path:
    """A folder with a base and `PAIRS`."""
    records = [{"text_a": a, "text_b": b, "label": label} for a, b, label in PAIRS]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (base.parent / "pairs.jsonl").write_text(lines)
    return base.parent


def recipe(folder: Path, epochs: int = 30) -> Recipe:
    """A recipe of one stage."""
    path = folder / "recipe.toml"
    path.write_text(TASK.format(base=folder / "base", epochs=epochs))
    return Recipe.load(path)


def columns(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_run_learns_its_pairs_and_saves_a_reader(folder: Path) -> None:
    reader = PairReader.load(str(train(recipe(folder), data=folder, output=folder / "out")))
    assert reader.labels == ("false", "true") and reader.config.num_lower_layers == 1
    assert reader.config.stored_segment == "first"
    assert reader.config.max_question_length == 16 and reader.config.window_length == 24
    judged = list(reader.judge(read_pairs(folder / "pairs.jsonl")))
    assert [said for _, said in judged] == [feature.gold for feature, _ in judged] == [1, 0, 1, 0]
    with pytest.raises(PrereadError, match="damaged, or config.json is another model's"):
        Reader.load(str(folder / "out" / "reader"))


@pytest.mark.slow
def test_a_teacher_of_the_same_task_is_learned_from(folder: Path) -> None:
    plain = recipe(folder, epochs=6)
    full = train(replace(plain, num_lower_layers=0), data=folder, output=folder / "full")
    taught = replace(
        plain,
        distillation=DistillationConfig(teacher=str(full), layers=0.5),
        held_out=HeldOutConfig(contexts=1, every=3),
    )
    train(replace(taught, stages=(replace(plain.stages[0], epochs=12),)),
          data=folder, output=folder / "taught")  # fmt: skip
    last = {
        name: float(value) for name, value in columns(folder / "taught" / "log.csv")[-1].items()
    }
    assert last["loss"] == pytest.approx(last["gold"] + last["outputs"] + last["layers"], rel=0.02)
    scores = columns(folder / "taught" / "held-out.csv")
    assert [int(row["step"]) for row in scores] == [3, 6, 9, 12]
    assert all(float(row["accuracy"]) in (0.0, 50.0, 100.0) for row in scores)
    assert (folder / "taught" / "training.png").stat().st_size > 10_000


def test_a_teacher_of_another_task_is_refused(folder: Path) -> None:
    taught = replace(recipe(folder), distillation=DistillationConfig(teacher="default"))
    message = "a DeformerForSequenceClassification, found DeformerForQuestionAnswering"
    with pytest.raises(PrereadError, match=message):
        train(taught, data=folder, output=folder / "out")


@pytest.mark.slow
def test_choices_are_learned_from_articles(folder: Path) -> None:
    article = {
        "article": "Etna is on Sicily.",
        "questions": ["Where is Etna?", "What is on Sicily?"],
        "options": [["Rome", "Sicily", "Naples"], ["Etna", "Rome"]],
        "answers": ["B", "A"],
    }
    (folder / "race").mkdir()
    (folder / "race" / "1.txt").write_text(json.dumps(article))
    task = TaskConfig(kind=TaskKind.CHOICE, max_first_length=20, max_second_length=24)
    source = SourceConfig(file="race", titles=False)
    chosen = replace(recipe(folder), task=task, stages=(StageConfig(sources=(source,), epochs=30),))
    reader = PairReader.load(str(train(chosen, data=folder, output=folder / "out")))
    said = [said for _, said in reader.judge(read_choices(folder / "race"))]
    assert reader.labels == () and said == [1, 0]


def test_losses_of_a_classifier_by_hand() -> None:
    """Two pairs of two labels: logits 3:1 for the gold one, and none."""

    class Fixed(nn.Module):
        """Says what it was told to."""

        def __init__(self, logits: list[list[float]], level: float) -> None:
            super().__init__()
            self._logits, self._level = torch.tensor(logits), level

        def forward(self, *inputs: object, keep_hidden: bool) -> PairLogits:
            rows = torch.full((5, 2), self._level)
            return PairLogits(self._logits, rows[:2] * 2, (rows,) if keep_hidden else ())

    from preread.reader.training.objective import Teacher

    features = [PairFeature(((1, 2),), (3,), 0), PairFeature(((1,),), (3,), 1)]
    batch = collate_pairs(features, n_labels=2)
    assert batch.gold.tolist() == [0, 3] and batch.example.tolist() == [0, 0, 1, 1]
    student = Fixed([[math.log(3.0), 0.0], [0.0, 0.0]], 0.0)
    gold = (math.log(4 / 3) + math.log(2)) / 2
    assert PairObjective().losses(student, batch)["gold"].item() == pytest.approx(gold)
    # T = 2: the student says sqrt(3):1 and 1:1, the teacher 1:1 and 1:1.
    root = math.sqrt(3.0)
    divergence = 0.5 * math.log(0.5 * (root + 1) / root) + 0.5 * math.log(0.5 * (root + 1))
    config = DistillationConfig(teacher="full", gold=0.5, outputs=2.0, layers=3.0)
    teacher = Teacher(Fixed([[0.0, 0.0], [7.0, 7.0]], 1.0), config)  # type: ignore[arg-type]
    losses = PairObjective(teacher).losses(student, batch)
    assert losses["gold"].item() == pytest.approx(0.5 * gold)
    assert losses["outputs"].item() == pytest.approx(2 * 4 * divergence / 2, rel=1e-5)
    # One layer whose rows differ by 1, and what the classifier is given, by 2.
    assert losses["layers"].item() == pytest.approx(3 * (1 + 4) / 2)


def test_choices_share_one_softmax_however_many_they_are() -> None:
    features = [PairFeature(((1,), (2,), (3,)), (9,), 2), PairFeature(((1,), (4,)), (9,), 1)]
    batch = collate_pairs(features, n_labels=0)
    assert batch.example.tolist() == [0, 0, 0, 1, 1] and batch.gold.tolist() == [2, 4]
    # Equal texts go through the lower layers once.
    assert batch.inputs.pairs == [(0, 0), (1, 0), (2, 0), (0, 0), (3, 0)]
    assert len(batch.inputs.seconds) == 1
    assert features[0].cost() == 6 and features[0].longest() == 2


def test_texts_are_cut_and_counted(tiny_reader: Reader) -> None:
    encoder = PairEncoder(tiny_reader.encoder, ("no", "yes"))
    long = "word " * 80
    examples = [PairExample("1", "short", long, "yes"), PairExample("2", long, "short", "no")]
    first, second = encoder.encode(examples)
    assert encoder.cut == {"first": 1, "second": 1}
    config = tiny_reader.config
    assert len(first.second) == config.window_length and first.second[-1] == second.second[-1]
    assert len(second.firsts[0]) == config.max_question_length
    assert len(pack_pairs([first, second]).firsts) == 2
    with pytest.raises(PrereadError, match=r"pair '3': .*\(no, yes\), found 'maybe'"):
        encoder.encode([PairExample("3", "a", "b", "maybe")])
    (choice,) = encoder.encode([ChoiceExample("4", ("q a", "q b"), "passage", 1)])
    assert choice.gold == 1 and len(choice.firsts) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"classification"', '"span"', "expected 'classification' or 'choice', found 'span'"),
        ('"first"', '"third"', "expected 'first' or 'second', found 'third'"),
        ('["false", "true"]', '["true"]', r"two labels or more .* found \['true'\]"),
        ('["false", "true"]', '"true"', "labels: expected a valid array, found 'true'"),
        ('"classification"', '"choice"', "expected no labels in a .task. of kind choice"),
        ("titles = false", "titles = true", "has no titles"),
        ("titles = false", "titles = false\nnegatives = 2", "has no negatives"),
        ("num_lower_layers = 1", "num_lower_layers = 1\nnull_weight = 1.0", "has no null_weight"),
    ],
)
def test_what_pairs_do_not_have_is_refused(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(TASK.format(base="b", epochs=1).replace(old, new, 1))
    with pytest.raises(PrereadError, match=message):
        Recipe.load(path)


def test_stored_segment_of_a_recipe_is_one_of_two(folder: Path) -> None:
    task = recipe(folder).task
    assert task is not None and task.stored_segment is Stored.FIRST
