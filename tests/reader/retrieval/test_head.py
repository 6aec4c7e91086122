"""The retrieval head: vectors of texts from lower states, and its file."""

import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from preread.data import PrereadError
from preread.reader import DeformerConfig, Packed, Reader
from preread.reader.modeling.layers import run_layers
from preread.reader.retrieval.files import (
    HEAD_FILE,
    hand_on_head,
    head_fingerprint,
    head_of,
    load_head,
    save_head,
)
from preread.reader.retrieval.head import RetrievalHead


@pytest.fixture
def head(tiny_reader: Reader) -> RetrievalHead:
    """A random head of one layer."""
    torch.manual_seed(5)
    return RetrievalHead(tiny_reader.config, 1, 16).eval()


@torch.no_grad()
def test_a_vector_is_the_projected_mean_of_the_layers_rows(
    tiny_reader: Reader, head: RetrievalHead
) -> None:
    states = tiny_reader.question_states("who built the bridge?", "where is the river?")
    found = head(states, [0, 1])
    for number, rows in enumerate(torch.split(states.rows, list(states.lengths))):
        mean = run_layers(head.layers, rows, [len(rows)]).mean(0)
        expected = torch.nn.functional.normalize(head.project(mean), dim=0)
        torch.testing.assert_close(found[number], expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(2))


@settings(max_examples=25)
@given(counts=st.lists(st.integers(1, 3), min_size=1, max_size=5))
def test_windows_of_a_text_make_one_vector_wherever_they_lie(counts: list[int]) -> None:
    torch.manual_seed(0)
    config = DeformerConfig(hidden_size=8, num_attention_heads=2, intermediate_size=16)
    head = RetrievalHead(config, 1, 8).eval()
    owners = [text for text, n in enumerate(counts) for _ in range(n)]
    lengths = tuple(2 + (3 * i) % 5 for i in range(len(owners)))
    states = Packed(torch.randn(sum(lengths), 8), lengths)
    segments = list(zip(owners, torch.split(states.rows, list(lengths)), strict=True))
    with torch.no_grad():
        found = head(states, owners)
        for text in range(len(counts)):
            own = [rows for owner, rows in segments if owner == text]
            alone = Packed(torch.cat(own), tuple(map(len, own)))
            torch.testing.assert_close(head(alone, [0] * len(own))[0], found[text])


@torch.inference_mode()
def test_a_saved_head_makes_the_same_vectors(
    tiny_reader: Reader, head: RetrievalHead, tmp_path: Path
) -> None:
    path = tmp_path / HEAD_FILE
    save_head(head, tiny_reader, path)
    again = load_head(path, tiny_reader)
    assert again.shape == head.shape
    assert head_fingerprint(again, tiny_reader) == head_fingerprint(head, tiny_reader)
    states = tiny_reader.question_states("who built the bridge?")
    torch.testing.assert_close(again(states, [0]), head(states, [0]), rtol=0, atol=2e-3)
    save_head(head, tiny_reader, tmp_path / "again")
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


def test_a_head_lies_beside_its_readers_weights(
    tiny_reader_path: Path, head: RetrievalHead, tmp_path: Path
) -> None:
    folder = tmp_path / "reader"
    shutil.copytree(tiny_reader_path, folder)
    reader = Reader.load(str(folder))
    assert head_of(reader) is None
    save_head(head, reader, folder / HEAD_FILE)
    assert head_of(reader) is not None


def test_the_head_of_another_reader_is_refused(
    tiny_reader: Reader, head: RetrievalHead, tmp_path: Path
) -> None:
    save_head(head, tiny_reader, tmp_path / HEAD_FILE)
    with pytest.raises(PrereadError, match=r"for the lower states of .* found one for others"):
        load_head(tmp_path / HEAD_FILE, Reader.load("default"))


@pytest.mark.parametrize("keep", [0, 7, 200, -1])
def test_a_damaged_head_is_refused(
    keep: int, tiny_reader: Reader, head: RetrievalHead, tmp_path: Path
) -> None:
    path = tmp_path / HEAD_FILE
    save_head(head, tiny_reader, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(PrereadError, match="expected a retrieval head"):
        load_head(path, tiny_reader)
    with pytest.raises(PrereadError, match="could not be read: No such file"):
        load_head(tmp_path / "none", tiny_reader)


def test_a_head_goes_along_to_a_reader_with_the_same_lower_layers(
    head_reader_path: Path, tiny_reader_path: Path, tmp_path: Path
) -> None:
    alike, other = tmp_path / "alike", tmp_path / "other"
    shutil.copytree(tiny_reader_path, alike)
    assert hand_on_head(head_reader_path, alike)
    assert (alike / HEAD_FILE).read_bytes() == (head_reader_path / HEAD_FILE).read_bytes()
    reader = Reader.load(str(tiny_reader_path))
    with torch.no_grad():
        reader.model.embedder.word_vectors()[5] += 1
    reader.model.save_pretrained(other)
    reader.tokenizer.save_pretrained(other)
    assert not hand_on_head(head_reader_path, other) and not (other / HEAD_FILE).exists()
    assert not hand_on_head(tiny_reader_path, alike)
    (other / HEAD_FILE).write_bytes(b"no head")
    assert not hand_on_head(other, alike)
