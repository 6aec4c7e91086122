"""Upper layers that a codec brings along."""

import json
import logging
import shutil
from collections.abc import Callable
from copy import copy, deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from preread.data import PrereadError, ReadingExample
from preread.data.sample import sample_corpus_path
from preread.indexer import IndexConfig, build_index, merge_indexes
from preread.pipeline import OpenDomainQA, evaluate_reader
from preread.pipeline.converting import convert
from preread.reader import DeformerForQuestionAnswering, Reader
from preread.reader.codecs import (
    CodecName,
    Float16Codec,
    QuantisedCodec,
    UpperChanges,
    codec_file_name,
    load_codec,
    reader_of,
    save_codec,
    tables_sha256,
)
from safetensors.torch import load_file, save_file

FULL_RANK = 32
"""The tiny reader is 32 wide."""
RPQ4 = CodecName.parse("rpq4")
NEAR: dict[str, Any] = {"rtol": 1e-2, "atol": 1e-2}
"""Factors are bytes, of differences of 0.05."""


@pytest.fixture(scope="module")
def tuned(tiny_reader: Reader) -> DeformerForQuestionAnswering:
    """The tiny reader's model, all weights of upper layers and head a little off."""
    torch.manual_seed(3)
    model = deepcopy(tiny_reader.model)
    split = model.config.num_lower_layers
    with torch.no_grad():
        for weight in [*model.layers[split:].parameters(), *model.head.parameters()]:
            weight.add_(0.05 * torch.randn_like(weight))
    return model


@pytest.fixture(scope="module")
def learned(tiny_reader: Reader, tiny_codec_path: Callable[[str], Path]) -> QuantisedCodec:
    """A codec of the tiny reader."""
    return load_codec(tiny_codec_path("rpq4"), tiny_reader)


@pytest.fixture
def codec(learned: QuantisedCodec) -> QuantisedCodec:
    """The same, to be changed."""
    return copy(learned)


def logits(reader: Reader) -> torch.Tensor:
    """Of a question and a passage."""
    windows = reader.encoder.encode_passages(["The bridge was built by Ada."], ["Bridge"])[0]
    question = reader.question_states("who built the bridge?")
    found = reader.logits(question, reader.window_states(windows))
    return torch.cat([found.start, found.end, found.null.flatten()])


def test_changes_of_full_rank_give_what_was_trained(
    tiny_reader: Reader,
    tuned: DeformerForQuestionAnswering,
    codec: QuantisedCodec,
    tmp_path: Path,
) -> None:
    codec.upper = UpperChanges.between(tiny_reader.model, tuned, FULL_RANK)
    save_codec(codec, tiny_reader, tmp_path / "codec.safetensors")
    changed = reader_of(load_codec(tmp_path / "codec.safetensors", tiny_reader), tiny_reader)
    expected = logits(tiny_reader.with_model(tuned))
    torch.testing.assert_close(logits(changed), expected, **NEAR)
    assert float((logits(tiny_reader) - expected).abs().max()) > 0.1


def test_lower_layers_are_shared_and_the_reader_stays_as_it_was(
    tiny_reader: Reader, tuned: DeformerForQuestionAnswering, codec: QuantisedCodec
) -> None:
    before = logits(tiny_reader)
    codec.upper = UpperChanges.between(tiny_reader.model, tuned)
    changed = reader_of(codec, tiny_reader)
    assert changed.model.embedder.word.weight is tiny_reader.model.embedder.word.weight
    assert changed.fingerprint == tiny_reader.fingerprint
    assert not torch.equal(logits(changed), before)
    assert torch.equal(logits(tiny_reader), before)


def test_rank_bounds_the_bytes_and_more_of_it_is_nearer(
    tiny_reader: Reader, tuned: DeformerForQuestionAnswering
) -> None:
    split = tiny_reader.config.num_lower_layers
    name = f"layers.{split}.expand.weight"
    expected = tuned.state_dict()[name] - tiny_reader.model.state_dict()[name]
    errors = []
    for rank in (2, 8, FULL_RANK):
        changes = UpperChanges.between(tiny_reader.model, tuned, rank)
        assert changes.tensors[name + ".out"].shape == (expected.shape[0], rank)
        assert changes.tensors[name + ".into"].shape == (rank, expected.shape[1])
        errors.append(float((changes.difference(name) - expected).norm()))
    assert errors[0] > errors[1] > errors[2]
    best = torch.linalg.svdvals(expected)[8:].norm()
    assert errors[1] == pytest.approx(float(best), rel=0.01)


def test_a_codec_that_is_loaded_again_shares_its_tables_but_not_its_changes(
    tiny_reader: Reader,
    tuned: DeformerForQuestionAnswering,
    codec: QuantisedCodec,
    tmp_path: Path,
) -> None:
    path = tmp_path / "codec.safetensors"
    save_codec(codec, tiny_reader, path)
    first, second = load_codec(path, tiny_reader), load_codec(path, tiny_reader)
    assert first.side is second.side
    first.upper = UpperChanges.between(tiny_reader.model, tuned)
    assert second.upper is None and load_codec(path, tiny_reader).upper is None
    save_codec(first, tiny_reader, path)
    assert load_codec(path, tiny_reader).upper is not None


def test_changes_of_other_upper_layers_are_left_alone_and_said(
    tiny_reader: Reader,
    tuned: DeformerForQuestionAnswering,
    codec: QuantisedCodec,
    caplog: pytest.LogCaptureFixture,
) -> None:
    codec.upper = UpperChanges.between(tuned, tiny_reader.model)
    with caplog.at_level(logging.WARNING):
        assert reader_of(codec, tiny_reader) is tiny_reader
    assert "knows other upper layers" in caplog.text


def test_codec_without_changes_leaves_the_reader(
    tiny_reader: Reader, codec: QuantisedCodec
) -> None:
    assert reader_of(codec, tiny_reader) is tiny_reader
    assert reader_of(Float16Codec(), tiny_reader) is tiny_reader


@pytest.mark.parametrize("damage", ["missing", "shape"])
def test_changes_that_do_not_fit_are_refused(
    damage: str,
    tiny_reader: Reader,
    tuned: DeformerForQuestionAnswering,
    codec: QuantisedCodec,
    tmp_path: Path,
) -> None:
    path = tmp_path / "codec.safetensors"
    codec.upper = UpperChanges.between(tiny_reader.model, tuned)
    save_codec(codec, tiny_reader, path)
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    name = "upper.head.bias"
    if damage == "missing":
        del tensors[name]
    else:
        tensors[name] = tensors[name][:1].clone()
    save_file(tensors, path, metadata)
    with pytest.raises(PrereadError, match=r"rpq4: its change of head\.bias does not fit"):
        reader_of(load_codec(path, tiny_reader), tiny_reader)


@pytest.mark.slow
def test_an_index_brings_its_upper_layers_along(
    tiny_reader_path: Path,
    tuned: DeformerForQuestionAnswering,
    codec: QuantisedCodec,
    tmp_path: Path,
) -> None:
    """What is read with is what was trained, and it is said where figures are recorded."""
    reader = Reader.load(str(tiny_reader_path))
    codec.upper = UpperChanges.between(reader.model, tuned, FULL_RANK)
    path = tmp_path / codec_file_name(RPQ4)
    save_codec(codec, reader, path)
    config = IndexConfig(codec=str(path), limit=40)
    build_index(sample_corpus_path(), tmp_path / "index", reader, config)
    path.unlink()  # the index has its own copy
    qa = OpenDomainQA.from_index(tmp_path / "index")
    torch.testing.assert_close(logits(qa.reader), logits(reader.with_model(tuned)), **NEAR)
    assert qa("what is Volcano?", top_k=5)


@pytest.mark.slow
def test_other_states_are_read_by_the_default_codecs_upper_layers(
    tiny_reader_path: Path,
    tuned: DeformerForQuestionAnswering,
    codec: QuantisedCodec,
    tmp_path: Path,
) -> None:
    """Exact states, an index of float16, and a learned codec that brings nothing."""
    folder = tmp_path / "reader"
    shutil.copytree(tiny_reader_path, folder)
    settings = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(settings | {"codec": "rpq4"}), "utf-8")
    reader = Reader.load(str(folder))
    plain = copy(codec)
    codec.upper = UpperChanges.between(reader.model, tuned, FULL_RANK)
    save_codec(codec, reader, folder / codec_file_name(RPQ4))
    config = IndexConfig(codec="float16", limit=20)
    build_index(sample_corpus_path(), tmp_path / "index", reader, config)
    of_index = OpenDomainQA.from_index(tmp_path / "index").reader
    expected = logits(reader.with_model(tuned))
    for found in (of_index, *(reader_of(c, reader) for c in (None, Float16Codec(), plain))):
        torch.testing.assert_close(logits(found), expected, **NEAR)
    assert reader_of(None, of_index) is of_index  # they are applied once
    whole = Reader.load(str(folder), num_lower_layers=0)
    assert reader_of(None, whole) is whole

    example = ReadingExample("1", "who built it?", "Ada built it.", ("Ada",), (0,))
    scores = evaluate_reader(reader, [example])
    assert scores["mode"] == "decomposed" and scores["n_questions"] == 1
    convert(str(folder), tmp_path / "elsewhere", num_lower_layers=0)
    converted = Reader.load(str(tmp_path / "elsewhere")).model.state_dict()
    head = tuned.head.weight.detach()
    torch.testing.assert_close(converted["head.weight"], head, **NEAR)

    (folder / codec_file_name(RPQ4)).write_bytes(b"no codec")
    with pytest.raises(PrereadError, match="no codec could be read"):
        reader_of(None, reader)


def test_factors_of_older_files_are_read(
    tiny_reader: Reader, tuned: DeformerForQuestionAnswering
) -> None:
    """They are float16 and have no scales."""
    changes = UpperChanges.between(tiny_reader.model, tuned, FULL_RANK)
    older = {}
    for name, tensor in changes.tensors.items():
        if name.endswith(".out"):
            tensor = tensor * changes.tensors[name.removesuffix("out") + "scales"]
        if not name.endswith(".scales"):
            older[name] = tensor.half()
    weight = f"layers.{tiny_reader.config.num_lower_layers}.expand.weight"
    expected = changes.difference(weight)
    found = UpperChanges(changes.upper, older).difference(weight)
    torch.testing.assert_close(found, expected, rtol=2e-3, atol=2e-4)


@pytest.mark.slow
@pytest.mark.parametrize("trained_from_it", [True, False])
def test_upper_layers_trained_further_read_an_index_made_before(
    trained_from_it: bool,
    tiny_reader_path: Path,
    tuned: DeformerForQuestionAnswering,
    codec: QuantisedCodec,
    tmp_path: Path,
) -> None:
    """Beside the reader lies a codec of the same tables; only a successor counts."""
    folder = tmp_path / "reader"
    shutil.copytree(tiny_reader_path, folder)
    reader = Reader.load(str(folder))
    brought = folder / codec_file_name(RPQ4)
    save_codec(codec, reader, brought)
    first, second = tmp_path / "first", tmp_path / "second"
    build_index(sample_corpus_path(), first, reader, IndexConfig(codec="rpq4", limit=40))
    before, tables = logits(OpenDomainQA.from_index(first).reader), tables_sha256(brought)

    later = load_codec(brought, reader)
    later.upper = UpperChanges.between(reader.model, tuned, FULL_RANK)
    later.supersedes = (later.sha256,) if trained_from_it else ()
    save_codec(later, reader, brought)
    assert tables_sha256(brought) == tables
    found = logits(OpenDomainQA.from_index(first).reader)
    expected = logits(reader.with_model(tuned)) if trained_from_it else before
    torch.testing.assert_close(found, expected, **NEAR)

    lines = sample_corpus_path().read_text("utf-8").splitlines(keepends=True)[40:60]
    (tmp_path / "more.jsonl").write_text("".join(lines), "utf-8")
    build_index(tmp_path / "more.jsonl", second, reader, IndexConfig(codec="rpq4"))
    merge_indexes([first, second], tmp_path / "both")
    assert OpenDomainQA.from_index(tmp_path / "both")("what is Volcano?", top_k=5)


def test_tables_that_differ_are_told_apart(
    tiny_reader: Reader, codec: QuantisedCodec, tmp_path: Path
) -> None:
    save_codec(codec, tiny_reader, tmp_path / "one.safetensors")
    tensors = load_file(tmp_path / "one.safetensors")
    tensors["codebooks"][0, 0, 0] += 1
    save_file(tensors, tmp_path / "other.safetensors")
    one, other = (tables_sha256(tmp_path / f"{name}.safetensors") for name in ("one", "other"))
    assert one != other
    with pytest.raises(PrereadError, match="no codec could be read"):
        tables_sha256(tmp_path / "none.safetensors")
