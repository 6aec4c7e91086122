"""``preread convert``: what it writes, measures, warns of and refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from preread.data import PrereadError
from preread.pipeline import convert
from preread.reader import DeformerForQuestionAnswering, Ranking, Reader
from preread.reader.conversion import CheckpointKind, write_tensorflow
from transformers import AutoModelForQuestionAnswering, PreTrainedModel, PreTrainedTokenizerFast

pytestmark = pytest.mark.slow  # TensorFlow takes some seconds to import
Preread = Callable[..., Any]
CONTEXT = "Etna is a volcano on the island of Sicily. It last erupted in 2021."
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "etna", "volcano", "is", "a", "\u2028"]
SMALL = {"hidden_size": 64, "num_attention_heads": 1, "window_length": 293, "max_title_length": 32}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two questions about one context."""
    path = tmp_path / "dev.jsonl"
    with path.open("w") as file:
        for question, answer in (("where is Etna?", "Sicily"), ("when was it?", "2021")):
            start = CONTEXT.index(answer)
            record = {"id": answer, "question": question, "title": "", "context": CONTEXT}
            file.write(json.dumps(record | {"answers": [answer], "answer_starts": [start]}) + "\n")
    return path


@pytest.fixture
def authors_checkpoint(
    make_tiny_model: Callable[..., DeformerForQuestionAnswering], tmp_path: Path
) -> Path:
    """A folder as the authors' code leaves it, with its vocabulary beside."""
    model = make_tiny_model(
        **SMALL, vocab_size=len(VOCABULARY), max_position_embeddings=300, hidden_act="gelu_new"
    )
    folder = tmp_path / "authors"
    folder.mkdir()
    write_tensorflow(model, folder / "model.ckpt-8321")
    (folder / "bert.vocab").write_text("".join(f"{piece}\n" for piece in VOCABULARY), "utf-8")
    return folder


@pytest.fixture(scope="module")
def vanilla(
    make_vanilla: Callable[..., PreTrainedModel],
    tokenizer: PreTrainedTokenizerFast,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A random three-layer BERT with BERT's vocabulary."""
    folder = tmp_path_factory.mktemp("ordinary")
    model = make_vanilla("bert", vocab_size=len(tokenizer), max_position_embeddings=260)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = Reader.load(str(folder)).model.state_dict()
    return weights


def assert_equal(some: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert some.keys() == other.keys()
    assert all(torch.equal(some[name], other[name]) for name in some)


def test_the_authors_checkpoint_becomes_a_reader_and_comes_back(
    preread: Preread, authors_checkpoint: Path, tmp_path: Path
) -> None:
    there, back, again = tmp_path / "there", tmp_path / "back", tmp_path / "again"
    done = preread("convert", authors_checkpoint, there, "--json")
    assert done.code == 0 and "warning" not in done.err, done.err
    content = json.loads(done.out)
    assert content["source_kind"] == "tensorflow" and content["num_lower_layers"] == 2
    assert content["left_out"] == {"optimizer": 0, "teacher": 0, "unused": 0}
    reader = Reader.load(str(there))
    assert reader.encoder.encode_questions(["Etna IS a volcano"]) == [[2, 5, 7, 8, 6, 3]]
    assert preread("convert", there, back, "--to", "tensorflow").code == 0
    assert (back / "bert.vocab").read_text("utf-8").split("\n") == [*VOCABULARY, ""]
    assert preread("convert", back, again).code == 0
    assert_equal(weights_of(there), weights_of(again))
    assert Reader.load(str(again)).fingerprint == reader.fingerprint


def test_a_checkpoint_without_vocabulary_needs_one(
    authors_checkpoint: Path, tmp_path: Path
) -> None:
    vocabulary = (authors_checkpoint / "bert.vocab").rename(tmp_path / "words")
    source, target = str(authors_checkpoint / "model.ckpt-8321"), tmp_path / "reader"
    with pytest.raises(PrereadError, match="beside the checkpoint.*--tokenizer"):
        convert(source, target)
    with pytest.raises(PrereadError, match="expected a tokenizer of 10 pieces.* found 30522"):
        convert(source, target, tokenizer="default")
    assert not target.exists()
    convert(source, target, tokenizer=str(vocabulary))
    assert len(Reader.load(str(target)).tokenizer) == len(VOCABULARY)


def test_an_vanilla_model_is_split_measured_and_warned_of(
    preread: Preread, vanilla: Path, dataset: Path, tmp_path: Path
) -> None:
    target = tmp_path / "reader"
    done = preread(
        "convert", vanilla, target, "--num-lower-layers", 2, "--dataset", dataset, "--json"
    )
    assert done.code == 0, done.err
    assert "warning: these are the weights of a full model" in done.err
    content = json.loads(done.out)
    assert content["f1_loss"] == round(content["full"]["f1"] - content["decomposed"]["f1"], 2)
    for mode, layers in (("full", 0), ("decomposed", 2)):
        measured = preread("evaluate-reader", target, dataset, "--mode", mode, "--json")
        assert json.loads(measured.out) == content[mode]
        assert content[mode]["num_lower_layers"] == layers
    assert Reader.load(str(target)).config.num_lower_layers == 2


def test_a_reader_becomes_the_vanilla_model_that_it_was(
    preread: Preread, vanilla: Path, tmp_path: Path
) -> None:
    reader, back = tmp_path / "reader", tmp_path / "back"
    assert preread("convert", vanilla, reader, "--num-lower-layers", 1).code == 0
    done = preread("convert", reader, back, "--to", "huggingface")
    assert done.code == 0 and "layers 0 to 0 were trained" in done.err
    found, report = AutoModelForQuestionAnswering.from_pretrained(back, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    was = AutoModelForQuestionAnswering.from_pretrained(vanilla)
    assert_equal(was.state_dict(), found.state_dict())
    assert (back / "tokenizer.json").read_bytes() == (vanilla / "tokenizer.json").read_bytes()


def test_a_ranking_goes_along_less_what_another_split_makes_wrong(
    make_tiny_model: Callable[..., DeformerForQuestionAnswering],
    tokenizer: PreTrainedTokenizerFast,
    tmp_path: Path,
) -> None:
    source = tmp_path / "source"
    make_tiny_model(has_no_answer_score=True).save_pretrained(source)
    tokenizer.save_pretrained(source)
    fitted = Ranking(
        bm25_weight=1.5, passage_weight=0.1, confidence_weights=(0.0, 1.0, 0.1), stop_margin=3.0
    )
    fitted.save(source)
    convert(str(source), tmp_path / "reader", num_lower_layers=3)
    expected = fitted.handed_on(is_split_alike=False)
    assert Reader.load(str(tmp_path / "reader")).ranking == expected
    assert expected.bm25_weight == 1.5 and expected.confidence_weights is None
    convert(str(source), tmp_path / "ordinary", to=CheckpointKind.HUGGING_FACE)
    assert not (tmp_path / "ordinary" / "ranking.json").exists()


def test_a_reader_is_split_elsewhere(tiny_reader_path: Path, tmp_path: Path) -> None:
    content = convert(str(tiny_reader_path), tmp_path / "reader", num_lower_layers=3)
    assert content["warnings"] == [
        "the reader was trained with 2 lower layers, not 3: fine-tune it before use "
        "(docs/guide/training.md)"
    ]
    assert Reader.load(str(tmp_path / "reader")).config.num_lower_layers == 3


def test_only_a_checkpoint_is_replaced_and_only_with_force(
    preread: Preread, tiny_reader_path: Path, vanilla: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    arguments = ("convert", vanilla, target, "--num-lower-layers", 1)
    refused = preread(*arguments)
    assert refused.code == 2 and "expected nothing there, found a folder" in refused.err
    (target / "letter.txt").write_text("dear")
    refused = preread(*arguments, "--force")
    assert refused.code == 2 and "found something else" in refused.err
    assert (target / "letter.txt").read_text() == "dear"
    (target / "config.json").touch()
    assert preread(*arguments, "--force").code == 0
    assert Reader.load(str(target)).config.num_lower_layers == 1
    assert not (target / "letter.txt").exists()
    refused = preread("convert", target, target, "--to", "huggingface", "--force")
    assert refused.code == 2 and "the source is inside it" in refused.err


def test_a_failure_leaves_nothing_and_keeps_what_was_there(
    base_checkpoint: Callable[[str], Path], tiny_reader_path: Path, tmp_path: Path
) -> None:
    source, target = str(base_checkpoint("xlnet")), tmp_path / "target"
    with pytest.raises(PrereadError, match="base bert"):
        convert(source, target, to=CheckpointKind.TENSORFLOW, num_lower_layers=1)
    assert not list(tmp_path.iterdir())
    convert(str(tiny_reader_path), target, num_lower_layers=1)
    with pytest.raises(PrereadError, match="base bert"):
        convert(source, target, to=CheckpointKind.TENSORFLOW, num_lower_layers=1, force=True)
    assert Reader.load(str(target)).config.num_lower_layers == 1
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{ordinary}", "{new}"), "Choose one with --num-lower-layers"),
        (("{ordinary}", "{new}", "--to", "huggingface"), "of kind huggingface already"),
        (("{ordinary}", "{new}", "--num-lower-layers", "4"), "must lie in 0..3"),
        (
            ("{ordinary}", "{new}", "--num-lower-layers", "1", "--num-attention-heads", "2"),
            "for TensorFlow checkpoints",
        ),
        (("{reader}", "{new}"), "of kind reader already"),
        (("{reader}", "{new}", "--num-lower-layers", "2"), "split after 2 layers already"),
        (("{reader}", "{new}", "--to", "onnx"), "expected one of reader, huggingface, tensorflow"),
        (
            ("{reader}", "{new}", "--to", "huggingface", "--num-lower-layers", "1"),
            "a full model is not split",
        ),
        (("{reader}", "{new}/deep", "--to", "huggingface"), "Make the folder first"),
        (("./nowhere", "{new}"), "found neither"),
        (("{reader}", "{new}", "--dataset", "{new}"), "new"),
    ],
)
def test_mistakes_are_said(
    preread: Preread,
    vanilla: Path,
    tiny_reader_path: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    places = {"ordinary": vanilla, "reader": tiny_reader_path, "new": tmp_path / "new"}
    refused = preread("convert", *(argument.format(**places) for argument in arguments))
    assert refused.code == 2 and refused.out == ""
    error = refused.err.splitlines()[-1]
    assert error.startswith("error: ") and message in error
    assert not (tmp_path / "new").exists()
