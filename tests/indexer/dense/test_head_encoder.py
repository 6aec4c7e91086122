"""Vectors of the reader's own head, as those of any encoder."""

from pathlib import Path

import numpy as np
import pytest
from preread.data import Passage, PrereadError, read_corpus
from preread.data.sample import sample_corpus_path
from preread.indexer.dense.head_encoder import HeadEncoder
from preread.reader import Reader
from preread.reader.retrieval.head import RetrievalHead


def test_passages_have_the_vectors_they_have_alone(head_reader: Reader) -> None:
    encoder = HeadEncoder.of(head_reader)
    passages = list(read_corpus(sample_corpus_path(), limit=12))
    passages.append(Passage("long", "a river and a bridge " * 60))
    together = encoder.encode_passages(passages)
    assert together.shape == (13, 24) and encoder.width == 24
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for passage, vector in zip(passages, together, strict=True):
        np.testing.assert_allclose(encoder.encode_passages([passage])[0], vector, atol=1e-5)
    assert encoder.encode_passages([]).shape == encoder.encode_queries([]).shape == (0, 24)


def test_a_question_is_no_passage_of_the_same_words(head_reader: Reader) -> None:
    encoder = HeadEncoder.of(head_reader)
    asked = encoder.encode_queries(["where is the river?", "who built it?"])
    assert asked.shape == (2, 24) and abs(float(asked[0] @ asked[1])) < 1


def test_the_fingerprint_is_that_of_the_head(head_reader: Reader, head_reader_path: Path) -> None:
    before = HeadEncoder.of(head_reader).fingerprint
    assert HeadEncoder.of(Reader.load(str(head_reader_path))).fingerprint == before
    other = RetrievalHead(head_reader.config, 1, 24)
    assert HeadEncoder(head_reader, other).fingerprint != before


def test_a_reader_without_a_head_is_refused(tiny_reader_path: Path) -> None:
    with pytest.raises(PrereadError, match="expected a reader with a retrieval head, found none"):
        HeadEncoder.of(Reader.load(str(tiny_reader_path)))
