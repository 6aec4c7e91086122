"""A whole training: what it learns, what it leaves behind, how it goes on after a kill."""

import csv
import json
import os
import runpy
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest
import torch
from preread.data import DataError, OnError, PrereadError
from preread.reader import Ranking, Reader
from preread.reader.comprehension import answer_examples
from preread.reader.ranking import VectorRanking
from preread.reader.training import Recipe, recipe_path
from preread.reader.training.datasets import lay_out_epochs
from preread.reader.training.recipe import (
    DistillationConfig,
    HeldOutConfig,
    SourceConfig,
    StageConfig,
)
from preread.reader.training.run import train
from preread.reader.training.starting import load_student
from preread.reader.training.tasks import task_of
from preread.reader.training.trainer import last_checkpoint
from safetensors.torch import load_file

RECIPE = """
base = "{base}"
num_lower_layers = 1
learning_rate = 0.003
dropout = 0.0
attention_dropout = 0.0
precision = "float32"
max_rows = 10

[[stages]]
epochs = {epochs}
[[stages.sources]]
file = "{file}"
titles = true
negatives = {negatives}
"""


class Item:
    """Something to be batched."""

    def cost(self) -> int:
        """Rows that it takes of a batch."""
        return 5

    def longest(self) -> int:
        """Rows of its longest pair."""
        return 5


def recipe(base: Path, file: str = "train.jsonl", epochs: int = 60, negatives: int = 0) -> Recipe:
    """A recipe of one stage."""
    path = base.parent / "recipe.toml"
    path.write_text(RECIPE.format(base=base, file=file, epochs=epochs, negatives=negatives))
    return Recipe.load(path)


def log_of(output: Path) -> list[dict[str, float]]:
    """Rows of a run's log."""
    with (output / "log.csv").open() as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


@pytest.mark.slow
def test_a_run_learns_its_examples_and_saves_a_reader(base: Path, train_file: Path) -> None:
    from preread.data import read_examples

    output = base.parent / "out"
    folder = train(recipe(base), data=base.parent, output=output)
    losses = [row["loss"] for row in log_of(output)]
    assert losses[-1] < 0.5 * losses[0]
    reader = Reader.load(str(folder))
    assert reader.config.num_lower_layers == 1 and not reader.config.shared_normalization
    assert load_file(folder / "model.safetensors")["head.weight"].dtype == torch.float16
    for example, said in answer_examples(reader, read_examples(train_file)):
        assert said == example.answers[0]
    assert (output / "training.png").stat().st_size > 10_000


@pytest.mark.slow
def test_teacher_and_held_out_questions(base: Path, train_file: Path) -> None:
    output = base.parent / "out"
    plain = recipe(base, epochs=10)
    teacher = train(replace(plain, num_lower_layers=0), data=base.parent, output=output / "full")
    contexts = [json.loads(line) for line in train_file.read_text().splitlines()]
    for number, record in enumerate(contexts):  # three contexts, one of which is held back
        record["context"] += f" {number}"
    train_file.write_text("".join(json.dumps(r) + "\n" for r in contexts))
    student = replace(
        plain,
        distillation=DistillationConfig(teacher=str(teacher), layers=0.5),
        held_out=HeldOutConfig(contexts=1, every=5),
    )
    train(student, data=base.parent, output=output / "student")
    last = log_of(output / "student")[-1]
    assert last["loss"] == pytest.approx(last["gold"] + last["outputs"] + last["layers"], rel=0.02)
    with (output / "student" / "held-out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [5, 10, 15, 20]
    assert log_of(output / "student")[-1]["n_steps"] == 20  # two contexts, ten epochs


def test_teacher_of_another_shape_is_refused(
    base: Path, train_file: Path, tiny_reader_path: Path
) -> None:
    plain = replace(recipe(base), distillation=DistillationConfig(teacher=str(tiny_reader_path)))
    with pytest.raises(PrereadError, match="num_hidden_layers 2.*found 4"):
        train(plain, data=base.parent, output=base.parent / "out")


def mined_line(question: str, answer: str, context: str, negatives: list[str]) -> str:
    """A line as ``preread mine`` writes it."""
    positive = {"title": "Volcano", "text": context, "passage_id": "", "answer": answer}
    record = {
        "id": question,
        "question": question,
        "answers": [answer],
        "positive_ctxs": [positive | {"answer_start": context.index(answer)}],
        "negative_ctxs": [],
        "hard_negative_ctxs": [
            {"title": "Volcano", "text": text, "passage_id": str(i), "score": 1.0}
            for i, text in enumerate(negatives)
        ],
    }
    return json.dumps(record) + "\n"


@pytest.mark.slow
def test_shared_normalisation_learns_which_passage_answers(base: Path) -> None:
    answering = "Etna is a volcano on Sicily."
    other = "Vesuvius is a volcano near Naples."
    lines = [
        mined_line("where is etna?", "Sicily", answering, [other]),
        mined_line("where is vesuvius?", "Naples", other, [answering]),
    ]
    (base.parent / "mined.jsonl").write_text("".join(lines))
    chosen = replace(
        recipe(base, "mined.jsonl", epochs=60, negatives=1), null_weight=1.0, max_rows=200
    )
    folder = train(chosen, data=base.parent, output=base.parent / "out")
    reader = Reader.load(str(folder))
    assert reader.config.shared_normalization and reader.config.has_no_answer_score
    from preread.reader.inference.window_table import window_table

    encoded = reader.encoder.encode_passages([answering, other], ["Volcano"] * 2)
    windows = [w for group in encoded for w in group]
    table = window_table([(len(w.token_ids), w.n_prefix, w.first_token, p)
                          for p, w in enumerate(windows)])  # fmt: skip
    states = reader.window_states(windows)
    for question, passage in (("where is etna?", 0), ("where is vesuvius?", 1)):
        asked = reader.question_states(question)
        (best,) = reader.read(asked, states, table, n_best=1)
        assert best.passage == passage
        with torch.inference_mode():
            null = reader.model.upper(asked, states).null.sum(dim=1)
        assert null[1 - passage] > null[passage]


@pytest.mark.slow
def test_frozen_lower_layers_keep_the_fingerprint(base: Path, train_file: Path) -> None:
    out = base.parent
    before = Reader.load(str(train(recipe(base, epochs=2), data=out, output=out / "first")))
    chosen = replace(recipe(base, epochs=5), base=before.name, freeze_layers=1)
    after = Reader.load(str(train(chosen, data=out, output=out / "second")))
    assert after.fingerprint == before.fingerprint
    name = "layers.1.expand.weight"
    assert not torch.equal(after.model.get_parameter(name), before.model.get_parameter(name))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Computes as `warm_processes` do: the last bit depends on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_killed_run_resumes_to_the_same_weights(
    base: Path, train_file: Path, one_thread: None, warm_processes: ForkServerContext
) -> None:
    recipe(base, epochs=16)
    path, data = base.parent / "recipe.toml", base.parent
    text = path.read_text().replace("dropout = 0.0", "dropout = 0.1")
    path.write_text("save_every = 7\n" + text)
    whole, broken = data / "whole", data / "broken"
    arguments = {"data": data, "output": broken}
    process = warm_processes.Process(target=train, args=(Recipe.load(path),), kwargs=arguments)
    process.start()
    while not last_checkpoint(broken):
        assert process.is_alive(), "ended before its first checkpoint"
        time.sleep(0.01)
    process.kill()
    process.join()
    assert not (broken / "reader").exists()
    # What a kill in the middle of writing would leave is neither taken nor in the way.
    (broken / "unfinished" / "checkpoint-999").mkdir(parents=True, exist_ok=True)
    for output in (whole, broken):
        train(Recipe.load(path), data=data, output=output, resume=True)
    ends = [last_checkpoint(output) for output in (whole, broken)]
    first, second = (load_file(end / "model.safetensors") for end in ends if end is not None)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert [row["step"] for row in log_of(whole)] == [row["step"] for row in log_of(broken)]


@pytest.mark.slow
def test_several_processes_share_the_batches(
    base: Path, train_file: Path, warm_processes: ForkServerContext
) -> None:
    """Two, told of each other as by ``torchrun``: half the steps, one log, a reader that learned.

    Its variables: https://docs.pytorch.org/docs/stable/elastic/run.html#environment-variables.
    """
    recipe(base, epochs=60)
    path = base.parent / "recipe.toml"
    path.write_text("save_every = 50\n" + path.read_text())
    output = base.parent / "out"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = []
    for rank in map(str, range(2)):
        environment = shared | {"RANK": rank, "LOCAL_RANK": rank}
        command = ["train", str(path), str(output), "--data", str(base.parent), "--device", "cpu"]
        process = warm_processes.Process(target=_run_as_one_of, args=(environment, command))
        processes.append(process)
        processes[-1].start()
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0, 0]
    rows = log_of(output)
    assert rows[-1]["n_steps"] == 60 // 2  # all questions are one batch of each epoch
    assert [row["step"] for row in rows] == sorted({row["step"] for row in rows})
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]
    assert last_checkpoint(output) is not None
    assert Reader.load(str(output / "reader")).config.num_lower_layers == 1


def _run_as_one_of(environment: dict[str, str], command: list[str]) -> None:
    """Run a command in this process, which gets these variables."""
    os.environ |= environment
    sys.argv = ["preread", *command]
    runpy.run_module("preread.pipeline", run_name="__main__")


@pytest.mark.slow
def test_what_was_fitted_to_the_bases_logits_is_dropped(base: Path, train_file: Path) -> None:
    first = train(recipe(base, epochs=1), data=base.parent, output=base.parent / "first")
    assert Reader.load(str(first)).ranking == Ranking()
    vectors = (VectorRanking(encoder="e", similarity_weight=9.0),)
    fitted = Ranking(answer_temperature=2.0, confidence_weights=(0.0, 1.0, 0.0), vectors=vectors)
    fitted.save(first)
    assert Reader.load(str(first)).ranking == fitted
    trained = train(
        replace(recipe(base, epochs=1), base=str(first)),
        data=base.parent,
        output=base.parent / "out",
    )
    assert Reader.load(str(trained)).ranking == Ranking()


@pytest.mark.slow
def test_a_run_ends_early_where_its_recipe_says(base: Path, train_file: Path) -> None:
    output = base.parent / "out"
    train(replace(recipe(base, epochs=40), max_steps=20), data=base.parent, output=output)
    rows = log_of(output)
    assert rows[-1]["step"] == rows[-1]["n_steps"] == 20
    assert rows[-1]["learning_rate"] < rows[0]["learning_rate"]  # it has come down by then


def test_features_of_a_run_that_ends_early_are_those_it_gets_to() -> None:
    items = [Item() for _ in range(9)]
    stages = (StageConfig(sources=(SourceConfig(file="x", titles=False),), epochs=3, redraw=False),)
    whole = Recipe(base="x", num_lower_layers=1, max_rows=10, stages=stages)
    features, batches = lay_out_epochs(whole, lambda stage, seed: items)
    kept, early = lay_out_epochs(replace(whole, max_steps=2), lambda stage, seed: items)
    assert len(features) == 9 and len(batches) > len(early) == 2
    assert [[kept[i] for i in batch] for batch in early] == [
        [features[i] for i in batch] for batch in batches[:2]
    ]
    assert len(kept) == len({id(item) for item in kept}) < 9


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_base_that_cannot_be_loaded_leaves_no_folder(base: Path, missing: str) -> None:
    (base / missing).unlink()
    if missing == "tokenizer.json":
        (base / "vocab.txt").unlink(missing_ok=True)
    output = base.parent / "out"
    with pytest.raises(PrereadError, match=f"{base}: expected a checkpoint"):
        train(recipe(base), data=base.parent, output=output)
    assert not output.exists()


@pytest.mark.slow
def test_second_run_in_a_folder_must_be_a_resumed_one(base: Path, train_file: Path) -> None:
    output = base.parent / "out"
    chosen = recipe(base, epochs=2)
    train(chosen, data=base.parent, output=output)
    with pytest.raises(PrereadError, match="--resume"):
        train(chosen, data=base.parent, output=output)
    with pytest.raises(PrereadError, match="another recipe"):
        train(replace(chosen, seed=9), data=base.parent, output=output, resume=True)


def test_loss_that_is_no_number_stops_the_run(base: Path, train_file: Path) -> None:
    chosen = replace(recipe(base, epochs=50), learning_rate=1e30, warmup_ratio=0.0)
    output = base.parent / "out"
    with pytest.raises(PrereadError, match=r"loss at step \d+ is not a finite number"):
        train(chosen, data=base.parent, output=output)
    assert not (output / "reader").exists()


def test_answer_that_is_not_at_its_offset_is_named_or_skipped(
    base: Path, train_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = train_file.read_text().splitlines()
    bad = json.loads(lines[1]) | {"answer_starts": [3]}
    train_file.write_text("\n".join([lines[0], json.dumps(bad), lines[2]]))
    with pytest.raises(DataError, match=r"train.jsonl:2: "):
        train(recipe(base, epochs=1), data=base.parent, output=base.parent / "a")
    train(recipe(base, epochs=1), data=base.parent, output=base.parent / "b", on_error=OnError.SKIP)
    assert "1 " in caplog.text and "skipped" in caplog.text


ONE = 'base = "b"\nstages = [{{sources = [{{file = "x", titles = true}}]}}]\nnum_lower_layers = {}'
SOURCE = r"recipe\.toml: stages\[0\]\.sources\[0\]\.titles: expected a value, found none"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base = ", "expected TOML"),
        ('base = "b"\nnum_lower_layers = 1', "stages: expected a value, found none"),
        (ONE.format("1") + "\nspeed = 9", "speed: expected no field of this name, found 9"),
        (ONE.format('"1"'), "num_lower_layers: expected a valid integer, found '1'"),
        (ONE.format("true"), "num_lower_layers: expected a valid integer, found True"),
        (ONE.format("-1"), "num_lower_layers: expected a number greater than or equal to 0"),
        (ONE.format("1") + '\nprecision = "int3"', "precision: expected 'auto', .* found 'int3'"),
        ('base = "b"\nnum_lower_layers = 1\nstages = []', "stages: expected 1 items, found 0"),
        ('base = "b"\nnum_lower_layers = 1\n[[stages]]\nsources = [{file = "x"}]', SOURCE),
        (ONE.format("1") + "\nseed = 1979-05-27", "seed: expected a valid integer"),
    ],
)
def test_bad_recipe_is_a_clear_error(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(PrereadError, match=message):
        Recipe.load(tmp_path / "recipe.toml")


def test_missing_recipe_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(PrereadError, match="expected a TOML file, could not read it"):
        Recipe.load(tmp_path / "none.toml")


def test_shipped_recipes_load_by_name() -> None:
    folder = Path(str(files("preread.reader.training"))) / "recipes"
    names = [path.stem for path in folder.glob("*.toml")]
    assert "minilm-l6-split" in names
    for name in names:
        assert Recipe.load(recipe_path(name)).num_lower_layers in range(7)


@pytest.mark.parametrize("kind", ["random_negatives", "article_negatives", ""])
def test_scores_compare_where_questions_are_read_with_several_passages(
    kind: str, base: Path
) -> None:
    """The passages without the answer may be of any kind."""
    chosen = recipe(base)
    changes: dict[str, Any] = {kind: 1} if kind else {}
    source = SourceConfig(file="train.jsonl", titles=True, **changes)
    chosen = replace(chosen, stages=(StageConfig(sources=(source,)),))
    student = load_student(chosen, task_of(chosen), str(base))
    assert student.config.shared_normalization is bool(kind)


def test_a_source_has_negatives_of_one_kind(base: Path) -> None:
    path = base.parent / "recipe.toml"
    text = RECIPE.format(base=base, file="mined.jsonl", epochs=1, negatives=2)
    path.write_text(text + "random_negatives = 1\n")
    with pytest.raises(PrereadError, match=r"mined\.jsonl: expected negatives .* found both"):
        Recipe.load(path)
