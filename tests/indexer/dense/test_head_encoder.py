"""Vectors of the reader's own head, as those of any encoder."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from preread.data import Passage, PrereadError, read_corpus
from preread.data.sample import sample_corpus_path
from preread.indexer.dense.head_encoder import HeadEncoder
from preread.reader import Reader
from preread.reader.retrieval.files import HEAD_FILE, save_head
from preread.reader.retrieval.head import RetrievalHead


@pytest.fixture(scope="session")
def with_head(tiny_reader_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny reader with a random head of one layer; not to be changed."""
    folder = tmp_path_factory.mktemp("with-head") / "reader"
    shutil.copytree(tiny_reader_path, folder)
    reader = Reader.load(str(folder))
    torch.manual_seed(2)
    save_head(RetrievalHead(reader.config, 1, 24), reader, folder / HEAD_FILE)
    return folder


def test_passages_have_the_vectors_they_have_alone(with_head: Path) -> None:
    encoder = HeadEncoder.of(Reader.load(str(with_head)))
    passages = list(read_corpus(sample_corpus_path(), limit=12))
    passages.append(Passage("long", "a river and a bridge " * 60))
    together = encoder.encode_passages(passages)
    assert together.shape == (13, 24) and encoder.width == 24
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for passage, vector in zip(passages, together, strict=True):
        np.testing.assert_allclose(encoder.encode_passages([passage])[0], vector, atol=2e-2)
    assert encoder.encode_passages([]).shape == encoder.encode_queries([]).shape == (0, 24)


def test_a_question_is_no_passage_of_the_same_words(with_head: Path) -> None:
    encoder = HeadEncoder.of(Reader.load(str(with_head)))
    asked = encoder.encode_queries(["where is the river?", "who built it?"])
    assert asked.shape == (2, 24) and abs(float(asked[0] @ asked[1])) < 1


def test_the_fingerprint_is_that_of_the_head(with_head: Path, tmp_path: Path) -> None:
    reader = Reader.load(str(with_head))
    before = HeadEncoder.of(reader).fingerprint
    assert HeadEncoder.of(Reader.load(str(with_head))).fingerprint == before
    assert HeadEncoder(reader, RetrievalHead(reader.config, 1, 24)).fingerprint != before


def test_a_reader_without_a_head_is_refused(tiny_reader_path: Path) -> None:
    with pytest.raises(PrereadError, match="expected a reader with a retrieval head, found none"):
        HeadEncoder.of(Reader.load(str(tiny_reader_path)))
