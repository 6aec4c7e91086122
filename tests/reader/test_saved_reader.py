"""Readers are saved and loaded without transformers, and are the same as with it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from preread.data import PrereadError
from preread.reader import (
    DeformerConfig,
    DeformerForQuestionAnswering,
    Packed,
    Reader,
    TextEncoder,
)
from preread.reader.checkpoints import shipped_reader_path
from preread.reader.codecs import known_codec
from preread.reader.text.saved_tokenizer import SavedTokenizer
from preread.reader.text.windows import load_tokenizer
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import BertConfig, BertForQuestionAnswering, PreTrainedTokenizerFast

MakeModel = Callable[..., DeformerForQuestionAnswering]
TEXTS = ["Der Amazonas (6,400 km) — naïve Ürün", "日本 río\u00a0x ½ don't", "", "  two  spaces "]


@pytest.mark.slow
def test_reading_does_not_import_transformers() -> None:
    """They take longer than PyTorch to import (sympy and scipy come with them); faiss is large."""
    code = (
        "import sys, preread.pipeline.qa.pipeline\n"
        "from preread.reader import Reader\n"
        "from preread.reader.codecs import known_codec\n"
        "reader = Reader.load('default')\n"
        "reader.question_states('where ?'), reader.fingerprint, reader.spans\n"
        "known_codec('rpq9', reader)\n"
        "assert not {'transformers', 'sympy', 'scipy', 'faiss'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("kind", ["tokenizer", "byte_level_tokenizer", "mpnet_tokenizer"])
def test_a_saved_tokenizer_is_the_one_that_transformers_loads(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    request.getfixturevalue(kind).save_pretrained(tmp_path)
    loaded = load_tokenizer(str(tmp_path))
    saved = SavedTokenizer.load(tmp_path)
    assert saved is not None
    assert saved.cls_token_id == loaded.cls_token_id
    assert saved.sep_token_id == loaded.sep_token_id
    ours, theirs = (TextEncoder(x, DeformerConfig()) for x in (saved, loaded))
    assert ours.encode_questions(TEXTS) == theirs.encode_questions(TEXTS)
    assert ours.encode_passages(TEXTS, TEXTS) == theirs.encode_passages(TEXTS, TEXTS)
    for text in TEXTS:
        one, other = ours.token_map(text), theirs.token_map(text)
        assert one.tokens == other.tokens
        numbers = range(len(one.tokens))
        assert [one.word(n) for n in numbers] == [other.word(n) for n in numbers]
    ours_described, theirs_described = (json.loads(x.backend.to_str()) for x in (ours, theirs))
    for part in ("normalizer", "pre_tokenizer", "model"):  # what the fingerprint covers
        assert ours_described[part] == theirs_described[part]


def test_the_tokenizer_of_xlnet_is_left_to_transformers(
    sentence_piece_tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    sentence_piece_tokenizer.save_pretrained(tmp_path)
    assert SavedTokenizer.load(tmp_path) is None


def test_the_shipped_reader_has_the_fingerprint_that_indexes_know() -> None:
    folder = shipped_reader_path("default")
    assert folder is not None
    reader = Reader.load("default")
    with_transformers = Reader(reader.model, load_tokenizer(str(folder)), name="default")
    assert reader.fingerprint == with_transformers.fingerprint
    assert isinstance(reader.tokenizer, type(with_transformers.tokenizer))
    weights = load_file(folder / "model.safetensors")
    found = reader.model.state_dict()
    assert weights.keys() == found.keys()
    for name, weight in weights.items():
        torch.testing.assert_close(found[name].float(), weight.float(), rtol=0, atol=0)
    assert not reader.model.training and reader.model.head.weight.requires_grad


def test_a_reader_comes_back_as_it_was_saved(make_tiny_model: MakeModel, tmp_path: Path) -> None:
    model = make_tiny_model(has_no_answer_score=True)
    model.save_pretrained(tmp_path)
    again = DeformerForQuestionAnswering.from_pretrained(tmp_path)
    assert model.config.architectures is None
    assert again.config.architectures == ["DeformerForQuestionAnswering"]
    assert {**again.config.to_dict(), "architectures": None} == model.config.to_dict()
    torch.testing.assert_close(again.state_dict(), model.state_dict(), rtol=0, atol=0)
    halves = {name: weight.half() for name, weight in model.state_dict().items()}
    model.save_pretrained(tmp_path, state_dict=halves)
    assert load_file(tmp_path / "model.safetensors")["head.weight"].dtype is torch.float16
    split = DeformerForQuestionAnswering.from_pretrained(tmp_path, num_lower_layers=1)
    assert split.config.num_lower_layers == 1 and split.head.weight.dtype is torch.float32


def test_a_word_table_in_half_precision_gives_the_same_states() -> None:
    """It is read as it lies in the file: twelve million of the default reader's weights."""
    reader = Reader.load()
    assert reader.model.embedder.word.weight.dtype is torch.float16
    whole = DeformerForQuestionAnswering.from_pretrained("default")
    assert {weight.dtype for weight in whole.parameters()} == {torch.float32}
    exact = Reader(whole, reader.tokenizer, name="default", ranking=reader.ranking)
    assert exact.fingerprint == reader.fingerprint
    (windows,) = reader.encoder.encode_passages(["The bridge over the river is old. " * 40], ["X"])
    tokens = Packed.from_lists([window.token_ids for window in windows])
    states, expected = reader.window_states(windows), exact.window_states(windows)
    assert len(windows) > 1 and torch.equal(states.rows, expected.rows)
    codecs = [known_codec("rpq9", one) for one in (reader, exact)]
    codes = [codec.encode(states, tokens) for codec in codecs]
    assert torch.equal(*codes)
    assert torch.equal(*(codec.decode(codes[0], tokens).rows for codec in codecs))


def test_a_weight_of_another_shape_is_refused(make_tiny_model: MakeModel, tmp_path: Path) -> None:
    make_tiny_model().save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    save_file(weights | {"head.bias": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(PrereadError, match=r"head\.bias: expected shape \(2,\), found \(3,\)"):
        DeformerForQuestionAnswering.from_pretrained(tmp_path)


def test_a_family_without_token_types_is_read() -> None:
    assert DeformerConfig.from_dict({"base": "mpnet", "type_vocab_size": 0}).type_vocab_size == 0


def test_fields_of_other_programs_are_ignored_and_unknown_changes_are_not() -> None:
    config = DeformerConfig.from_dict({"transformers_version": "5", "id2label": {"0": "no"}})
    assert config.id2label == {0: "no"}
    with pytest.raises(TypeError, match="colour"):
        DeformerConfig.from_dict({}, colour="red")


def test_random_weights_are_drawn_as_by_transformers(make_tiny_model: MakeModel) -> None:
    ours = make_tiny_model(initializer_range=0.02, num_lower_layers=0)
    config = BertConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64
    )
    theirs = BertForQuestionAnswering(config)
    for model in (ours, theirs):
        for module in model.modules():
            if isinstance(module, nn.Linear):
                assert 0.01 < float(module.weight.detach().std()) < 0.03 and not module.bias.any()
            if isinstance(module, nn.Embedding):
                assert 0.01 < float(module.weight[1:].detach().std()) < 0.03
    assert not ours.embedder.word.weight[0].any()  # padding


@pytest.fixture
def saved(tiny_reader_path: Path, tmp_path: Path) -> Path:
    """A reader to damage."""
    return Path(shutil.copytree(tiny_reader_path, tmp_path / "reader"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_hidden_layers": 10**9}, "num_hidden_layers: expected a number less than or equal"),
        ({"num_attention_heads": 0}, "num_attention_heads: expected a number greater than"),
        ({"window_stride": None}, "window_stride: expected a valid integer, found None"),
        ({"hidden_size": "32"}, "hidden_size: expected a valid integer, found '32'"),
        ({"layer_norm_eps": float("inf")}, "layer_norm_eps: expected a finite number, found inf"),
        ({"pad_token_id": 10**9}, "pad_token_id must be below vocab_size"),
        ({"id2label": []}, r"id2label: expected a valid dictionary, found \[\]"),
        ({"base": []}, r"base: expected a valid string, found \[\]"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(
    change: dict[str, object], message: str, saved: Path
) -> None:
    path = saved / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(PrereadError, match=message):
        Reader.load(saved)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("tokenizer.json", "{}"),
        ("tokenizer.json", "["),
        ("tokenizer_config.json", "[]"),
        ("tokenizer_config.json", '{"cls_token": [], "sep_token": 1}'),
        ("config.json", '{"model_type": []}'),
        ("config.json", '{"model_type": "bert", "num_hidden_layers": "x"}'),
    ],
)
def test_files_that_cannot_be_loaded_name_the_reader(file: str, content: str, saved: Path) -> None:
    (saved / file).write_text(content)
    with pytest.raises(PrereadError, match=f"^{saved}: reader could not be loaded: "):
        Reader.load(saved)


def test_a_token_id_beyond_any_vocabulary_is_refused(saved: Path) -> None:
    """Tables by token id would fill the memory."""
    path = saved / "tokenizer.json"
    described = json.loads(path.read_text())
    described["model"]["vocab"]["piano"] = 1 << 31
    path.write_text(json.dumps(described))
    reader = Reader.load(saved)
    with pytest.raises(PrereadError, match="token ids below 16,777,216, found 2,147,483,648"):
        _ = reader.fingerprint


@pytest.mark.parametrize("file", ["config.json", "ranking.json", "model.safetensors", "vocab.txt"])
def test_a_pipe_or_device_is_not_waited_for(file: str, saved: Path) -> None:
    (saved / file).unlink(missing_ok=True)
    os.mkfifo(saved / file)
    with pytest.raises(PrereadError, match=f"{file}: expected a file of a reader, found a device"):
        Reader.load(saved)
    (saved / file).unlink()
    (saved / file).symlink_to("/dev/zero")
    with pytest.raises(PrereadError, match=f"{file}: expected a file of a reader, found a device"):
        Reader.load(saved)


def test_a_vocabulary_of_any_size_is_refused(saved: Path) -> None:
    with (saved / "vocab.txt").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(PrereadError, match="vocab.txt: expected at most 256 MiB, found 1,048,576"):
        Reader.load(saved)
