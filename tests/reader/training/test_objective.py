"""What a student and its teacher are run on, and what of it they share."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from preread.data import OnError
from preread.reader import Reader
from preread.reader.codecs import known_codec
from preread.reader.modeling.decomposed import DecomposedModel
from preread.reader.modeling.question_answering import DeformerForQuestionAnswering
from preread.reader.packing import Packed
from preread.reader.text.windows import load_tokenizer
from preread.reader.training import Recipe
from preread.reader.training.batches import Batch
from preread.reader.training.datasets import DataLoader
from preread.reader.training.objective import SpanObjective, Teacher
from preread.reader.training.recipe import DistillationConfig, SourceConfig, StageConfig
from preread.reader.training.starting import load_student
from preread.reader.training.tasks import task_of

Student = Callable[..., DecomposedModel]
CONFIG = DistillationConfig(teacher="full", num_lower_layers=1, outputs=2.0)


@pytest.fixture
def trained_on(base: Path) -> Recipe:
    """The training of a base's upper layer alone."""
    return Recipe(
        base=str(base),
        num_lower_layers=1,
        freeze_layers=1,
        stages=(StageConfig(sources=(SourceConfig(file="train.jsonl", titles=True),)),),
        dropout=0.0,
        attention_dropout=0.0,
        null_weight=0.5,
        max_rows=100,
    )


@pytest.fixture
def student(base: Path, trained_on: Recipe) -> Student:
    """Makes what is trained, by the recipe changed so and so."""

    def make(**changes: Any) -> DecomposedModel:
        torch.manual_seed(1)  # the base has no head
        changed = replace(trained_on, **changes)
        return load_student(changed, task_of(changed), str(base))

    return make


@pytest.fixture
def batch(base: Path, train_file: Path, trained_on: Recipe) -> Batch:
    """All questions of the training set."""
    encoder = Reader.load(str(base), num_lower_layers=1).encoder
    batches = DataLoader(trained_on, base.parent, OnError.FAIL).load(encoder).batches
    assert len(batches) == 1
    return batches[0]


def test_states_that_the_teacher_shares_are_made_once_and_change_no_loss(
    base: Path, student: Student, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = student()
    assert isinstance(model, DeformerForQuestionAnswering)
    torch.manual_seed(2)  # another head
    teacher = Teacher.load(CONFIG, str(base), model)
    assert teacher.shares_lower
    codec = known_codec("int8", Reader(model, load_tokenizer(str(base)), name="", device="cpu"))
    model.stored_as = lambda states, ids: codec.decode(codec.encode(states, ids), ids)
    runs = 0
    real = DecomposedModel.lower

    def counted(self: DecomposedModel, *args: Any) -> Packed:
        nonlocal runs
        runs += 1
        return real(self, *args)

    monkeypatch.setattr(DecomposedModel, "lower", counted)
    shared = SpanObjective(teacher, 0.5).losses(model, batch)
    assert runs == 2
    apart = SpanObjective(replace(teacher, shares_lower=False), 0.5).losses(model, batch)
    assert runs == 6
    assert {name: loss.item() for name, loss in shared.items()} == {
        name: loss.item() for name, loss in apart.items()
    }
    assert shared["layers"] > 0 and shared["outputs"] > 0
    rounded = SpanObjective(replace(teacher, in_bfloat16=True), 0.5).losses(model, batch)
    for name, loss in rounded.items():
        assert loss.dtype == torch.float32
        assert loss.item() == pytest.approx(shared[name].item(), rel=0.05, abs=1e-3)
    assert rounded["layers"] != shared["layers"]
    sum(shared.values()).backward()  # type: ignore[union-attr]
    learned = {name for name, weight in model.named_parameters() if weight.grad is not None}
    assert learned and not any(name.startswith(("embedder", "layers.0")) for name in learned)


@pytest.mark.parametrize(
    "changes",
    [
        {"freeze_layers": 0},
        {"dropout": 0.1},
        {"attention_dropout": 0.1},
        {"num_lower_layers": 2, "freeze_layers": 2},
    ],
)
def test_nothing_is_shared_where_states_are_not_the_same(
    base: Path, student: Student, changes: dict[str, Any]
) -> None:
    assert not Teacher.load(CONFIG, str(base), student(**changes)).shares_lower


def test_nothing_is_shared_with_a_teacher_of_other_lower_weights(
    base: Path, student: Student
) -> None:
    model = student()
    with torch.no_grad():
        model.get_parameter("layers.0.expand.weight")[0, 0] += 1e-3
    assert not Teacher.load(CONFIG, str(base), model).shares_lower
