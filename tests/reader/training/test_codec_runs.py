"""Trainings through a codec: what they begin from, and what they leave to be used."""

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from preread.data import PrereadError, read_corpus
from preread.data.sample import sample_corpus_path
from preread.indexer.files import sha256_of
from preread.reader import DeformerForQuestionAnswering, Reader
from preread.reader.codecs import (
    CodecName,
    QuantisedCodec,
    kept_codec,
    known_codec,
    learn_codec,
    load_codec,
    reader_of,
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
    fitted = {"codec": "rpq4", "passage_weight": 0.25, "scores_compare": True, "knows_null": True}
    (folder / "config.json").write_text(json.dumps(config | fitted))
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
    return replace(recipe(reader_path), freeze_layers=1, codec="rpq4", codec_rank=24)


@pytest.fixture
def comparing(coded: Recipe) -> Recipe:
    """The same, with other passages to compare: there are none in so small a file."""
    source = SourceConfig(file="train.jsonl", titles=True, random_negatives=1)
    return replace(coded, stages=(StageConfig(sources=(source,), epochs=5),), null_weight=0.5)


@pytest.fixture
def with_changes(coded: Recipe, reader_path: Path) -> Path:
    """The reader with the codec that such a training left: its newest upper layers."""
    folder = reader_path.parents[1]
    train(coded, data=folder, output=folder / "coded")
    shutil.copy(folder / "coded" / CODEC, reader_path / CODEC)
    return reader_path


def assert_same(found: Reader, wanted: Reader) -> None:
    """That two readers have the same weights, but for what float16 rounds."""
    weights = wanted.model.state_dict()
    for name, weight in found.model.state_dict().items():
        torch.testing.assert_close(weight, weights[name], rtol=1e-3, atol=1e-4, msg=name)


def test_upper_layers_learn_from_what_a_codec_gives_back(base: Path, train_file: Path) -> None:
    frozen = replace(recipe(base, epochs=20), freeze_layers=1)
    plain = train(frozen, data=base.parent, output=base.parent / "plain")
    coded = train(replace(frozen, codec="int8"), data=base.parent, output=base.parent / "coded")
    first, second = (load_file(folder / "model.safetensors") for folder in (plain, coded))
    differs = {name for name in first if not torch.equal(first[name], second[name])}
    assert differs and not any(name.startswith(("embedder", "layers.0")) for name in differs)
    assert Reader.load(str(coded)).config.codec == "int8"


def test_a_learned_codec_gets_what_the_upper_layers_changed(
    coded: Recipe, reader_path: Path
) -> None:
    """Its file is for the base; training goes on from what a codec has changed already."""
    before, folder = Reader.load(str(reader_path)), reader_path.parents[1]
    trained = Reader.load(str(train(coded, data=folder, output=folder / "out")))
    brought = load_codec(folder / "out" / CODEC, before)
    assert brought.upper is not None
    assert brought.supersedes == (sha256_of(reader_path / CODEC),)
    factors = {n: t.shape[1] for n, t in brought.upper.tensors.items() if n.endswith(".out")}
    assert max(factors.values()) == 24
    adapted = reader_of(brought, before).model.state_dict()
    moved = []
    for name, weight in trained.model.state_dict().items():
        was, now = before.model.state_dict()[name], adapted[name]
        assert float((now - weight).norm()) <= 0.5 * float((was - weight).norm()) + 1e-3, name
        moved.append(not torch.equal(was, weight))
    assert any(moved)

    given = str(folder / "out" / CODEC)
    still = replace(coded, codec=given, learning_rate=0)
    again = Reader.load(str(train(still, data=folder, output=folder / "again")))
    assert_same(again, reader_of(brought, before))
    brought = load_codec(folder / "again" / CODEC, before)
    kept = reader_of(brought, before).model.state_dict()
    for name, weight in kept.items():
        torch.testing.assert_close(weight, adapted[name], rtol=1e-2, atol=1e-3, msg=name)


@pytest.mark.parametrize("split", [1, 0])
def test_training_begins_with_the_upper_layers_that_the_base_reads_with(
    with_changes: Path, split: int
) -> None:
    before, folder = Reader.load(str(with_changes)), with_changes.parents[1]
    still = replace(recipe(with_changes), num_lower_layers=split, learning_rate=0)
    output = train(still, data=folder, output=folder / "still")
    newest = reader_of(None, before)
    assert newest is not before
    assert_same(Reader.load(str(output)), newest)


def test_a_teacher_is_what_its_reader_reads_with(with_changes: Path, reader_path: Path) -> None:
    newest = reader_of(None, Reader.load(str(with_changes)))
    teacher = Teacher.load(
        DistillationConfig(teacher=str(with_changes), num_lower_layers=1),
        str(with_changes),
        newest.model,
    )
    assert isinstance(teacher.model, DeformerForQuestionAnswering)
    assert_same(newest.with_model(teacher.model), newest)


def test_what_a_codec_run_leaves_reads_the_indexes_of_its_base(
    comparing: Recipe, reader_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As it was trained, without a warning, and with the base's ranking."""
    folder = reader_path.parents[1]
    trained = Reader.load(str(train(comparing, data=folder, output=folder / "out")))
    of_index = kept_codec(reader_path / CODEC, sha256_of(reader_path / CODEC), "rpq4", trained)
    own = known_codec("rpq4", trained)
    assert isinstance(of_index, QuantisedCodec) and isinstance(own, QuantisedCodec)
    assert of_index.sha256 == own.sha256 == sha256_of(folder / "out" / "reader" / CODEC)
    with caplog.at_level(logging.WARNING):
        assert reader_of(of_index, trained) is trained
        assert reader_of(None, trained) is trained
    assert not caplog.records
    assert trained.config.passage_weight == 0.25 and trained.config.scores_compare


def test_ranking_is_not_kept_where_comparing_is_not_trained(
    coded: Recipe, reader_path: Path
) -> None:
    folder = reader_path.parents[1]
    config = Reader.load(str(train(coded, data=folder, output=folder / "out"))).config
    assert not config.scores_compare and not config.knows_null and config.passage_weight == 0


def test_codec_is_refused_while_lower_layers_learn(base: Path) -> None:
    with pytest.raises(PrereadError, match="codec int8 needs the lower layers frozen"):
        replace(recipe(base), codec="int8")


def test_codec_that_has_to_be_learned_first_is_refused(base: Path, train_file: Path) -> None:
    coded = replace(recipe(base), freeze_layers=1, codec="rpq8")
    with pytest.raises(PrereadError, match="rpq8 has to be learned, and does not come with"):
        train(coded, data=base.parent, output=base.parent / "out")
