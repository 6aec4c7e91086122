"""Trainings through a codec: what they begin from, and what they leave to be used."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from preread.data import PrereadError, read_corpus
from preread.data.sample import sample_corpus_path
from preread.indexer.storage.files import sha256_of
from preread.reader import DeformerForQuestionAnswering, Ranking, Reader
from preread.reader.codecs import (
    CodecName,
    known_codec,
    learn_codec,
    sample_states,
    save_codec,
)
from preread.reader.training import Recipe
from preread.reader.training.objective import Teacher
from preread.reader.training.recipe import DistillationConfig, SourceConfig, StageConfig
from preread.reader.training.run import train
from safetensors.torch import load_file

pytestmark = pytest.mark.slow
CODEC = "codec-rpq4.safetensors"
RPQ4 = CodecName.parse("rpq4")
RANKING = Ranking(passage_weight=0.25, confidence_weights=(0.5, 1.0, 0.1), stop_margin=4.0)


def recipe(base: Path, epochs: int = 5) -> Recipe:
    """A recipe of one stage, in float32."""
    source = SourceConfig(file="train.jsonl", titles=True)
    return Recipe(
        base=str(base),
        num_lower_layers=1,
        stages=(StageConfig(sources=(source,), epochs=epochs),),
        learning_rate=0.003,
        dropout=0.0,
        attention_dropout=0.0,
        max_rows=10,
    )


@pytest.fixture(scope="module")
def first_run(lesson: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The questions, a trained reader, and beside it a codec that changes nothing yet."""
    root = tmp_path_factory.mktemp("runs")
    shutil.copy(lesson / "train.jsonl", root)
    folder = train(recipe(lesson / "base", epochs=2), data=root, output=root / "first")
    config = json.loads((folder / "config.json").read_text())
    known = {"codec": "rpq4", "shared_normalization": True, "has_no_answer_score": True}
    (folder / "config.json").write_text(json.dumps(config | known))
    RANKING.save(folder)
    reader = Reader.load(str(folder))
    passages = list(read_corpus(sample_corpus_path()))[:150]
    learned = learn_codec(CodecName.parse("rpq4"), reader, sample_states(reader, passages))
    save_codec(learned, reader, folder / CODEC)
    return root


@pytest.fixture
def reader_path(first_run: Path, tmp_path: Path) -> Path:
    """That reader, in a folder of the test's own."""
    shutil.copytree(first_run, tmp_path, dirs_exist_ok=True)
    return tmp_path / "first" / "reader"


@pytest.fixture
def coded(reader_path: Path) -> Recipe:
    """A training of that reader's upper layers, through its codec."""
    return replace(recipe(reader_path), freeze_layers=1, codec="rpq4")


@pytest.fixture
def comparing(coded: Recipe) -> Recipe:
    """The same, with other passages to compare: there are none in so small a file."""
    source = SourceConfig(file="train.jsonl", titles=True, random_negatives=1)
    return replace(coded, stages=(StageConfig(sources=(source,), epochs=5),), null_weight=0.5)


def assert_same(found: Reader, wanted: Reader) -> None:
    """That two readers have the same weights, but for what float16 rounds."""
    weights = wanted.model.state_dict()
    for name, weight in found.model.state_dict().items():
        wanted_weight = weights[name].float()  # a loaded reader has a word table in float16
        torch.testing.assert_close(weight.float(), wanted_weight, rtol=1e-3, atol=1e-4, msg=name)


def test_upper_layers_learn_from_what_a_codec_gives_back(base: Path, train_file: Path) -> None:
    frozen = replace(recipe(base, epochs=20), freeze_layers=1)
    plain = train(frozen, data=base.parent, output=base.parent / "plain")
    coded = train(replace(frozen, codec="int8"), data=base.parent, output=base.parent / "coded")
    first, second = (load_file(folder / "model.safetensors") for folder in (plain, coded))
    differs = {name for name in first if not torch.equal(first[name], second[name])}
    assert differs and not any(name.startswith(("embedder", "layers.0")) for name in differs)
    assert Reader.load(str(coded)).config.codec == "int8"


def test_a_run_through_a_learned_codec_leaves_a_reader_with_that_codec(
    coded: Recipe, reader_path: Path
) -> None:
    """It begins with the base's upper layers, and a second run begins with what the first left."""
    before, folder = Reader.load(str(reader_path)), reader_path.parents[1]
    output = train(coded, data=folder, output=folder / "out")
    trained = Reader.load(str(output))
    assert trained.fingerprint == before.fingerprint
    assert sha256_of(output / CODEC) == sha256_of(reader_path / CODEC)
    assert trained.config.codec == "rpq4" and known_codec("rpq4", trained).name == RPQ4
    was = before.model.state_dict()
    moved = {n for n, w in trained.model.state_dict().items() if not torch.equal(w, was[n])}
    assert moved and not any(name.startswith(("embedder", "layers.0")) for name in moved)

    still = replace(coded, base=str(output), learning_rate=0)
    again = Reader.load(str(train(still, data=folder, output=folder / "again")))
    assert_same(again, trained)
    given = replace(coded, codec=str(output / CODEC), learning_rate=0)
    assert_same(Reader.load(str(train(given, data=folder, output=folder / "given"))), before)


def test_a_teacher_has_the_weights_of_its_reader(reader_path: Path) -> None:
    reader = Reader.load(str(reader_path))
    config = DistillationConfig(teacher=str(reader_path), num_lower_layers=1)
    teacher = Teacher.load(config, str(reader_path), reader.model)
    assert isinstance(teacher.model, DeformerForQuestionAnswering)
    assert_same(reader.with_model(teacher.model), reader)


def test_ranking_is_kept_where_passages_are_compared_on(
    comparing: Recipe, reader_path: Path
) -> None:
    folder = reader_path.parents[1]
    trained = Reader.load(str(train(comparing, data=folder, output=folder / "out")))
    assert trained.ranking == RANKING and trained.config.shared_normalization


def test_ranking_is_not_kept_where_comparing_is_not_trained(
    coded: Recipe, reader_path: Path
) -> None:
    folder = reader_path.parents[1]
    trained = Reader.load(str(train(coded, data=folder, output=folder / "out")))
    assert not trained.config.shared_normalization and not trained.config.has_no_answer_score
    assert trained.ranking == Ranking()


def test_codec_is_refused_while_lower_layers_learn(base: Path) -> None:
    with pytest.raises(PrereadError, match="codec int8 needs the lower layers frozen"):
        replace(recipe(base), codec="int8")


def test_codec_that_has_to_be_learned_first_is_refused(base: Path, train_file: Path) -> None:
    coded = replace(recipe(base), freeze_layers=1, codec="rpq8")
    with pytest.raises(PrereadError, match="rpq8 has to be learned, and does not come with"):
        train(coded, data=base.parent, output=base.parent / "out")
