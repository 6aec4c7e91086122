"""Readers: loading, refusing, and what identifies them."""

import pickle
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from preread.data import PrereadError
from preread.reader import DeformerConfig, DeformerForQuestionAnswering, Reader
from preread.reader.inference.window_table import window_table
from preread.reader.saved_files import read_config
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2Model, PreTrainedTokenizerFast

MakeModel = Callable[..., DeformerForQuestionAnswering]


def test_saved_reader_is_the_same_reader(tiny_reader: Reader, tiny_reader_path: Path) -> None:
    again = Reader.load(str(tiny_reader_path))
    assert again.fingerprint == tiny_reader.fingerprint
    assert again.config.window_length == tiny_reader.config.window_length


def test_folder_is_remembered_by_its_whole_path(
    tiny_reader_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_reader_path.parent)
    assert Reader.load(tiny_reader_path.name).name == str(tiny_reader_path.resolve())


def test_reader_saved_in_half_precision_runs_in_float32(
    tiny_reader: Reader, tmp_path: Path
) -> None:
    deepcopy(tiny_reader.model).half().save_pretrained(tmp_path)
    tiny_reader.tokenizer.save_pretrained(tmp_path)
    assert Reader.load(str(tmp_path)).model.head.weight.dtype == torch.float32


def test_fingerprint_covers_lower_layers_only(
    tiny_reader: Reader, tokenizer: PreTrainedTokenizerFast
) -> None:
    changed = {}
    for name in (
        "layers.0.expand.bias",
        "embedder.norm.weight",
        "layers.3.expand.bias",
        "head.bias",
    ):
        model = deepcopy(tiny_reader.model)
        with torch.no_grad():
            model.get_parameter(name)[0] += 1e-3
        changed[name] = Reader(model, tokenizer, name=name).fingerprint
    assert changed["layers.0.expand.bias"] != tiny_reader.fingerprint
    assert changed["embedder.norm.weight"] != tiny_reader.fingerprint
    assert changed["layers.3.expand.bias"] == tiny_reader.fingerprint
    assert changed["head.bias"] == tiny_reader.fingerprint


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("num_lower_layers", -1),
        ("window_stride", -1),
        ("max_title_length", -1),
        ("separates_untitled", True),
    ],
)
def test_fingerprint_covers_the_layout(
    field: str,
    change: int,
    tiny_reader: Reader,
    tokenizer: PreTrainedTokenizerFast,
    make_tiny_model: MakeModel,
) -> None:
    other = make_tiny_model(**{field: getattr(tiny_reader.config, field) + change})
    assert Reader(other, tokenizer, name="other").fingerprint != tiny_reader.fingerprint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_lower_layers": 5}, "num_lower_layers must lie in 0..4"),
        ({"num_attention_heads": 5}, "multiple of num_attention_heads"),
        ({"window_length": 65}, "max_position_embeddings"),
        ({"window_stride": 40}, "window_stride must lie in 1..39"),
        ({"max_question_length": 2}, "at least 3"),
    ],
)
def test_contradictory_configuration_is_refused(
    changes: dict[str, int], message: str, make_tiny_model: MakeModel
) -> None:
    with pytest.raises(PrereadError, match=message):
        make_tiny_model(**changes)


def test_split_can_be_moved_when_loading(tiny_reader_path: Path) -> None:
    assert Reader.load(str(tiny_reader_path), num_lower_layers=0).config.num_lower_layers == 0


def test_split_beyond_the_last_layer_is_refused(tiny_reader_path: Path) -> None:
    with pytest.raises(PrereadError, match=r"num_lower_layers must lie in 0\.\.4"):
        Reader.load(str(tiny_reader_path), num_lower_layers=7)


def test_questions_read_together_get_the_answers_they_get_alone(tiny_reader: Reader) -> None:
    text = "the river runs through the town and the bridge over it is old " * 12
    (windows,) = tiny_reader.encoder.encode_passages([text], ["bridges"])
    table = window_table([(len(w.token_ids), w.n_prefix, w.first_token, 0) for w in windows])
    states = tiny_reader.window_states(windows)
    questions = ["how old is the bridge?", "what?", "where does the river run"]
    asked = tiny_reader.question_states(*questions)
    together = tiny_reader.logits_batch(asked, states, table, [(n, [0]) for n in range(3)])
    for question, (logits, read) in zip(questions, together, strict=True):
        (span,) = tiny_reader.spans.best(logits, read, n_best=1)
        (alone,) = tiny_reader.read(tiny_reader.question_states(question), states, table, n_best=1)
        assert (span.first_token, span.last_token) == (alone.first_token, alone.last_token)
        assert span.logit == pytest.approx(alone.logit, abs=1e-4)
    assert tiny_reader.logits_batch(asked, states, table, []) == []


def test_a_passage_that_comes_twice_is_read_twice(tiny_reader: Reader) -> None:
    texts = ["the bridge over the river is old " * 9, "the town has a mill"]
    encoded = tiny_reader.encoder.encode_passages(texts)
    windows = [(w, number) for number, some in enumerate(encoded) for w in some]
    table = window_table([(len(w.token_ids), w.n_prefix, w.first_token, n) for w, n in windows])
    states = tiny_reader.window_states([w for w, _ in windows])
    asked = tiny_reader.question_states("what is old?")
    ((logits, chosen),) = tiny_reader.logits_batch(asked, states, table, [(0, [1, 0, 1])])
    n_windows = len(encoded[0])
    assert n_windows > 1 and chosen.passage == (0, *[1] * n_windows, 2)
    length = len(encoded[1][0].token_ids)
    torch.testing.assert_close(logits.start[:length], logits.start[-length:])


def test_folder_without_a_reader_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PrereadError, match="expected a reader's folder"):
        Reader.load(str(tmp_path))


def test_reader_with_a_cut_file_is_refused(tiny_reader_path: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny_reader_path, tmp_path / "cut"))
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(PrereadError, match="could not be loaded"):
        Reader.load(str(copy))


def test_a_process_with_too_many_open_files_is_told_so(
    tiny_reader_path: Path, few_files: Callable[[int], AbstractContextManager[None]]
) -> None:
    Reader.load(tiny_reader_path)  # imports what it needs
    said: set[str] = set()
    for n_free in range(4):
        try:
            with few_files(n_free):
                Reader.load(tiny_reader_path)
        except PrereadError as error:
            said.add(str(error))
    assert len(said) > 1, "the configuration and the weights are refused"
    assert all("files open at a time" in one and "ulimit -n" in one for one in said), said


def test_reader_without_all_weights_is_refused(tiny_reader: Reader, tmp_path: Path) -> None:
    tiny_reader.model.save_pretrained(tmp_path)
    tiny_reader.tokenizer.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["layers.1.expand.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(PrereadError, match=r"1 weights are missing .* layers\.1\.expand\.weight"):
        Reader.load(str(tmp_path))


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("gpu", "expected cpu, cuda or cuda:N, found 'gpu'"),
        ("", "expected cpu, cuda or cuda:N, found ''"),
        (None, "expected cpu, cuda or cuda:N, found None"),
        ("cuda:99", "cuda:99 was asked for, but PyTorch sees"),
        *((name, f"{name} was asked for, but PyTorch cannot") for name in ("meta", "hpu", "xla")),
        *((name, f"{name} was asked for, but PyTorch cannot") for name in ("vulkan", "maia")),
    ],
)
def test_device_that_is_not_there_is_refused(
    device: str, said: str, tiny_reader_path: Path
) -> None:
    with pytest.raises(PrereadError, match=f"^device: {said}"):
        Reader.load(tiny_reader_path, device=device)


def test_model_of_another_family_is_refused(tmp_path: Path) -> None:
    config = GPT2Config(vocab_size=100, n_embd=8, n_layer=1, n_head=1, n_positions=16)
    GPT2Model(config).save_pretrained(tmp_path)
    with pytest.raises(PrereadError, match="found model type 'gpt2'"):
        DeformerForQuestionAnswering.from_pretrained(tmp_path)


def test_configuration_survives_a_file(tmp_path: Path) -> None:
    config = DeformerConfig(num_lower_layers=3, window_length=128, window_stride=64)
    config.save(tmp_path)
    again = DeformerConfig.from_dict(read_config(str(tmp_path)))
    assert again == config


def test_the_states_of_the_last_question_are_kept_while_the_weights_stay(
    make_tiny_model: MakeModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    reader = Reader(make_tiny_model(), tokenizer, name="tiny")
    first = reader.question_states("who built it?")
    assert reader.question_states("who built it?") is first
    assert len(reader.question_states("who built it?", "when?")) == 2
    again = reader.question_states("who built it?")
    torch.testing.assert_close(again.rows, first.rows, rtol=0, atol=0)
    with torch.no_grad():
        next(reader.model.parameters()).mul_(2)
    changed = reader.question_states("who built it?")
    assert not torch.allclose(changed.rows, first.rows)
    assert pickle.loads(pickle.dumps(reader))._last_asked is None  # noqa: S301  # our own
