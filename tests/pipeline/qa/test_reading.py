"""Reading: requests of every kind, and what each gives when it is read alone."""

import math

import pytest
from preread.data import Passage, read_questions
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.indexer import IndexConfig, PassageIndex, build_index
from preread.pipeline.qa.reading import FIRST_BATCH, PassageReader
from preread.pipeline.qa.types import CandidateSpans, ReadRequest, RequestedPassage
from preread.reader import Reader

QUESTIONS = [q.question for q in read_questions(sample_questions_path()) if q.answers][::70]


@pytest.fixture(scope="module")
def passage_reader(tiny_reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> PassageReader:
    """The tiny reader with an index of its own."""
    path = tmp_path_factory.mktemp("reading") / "index"
    build_index(
        sample_corpus_path(), path, tiny_reader, IndexConfig(codec="int8", workers=1, limit=60)
    )
    index = PassageIndex(path)
    return PassageReader(tiny_reader, index, index.codec(tiny_reader))


def found(passage_reader: PassageReader, question: str, k: int) -> ReadRequest:
    """A question with the passages that BM25 finds."""
    assert passage_reader.index is not None
    hits = passage_reader.index.bm25.search(question, k)
    return ReadRequest(
        question, [RequestedPassage(h.ordinal) for h in hits], [h.score for h in hits]
    )


def as_text(requested: RequestedPassage, passage_reader: PassageReader) -> RequestedPassage:
    """The same passage, as if no index had its states."""
    assert passage_reader.index is not None and requested.ordinal is not None
    return RequestedPassage(None, passage_reader.index.passage(requested.ordinal))


def assert_alike(one: CandidateSpans, other: CandidateSpans) -> None:
    """Equal but for the last bits of numbers."""
    assert one.n_read == other.n_read and one.passages == other.passages
    assert len(one.candidates) == len(other.candidates) > 0
    for mine, theirs in zip(one.candidates, other.candidates, strict=True):
        assert (mine.passage, mine.start, mine.end, mine.text) == (
            theirs.passage,
            theirs.start,
            theirs.end,
            theirs.text,
        )
        assert mine.logit == pytest.approx(theirs.logit, abs=1e-4)
        assert mine.share == pytest.approx(theirs.share, rel=1e-3)
    assert one.margins == pytest.approx(other.margins, abs=1e-4)


@pytest.mark.parametrize("stop_margin", [None, -math.inf, 4.0, math.inf])
def test_requests_read_together_find_what_each_finds_alone(
    passage_reader: PassageReader, stop_margin: float | None
) -> None:
    requests = [found(passage_reader, question, 20) for question in QUESTIONS]
    requests += [found(passage_reader, QUESTIONS[0], 3), ReadRequest("of nothing?", [], [])]
    together = passage_reader.read(requests, stop_margin=stop_margin)
    for request, one in zip(requests, together, strict=True):
        (alone,) = passage_reader.read([request], stop_margin=stop_margin)
        if request.passages:
            assert_alike(one, alone)
        else:
            assert one == alone == CandidateSpans()
    n_read = [one.n_read for one in together]
    sizes = [len(request.passages) for request in requests]
    match stop_margin:
        case 4.0:
            assert len({n for n in n_read if n >= FIRST_BATCH}) > 1, "each stops for itself"
        case margin if margin is not None and margin < 0:
            assert n_read == [min(FIRST_BATCH, size) for size in sizes]
        case _:
            assert n_read == sizes


def test_a_text_has_the_same_candidates_whether_it_is_stored_or_not(
    passage_reader: PassageReader,
) -> None:
    request = found(passage_reader, QUESTIONS[1], 6)
    texts = [as_text(passage, passage_reader) for passage in request.passages]
    mixed = [*request.passages[:3], *texts[3:]]
    (stored,) = passage_reader.read([request])
    for passages in (texts, mixed):
        (computed,) = passage_reader.read([ReadRequest(request.question, passages, request.scores)])
        assert_alike(computed, stored)


def test_a_passage_that_is_requested_twice_is_a_candidate_twice(
    passage_reader: PassageReader,
) -> None:
    request = found(passage_reader, QUESTIONS[2], 2)
    first, second = request.passages
    text = as_text(first, passage_reader)
    (read,) = passage_reader.read(
        [ReadRequest(request.question, [first, text, second, first, text], [0.0] * 5)],
        spans_per_passage=1,
    )
    best = {one.passage: one for one in read.candidates}
    assert read.n_read == 5 and list(sorted(best)) == [0, 1, 2, 3, 4]
    for place in (1, 3, 4):
        assert best[place].text == best[0].text
        assert best[place].logit == pytest.approx(best[0].logit, abs=1e-4)


def test_stages_are_told_for_every_batch(passage_reader: PassageReader) -> None:
    request = found(passage_reader, QUESTIONS[0], 20)
    stages: list[str] = []
    passage_reader.read([request], stop_margin=math.inf, on_stage=stages.append)
    assert stages == ["fetch", "decode", "read"] * 3
    stages.clear()
    unknown = RequestedPassage(None, Passage("", "Nobody has stored this."))
    passage_reader.read([ReadRequest("Who has?", [unknown], [0.0])], on_stage=stages.append)
    assert stages == ["encode", "read"]


def test_candidates_know_the_mass_of_all_spans(passage_reader: PassageReader) -> None:
    """Adding a passage adds its spans' mass: what federated indexes are merged by."""
    request = found(passage_reader, QUESTIONS[0], 4)
    parts = [
        ReadRequest(request.question, request.passages[some], request.scores[some])
        for some in (slice(0, 1), slice(1, 4))
    ]
    whole, *apart = (one.log_mass for one in passage_reader.read([request, *parts]))
    assert math.log(sum(map(math.exp, apart))) == pytest.approx(whole, abs=1e-4)
    assert CandidateSpans().log_mass == -math.inf
