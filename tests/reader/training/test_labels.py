"""A teacher's stored logits: what is written, what is refused, and what is learned from them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from preread.data import PrereadError
from preread.reader import DeformerForQuestionAnswering, Packed, Reader
from preread.reader.inference.mixed_precision import MixedPrecision
from preread.reader.training import Recipe
from preread.reader.training.batches import collate
from preread.reader.training.datasets import DataLoader
from preread.reader.training.features import Feature, FeatureMaker
from preread.reader.training.labels import FEATURES_PER_PART, label_features, load_labels
from preread.reader.training.objective import SpanObjective, Teacher
from preread.reader.training.piece_map import PieceMap
from preread.reader.training.recipe import DistillationConfig, SourceConfig, StageConfig
from preread.reader.training.run import train
from transformers import MPNetConfig, MPNetForQuestionAnswering, PreTrainedTokenizerFast


@pytest.fixture(scope="module")
def mpnet(
    mpnet_tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory
) -> Reader:
    """A full MPNet of other sizes than the student, with random weights."""
    torch.manual_seed(5)
    config = MPNetConfig(
        vocab_size=len(mpnet_tokenizer),
        hidden_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=270,
        initializer_range=0.2,
    )
    folder = tmp_path_factory.mktemp("mpnet")
    MPNetForQuestionAnswering(config).save_pretrained(folder)
    mpnet_tokenizer.save_pretrained(folder)
    return Reader.load(str(folder), num_lower_layers=0)


def recipe(base: Path, **changes: Any) -> Recipe:
    """A training of one question after another, each with other texts."""
    source = SourceConfig(file="train.jsonl", titles=True)
    stage = StageConfig(sources=(source,), epochs=2, redraw=False)
    fields: dict[str, Any] = {
        "stages": (stage,),
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "null_weight": 0.5,
        "max_rows": 30,
        "questions_per_window": 1,
    }
    return Recipe(base=str(base), num_lower_layers=1, **fields | changes)


def features_of(chosen: Recipe, base: Path) -> list[Feature]:
    """What a recipe trains on."""
    student = Reader.load(str(base), num_lower_layers=1)
    return list(DataLoader(chosen, base.parent).load(student.encoder).batches.features)


def test_logits_are_those_of_the_teacher_on_the_same_pieces(
    mpnet: Reader, tiny_reader: Reader, tmp_path: Path
) -> None:
    """Titled and untitled windows, several to a question and several questions to a window."""
    from preread.data import OpenDomainExample, Passage, ReadingExample

    maker = FeatureMaker(tiny_reader.encoder)
    text = "Etna lies on Sicily."
    passages = (Passage("", "Stromboli is a volcano.", "Aeolian Islands"), Passage("", "A toy."))
    asked = OpenDomainExample("1", "where?", ("Sicily",), Passage("", text), "Sicily", 13, passages)
    examples = [
        ReadingExample(str(n), question, text, (answer,), (text.index(answer),), "Etna")
        for n, (question, answer) in enumerate((("where?", "Sicily"), ("what is it?", "Etna")))
    ]
    features = [*maker.open_domain([asked]), *maker.reading(examples, 2)]
    report = label_features(
        features,
        tiny_reader.tokenizer,
        mpnet,
        tmp_path / "labels",
        precision=MixedPrecision.FLOAT32,
    )
    assert (report.n_features, report.n_pairs) == (2, 5)
    labels = load_labels(tmp_path / "labels", features)
    assert report.n_rows == sum(len(one.start) for one in labels)

    tokenizer = mpnet.tokenizer
    for question, (title, passage), found in (
        ("where?", ("", text), (labels[0], 0)),
        ("where?", ("Aeolian Islands", passages[0].text), (labels[0], 1)),
        ("what is it?", ("Etna", text), (labels[1], 1)),
    ):
        (asked_ids,) = mpnet.encoder.encode_questions([question])
        ((window,),) = mpnet.encoder.encode_passages([passage], [title])
        assert str(tokenizer.decode(list(window.token_ids))).startswith("</s>")
        with torch.inference_mode():
            wanted = mpnet.model(
                Packed.from_lists([asked_ids]), Packed.from_lists([window.token_ids])
            )
        taught, pair = found
        index = 0 if taught is labels[0] else 1
        pairs = [w for _ in features[index].questions for w in features[index].windows]
        first = sum(len(w.token_ids) for w in pairs[:pair])
        n = len(pairs[pair].token_ids)
        assert n == len(window.token_ids) - 1  # the separator that MPNet's windows begin with
        torch.testing.assert_close(
            taught.start[first : first + n].float(), wanted.start[1:], rtol=1e-2, atol=2e-3
        )
        torch.testing.assert_close(
            taught.end[first : first + n].float(), wanted.end[1:], rtol=1e-2, atol=2e-3
        )
        torch.testing.assert_close(taught.null[pair].float(), wanted.null[0], rtol=1e-2, atol=2e-3)


def test_a_run_that_stopped_makes_what_is_missing(
    mpnet: Reader, base: Path, train_file: Path, tmp_path: Path
) -> None:
    features = features_of(recipe(base), base)
    features = [features[i % len(features)] for i in range(FEATURES_PER_PART + 2)]
    tokenizer, folder = Reader.load(str(base), num_lower_layers=1).tokenizer, tmp_path / "labels"
    label_features(features, tokenizer, mpnet, folder, precision=MixedPrecision.FLOAT32)
    whole = {path.name: path.read_bytes() for path in folder.glob("part-*")}
    assert len(whole) == 2
    (folder / "part-00001.safetensors").unlink()
    first = (folder / "part-00000.safetensors").stat().st_mtime_ns
    (folder / "labels.json").write_text(
        json.dumps({k: v for k, v in json.loads((folder / "labels.json").read_text()).items()
                    if k in ("teacher", "weights_sha256", "features_sha256")})
    )  # fmt: skip
    with pytest.raises(PrereadError, match="still writing"):
        load_labels(folder, features)
    label_features(features, tokenizer, mpnet, folder, precision=MixedPrecision.FLOAT32)
    assert {path.name: path.read_bytes() for path in folder.glob("part-*")} == whole
    assert (folder / "part-00000.safetensors").stat().st_mtime_ns == first
    assert len(load_labels(folder, features)) == len(features)


def test_labels_of_other_features_or_another_teacher_are_refused(
    mpnet: Reader, base: Path, train_file: Path, tmp_path: Path
) -> None:
    features = features_of(recipe(base), base)
    tokenizer, folder = Reader.load(str(base), num_lower_layers=1).tokenizer, tmp_path / "labels"
    label_features(features, tokenizer, mpnet, folder, precision=MixedPrecision.FLOAT32)
    with pytest.raises(PrereadError, match=r"expected labels of the recipe's features"):
        load_labels(folder, features[1:])
    with pytest.raises(PrereadError, match=r"expected labels with features_sha256"):
        label_features(features[1:], tokenizer, mpnet, folder, precision=MixedPrecision.FLOAT32)
    (folder / "part-00000.safetensors").write_bytes(b"cut")
    with pytest.raises(PrereadError, match=r"part-00000.safetensors: .* could not be read"):
        load_labels(folder, features)
    with pytest.raises(PrereadError, match=r"labels that `preread label` wrote"):
        load_labels(tmp_path / "nothing", features)


def test_a_teacher_of_other_word_pieces_is_refused(
    tiny_reader: Reader, byte_level_tokenizer: PreTrainedTokenizerFast
) -> None:
    with pytest.raises(PrereadError, match=r"vocabulary has every word piece .* are missing"):
        PieceMap(tiny_reader.tokenizer, byte_level_tokenizer, begins_with_separator=True)


def test_stored_logits_teach_what_a_teacher_that_runs_does(
    base: Path, train_file: Path, tmp_path: Path
) -> None:
    """Of a teacher built like the student, so that it can be both."""
    chosen = recipe(base)
    features = features_of(chosen, base)
    torch.manual_seed(3)
    student = DeformerForQuestionAnswering.from_pretrained(str(base), num_lower_layers=1)
    reader = Reader.load(str(base), num_lower_layers=0)
    label_features(
        features, reader.tokenizer, reader, tmp_path / "labels", precision=MixedPrecision.FLOAT32
    )
    weights = DistillationConfig(teacher=str(base), layers=0.0, null_outputs=0.5)
    running = SpanObjective(Teacher(reader.model, weights), 0.5)
    expected = running.losses(student, collate(features))
    for feature, taught in zip(features, load_labels(tmp_path / "labels", features), strict=True):
        feature.taught = taught
    stored = SpanObjective(None, 0.5, replace(weights, teacher="", labels="labels"))
    found = stored.losses(student, collate(features))
    assert set(expected) - set(found) == {"layers"} and found["null_outputs"] > 0
    for name, loss in found.items():
        torch.testing.assert_close(loss, expected[name], rtol=1e-2, atol=1e-3)


def test_questions_without_an_answer_need_no_labels(
    base: Path, train_file: Path, tmp_path: Path
) -> None:
    """The same folder of labels serves with them and without."""
    features = features_of(recipe(base), base)
    reader = Reader.load(str(base), num_lower_layers=1)
    label_features(features, reader.tokenizer, reader, tmp_path / "labels")
    questions = [replace(q, window=None) for f in features for q in f.questions]
    more = [Feature(features[0].windows, questions), *features]
    objective = SpanObjective(
        None, 0.5, DistillationConfig(labels="labels", layers=0.0, null_outputs=0.5)
    )
    losses = []
    for some in (features, more):
        for feature, taught in zip(some, load_labels(tmp_path / "labels", some), strict=True):
            feature.taught = taught
        losses.append(objective.losses(reader.model, collate(some)))
    of_answered, of_all = losses
    assert of_all["null"] != of_answered["null"]
    for name in ("gold", "outputs", "null_outputs"):
        torch.testing.assert_close(2 * of_all[name], of_answered[name])
    alone = objective.losses(reader.model, collate(more[:1]))
    assert alone["outputs"] == 0 and alone["null"] > 0


@pytest.mark.slow
def test_a_run_learns_from_labels_without_its_teacher(
    mpnet: Reader, base: Path, train_file: Path, tmp_path: Path
) -> None:
    distillation = DistillationConfig(labels="labels", layers=0.0, gold=0.0, null_outputs=1.0)
    chosen = recipe(base, distillation=distillation, learning_rate=0.003, null_weight=0.0)
    chosen = replace(chosen, stages=(replace(chosen.stages[0], epochs=40),))
    features = features_of(chosen, base)
    tokenizer = Reader.load(str(base), num_lower_layers=1).tokenizer
    label_features(
        features, tokenizer, mpnet, base.parent / "labels", precision=MixedPrecision.FLOAT32
    )
    train(chosen, data=base.parent, output=tmp_path / "run")
    rows = (tmp_path / "run" / "log.csv").read_text().splitlines()
    column = rows[0].split(",").index("outputs")
    losses = [float(row.split(",")[column]) for row in rows[1:]]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "either teacher or labels .* found neither"),
        ({"teacher": "a", "labels": "b"}, "either teacher or labels .* found both"),
        ({"labels": "b"}, "expected layers = 0"),
    ],
)
def test_a_teacher_either_runs_or_has_labels(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(PrereadError, match=message):
        DistillationConfig(**fields)
