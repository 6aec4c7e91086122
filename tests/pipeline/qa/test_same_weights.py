"""One set of upper layers answers, whichever door a question comes in by."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from preread.data import ReadingExample
from preread.data.sample import sample_corpus_path
from preread.indexer import IndexConfig, build_index, merge_indexes
from preread.pipeline import OpenDomainQA, QuestionAnswerer, evaluate_reader
from preread.pipeline.conversion import convert
from preread.reader import Reader
from preread.reader.codecs import codec_file_name, load_codec, save_codec


@pytest.fixture(scope="module")
def folder(
    tiny_reader: Reader,
    tiny_reader_path: Path,
    tiny_codec_path: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The tiny reader with a learned codec beside it."""
    folder = tmp_path_factory.mktemp("coded") / "reader"
    shutil.copytree(tiny_reader_path, folder)
    codec = load_codec(tiny_codec_path("rpq4"), tiny_reader)
    save_codec(codec, Reader.load(str(folder)), folder / codec_file_name(codec.name))
    return folder


def weights(reader: Reader) -> dict[str, torch.Tensor]:
    """All of a reader's weights, by name."""
    return dict(reader.model.state_dict())


def assert_equal(found: Reader, expected: Reader) -> None:
    """Check that two readers have the same weights."""
    wanted = weights(expected)
    assert all(torch.equal(weight, wanted[name]) for name, weight in weights(found).items())


@pytest.mark.parametrize("codec", ["rpq4", "int8", "float16"])
def test_an_index_is_read_with_the_readers_own_weights(
    codec: str, folder: Path, tmp_path: Path
) -> None:
    reader = Reader.load(str(folder))
    build_index(sample_corpus_path(), tmp_path / "index", reader, IndexConfig(codec=codec, limit=9))
    assert_equal(OpenDomainQA.from_index(tmp_path / "index").reader, reader)


def test_given_contexts_and_evaluation_use_the_readers_own_weights(folder: Path) -> None:
    reader = Reader.load(str(folder))
    assert_equal(QuestionAnswerer(str(folder)).reader, reader)
    example = ReadingExample("1", "who built it?", "Ada built it.", ("Ada",), (0,))
    windows = reader.encoder.encode_passages([example.context])[0]
    assert evaluate_reader(reader, [example])["n_questions"] == 1
    before = reader.logits(reader.question_states("who?"), reader.window_states(windows))
    after = Reader.load(str(folder)).logits(
        reader.question_states("who?"), reader.window_states(windows)
    )
    torch.testing.assert_close(before.start, after.start, rtol=0, atol=0)


def test_a_converted_reader_has_the_same_weights(folder: Path, tmp_path: Path) -> None:
    convert(str(folder), tmp_path / "whole", num_lower_layers=0)
    assert_equal(Reader.load(str(tmp_path / "whole")), Reader.load(str(folder)))


@pytest.mark.slow
def test_upper_layers_trained_on_read_an_index_made_before(folder: Path, tmp_path: Path) -> None:
    """The index keeps its codec; what reads is what the reader's folder holds now."""
    newer = tmp_path / "reader"
    shutil.copytree(folder, newer)
    first, second = tmp_path / "first", tmp_path / "second"
    reader = Reader.load(str(newer))
    build_index(sample_corpus_path(), first, reader, IndexConfig(codec="rpq4", limit=40))
    before = OpenDomainQA.from_index(first)("what is Volcano?", top_k=5)
    with torch.no_grad():
        for weight in reader.model.layers[-1].parameters():
            weight.add_(torch.randn_like(weight), alpha=0.05)
    reader.model.save_pretrained(newer)
    qa = OpenDomainQA.from_index(first)
    assert_equal(qa.reader, Reader.load(str(newer)))
    assert [a.score for a in qa("what is Volcano?", top_k=5)] != [a.score for a in before]

    lines = sample_corpus_path().read_text("utf-8").splitlines(keepends=True)[40:60]
    (tmp_path / "more.jsonl").write_text("".join(lines), "utf-8")
    build_index(tmp_path / "more.jsonl", second, qa.reader, IndexConfig(codec="rpq4"))
    merge_indexes([first, second], tmp_path / "both")
    assert OpenDomainQA.from_index(tmp_path / "both")("what is Volcano?", top_k=5)
