"""BM25, dense vectors, and both together: what they find, and what is read of it."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import PrereadError, Question, read_questions
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.indexer import (
    Bm25Parameters,
    Hit,
    IndexConfig,
    IndexMismatchError,
    PassageIndex,
    build_index,
)
from preread.indexer.dense import DenseSearcher, remove_dense
from preread.pipeline import (
    HybridRetriever,
    OpenDomainQA,
    ProvidedPassage,
    convex_fusion,
    evaluate,
    open_retriever,
    read_provided,
)
from preread.pipeline.calibration.best_answers import best_answers
from preread.pipeline.calibration.fitting import RankingWeights
from preread.pipeline.calibration.reads import collect_reads
from preread.pipeline.qa.ranking import AnswerRule
from preread.pipeline.qa.score_fusion import ScoreFusion, ranking_for
from preread.pipeline.retrievers import RerankRetriever, search_many
from preread.pipeline.retrievers.base import bm25_scores, encoder_of, name_of
from preread.pipeline.server.indexes import ReaderCache
from preread.reader import Packed, Reader
from preread.reader.modeling.layers import Segment
from preread.reader.ranking import VectorRanking

QUERY = "what is the longest river of the continent"
rankings = st.lists(st.lists(st.integers(0, 9), unique=True), max_size=4)


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    """A few sample questions that have an answer."""
    return [q for q in read_questions(sample_questions_path()) if q.answers][::80]


def test_fusion_is_the_mean_of_scores_between_0_and_1() -> None:
    fused = convex_fusion([[(7, 30.0), (8, 15.0), (9, 10.0)], [(9, 0.9), (7, 0.8), (5, 0.4)]])
    assert fused == [(7, 0.5 + 0.4), (9, 0.5), (8, 0.125), (5, 0.0)]
    assert convex_fusion([[(5, 2.0)], [(6, -1.0)]]) == [(5, 0.5), (6, 0.5)]
    assert convex_fusion([]) == convex_fusion([[], []]) == []


@given(rankings)
def test_fusion_keeps_everything_once_and_one_ranking_as_it_is(found: list[list[int]]) -> None:
    scored = [[(one, -float(place)) for place, one in enumerate(ranking)] for ranking in found]
    fused = convex_fusion(scored)
    assert sorted(one for one, _ in fused) == sorted({one for some in found for one in some})
    assert all(0 <= score <= 1 + 1e-9 for _, score in fused)
    for ranking, of_ranking in zip(found, scored, strict=True):
        assert [one for one, _ in convex_fusion([of_ranking, of_ranking])] == ranking


def test_hybrid_merges_what_both_find(dense_index: Path) -> None:
    with PassageIndex(dense_index) as index:
        dense = DenseSearcher(index)
        hybrid = HybridRetriever(index.bm25, dense, depth=20)
        words, meaning = index.bm25.search(QUERY, 20), dense.search(QUERY, 20)
        expected = convex_fusion(
            [[(h.ordinal, h.score) for h in some] for some in (words, meaning)]
        )
        found = hybrid.search(QUERY, 15)
        assert [(hit.ordinal, hit.score) for hit in found] == expected[:15]
        known = {hit.ordinal: hit.score for hit in words}
        assert [hit.bm25 for hit in found] == [known.get(hit.ordinal) for hit in found]
        assert {hit.bm25 is None for hit in found} == {True, False}
        # What only words found is at most as similar as the last that vectors found.
        cosines = {hit.ordinal: hit.score for hit in meaning}
        assert [hit.similarity for hit in meaning] == [hit.score for hit in meaning]
        lowest = meaning[-1].score
        assert [hit.similarity for hit in found] == [cosines.get(h.ordinal, lowest) for h in found]
        assert {hit.ordinal in cosines for hit in found} == {True, False}
        assert index.manifest.dense is not None
        assert encoder_of(hybrid) == encoder_of(dense) == index.manifest.dense.fingerprint
        assert encoder_of(index.bm25) is encoder_of(HybridRetriever(index.bm25)) is None


def test_hybrid_says_whose_similarities_a_hit_has(sample_index: Path) -> None:
    class Vectors:
        def __init__(self, encoder: str) -> None:
            self.encoder_fingerprint = encoder

        def search(self, query: str, k: int) -> list[Hit]:
            return []

    with PassageIndex(sample_index) as index:
        words = index.bm25.search(QUERY, 5)
        for one, other, expected in (("a", "a", "a"), ("a", "b", None)):
            hybrid = HybridRetriever(index.bm25, Vectors(one), Vectors(other))
            assert encoder_of(hybrid) == expected
            found = hybrid.search(QUERY, 5)
            assert [hit.ordinal for hit in found] == [hit.ordinal for hit in words]
            assert {hit.similarity for hit in found} == {0.0 if expected else None}


@pytest.mark.parametrize("name", ["bm25", "dense", "hybrid", "bm25-rerank"])
def test_several_queries_at_once_find_what_each_does(dense_index: Path, name: str) -> None:
    with PassageIndex(dense_index) as index:
        retriever = open_retriever(index, name)
        queries = [QUERY, "volcano", "keys of a piano"]
        together = search_many(retriever, queries, 7, threads=2)
        for query, found in zip(queries, together, strict=True):
            alone = retriever.search(query, 7)
            assert [hit.ordinal for hit in found] == [hit.ordinal for hit in alone]
            assert [hit.score for hit in found] == pytest.approx([hit.score for hit in alone])
        assert search_many(retriever, [], 7, threads=2) == []


def test_bm25s_hits_are_reranked_by_similarity(dense_index: Path) -> None:
    with PassageIndex(dense_index) as index:
        dense = DenseSearcher(index)
        reranked = RerankRetriever(index.bm25, dense, depth=12)
        bm25 = {hit.ordinal: hit.score for hit in index.bm25.search(QUERY, 12)}
        similar = [h for h in dense.search(QUERY, len(index)) if h.ordinal in bm25]
        found = reranked.search(QUERY, 8)
        assert [hit.ordinal for hit in found] == [hit.ordinal for hit in similar][:8]
        assert [hit.bm25 for hit in found] == [bm25[hit.ordinal] for hit in found]
        assert [hit.similarity for hit in found] == [hit.score for hit in found]
        assert encoder_of(reranked) == encoder_of(dense)
        assert reranked.search("qwxzv", 8) == []


@pytest.fixture(scope="module")
def head_index(head_reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample corpus, with vectors of the tiny reader's retrieval head; not to be changed."""
    path = tmp_path_factory.mktemp("head-index") / "index"
    build_index(sample_corpus_path(), path, head_reader, IndexConfig(workers=1))
    return path


def test_vectors_of_the_reader_decide_the_default(
    head_index: Path,
    dense_index: Path,
    tiny_reader_path: Path,
    head_reader: Reader,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with PassageIndex(dense_index) as index:
        assert name_of(open_retriever(index)) == "bm25"
    with PassageIndex(head_index) as index:
        assert name_of(OpenDomainQA(index, head_reader).retriever) == "hybrid"
        alone = open_retriever(index)  # loads the reader by its name
        shared = open_retriever(index, reader=head_reader)
        assert alone.search(QUERY, 5) == shared.search(QUERY, 5) != index.bm25.search(QUERY, 5)
        assert not caplog.records
        served = ReaderCache().open(head_index)
        assert name_of(served.retriever) == "hybrid"
        assert served(QUERY, top_k=3) == OpenDomainQA(index, served.reader)(QUERY, top_k=3)
        served.index.close()
        headless = Reader.load(str(tiny_reader_path))
        assert open_retriever(index, reader=headless) is index.bm25
        assert "has none" in caplog.text and "BM25 finds passages" in caplog.text
        with pytest.raises(IndexMismatchError, match="has none"):
            open_retriever(index, "dense", reader=headless)


def test_a_question_goes_through_the_lower_layers_once(
    head_index: Path, head_reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its vector and its reading are made of the same states."""
    lower, segments = head_reader.model.lower, []

    def counted(tokens: Packed, segment: Segment) -> Packed:
        segments.append(segment)
        return lower(tokens, segment)

    monkeypatch.setattr(head_reader.model, "lower", counted)
    with PassageIndex(head_index) as index:
        qa = OpenDomainQA(index, head_reader)
        assert qa("which river is longest?", top_k=3)
        assert segments == [Segment.QUESTION]
        assert qa.answer_batch(["which river?", "which bridge?"], top_k=3)
        assert segments == [Segment.QUESTION] * 2


def test_the_command_line_says_which_retriever_was_used(
    preread: Callable[..., Any], head_reader_path: Path, tmp_path: Path
) -> None:
    for options, expected in (((), "hybrid"), (("--no-vectors",), "bm25")):
        index = tmp_path / expected
        arguments = ("--reader", head_reader_path, "--workers", 1, "--limit", 30, *options)
        done = preread("index", sample_corpus_path(), index, *arguments, "--json")
        assert json.loads(done.out)["retriever"] == expected
        done = preread("ask", index, QUERY, "--top-k", 2, "--json")
        assert json.loads(done.out)["retriever"] == expected
        done = preread("search", index, QUERY, "--top-k", 2)
        assert f"Found by {expected}." in done.err
        done = preread("search", index, QUERY, "--retriever", "bm25", "--json")
        assert {json.loads(line)["retriever"] for line in done.out.splitlines()} == {"bm25"}
    done = preread("dense", index, "--encoder", "reader", "--json")
    assert json.loads(done.out)["retriever"] == "hybrid"


def test_bm25_scores_passages_that_others_found_as_its_own(sample_index: Path) -> None:
    with PassageIndex(sample_index) as index:
        everything = {hit.ordinal: hit.score for hit in index.bm25.search(QUERY, len(index))}
        ordinals = index.ordinals().tolist()[::-3]
        assert index.bm25.score(QUERY, ordinals) == [everything.get(o, 0.0) for o in ordinals]
        assert 0.0 in index.bm25.score("volcano", ordinals)
        assert index.bm25.score(QUERY, []) == []
        assert index.bm25.score("qwxzv", [1, 2, 2]) == [0.0, 0.0, 0.0]
        hits = [Hit(3, 0.5), Hit(5, 0.4, 1.25)]
        assert bm25_scores(index, QUERY, hits) == [everything.get(3, 0.0), 1.25]


@pytest.mark.slow
def test_what_is_added_to_logits_is_bm25s_score_whoever_found_the_passage(
    qa: OpenDomainQA, questions: Sequence[Question]
) -> None:
    """The same passages under another retriever's scores give the same answers."""

    class Rescored:
        def search(self, query: str, k: int) -> list[Hit]:
            return [Hit(hit.ordinal, -1000.0 * n) for n, hit in enumerate(bm25.search(query, k))]

    bm25 = qa.index.bm25
    qa = OpenDomainQA(qa.index, qa.reader, bm25)
    other = OpenDomainQA(qa.index, qa.reader, Rescored())
    assert qa.bm25_weight > 0
    texts = [question.question for question in questions]
    for text, batched in zip(texts, other.answer_batch(texts, top_k=5), strict=True):
        assert other(text, top_k=5) == qa(text, top_k=5)
        assert [a.answer for a in batched.answers] == [a.answer for a in qa(text, top_k=5)]


VECTORS = VectorRanking(
    encoder="another",
    similarity_weight=40.0,
    bm25_weight=0.5,
    aggregate_answers=True,
    answer_temperature=2.5,
    confidence_weights=(0.0, 1.0, 0.1),
)


@pytest.fixture
def with_vectors(dense_index: Path) -> Iterator[OpenDomainQA]:
    """The reader that ships, as if weights had been fitted to the index's encoder."""
    with PassageIndex(dense_index) as index:
        reader = Reader.load("default")
        assert index.manifest.dense is not None
        vectors = VECTORS.model_copy(update={"encoder": index.manifest.dense.fingerprint})
        reader = reader.with_ranking(reader.ranking.with_entry(vectors))
        yield OpenDomainQA(index, reader, open_retriever(index, "dense"))


def test_similarities_count_where_weights_were_fitted_to_their_encoder(
    with_vectors: OpenDomainQA, questions: Sequence[Question]
) -> None:
    index, reader = with_vectors.index, with_vectors.reader
    ranking = reader.ranking
    for name in ("dense", "hybrid"):
        weights, rule = ranking_for(ranking, open_retriever(index, name))
        assert weights == ScoreFusion(bm25=0.5, similarity=40.0)
        assert rule == AnswerRule.of(VECTORS)
        assert rule.answer_temperature == 2.5 and rule.confidence_weights == (0.0, 1.0, 0.1)
    weights, rule = ranking_for(ranking, index.bm25)
    assert weights == ScoreFusion(bm25=ranking.bm25_weight) and rule == AnswerRule.of(ranking)

    text = questions[0].question
    hits = with_vectors.retriever.search(text, 5)
    known = bm25_scores(index, text, hits)
    assert with_vectors.weights.logits(index, text, hits) == pytest.approx(
        [0.5 * bm25 + 40 * hit.score for bm25, hit in zip(known, hits, strict=True)]
    )
    alone = with_vectors.answer(text, top_k=5)
    (batched,) = with_vectors.answer_batch([text], top_k=5)
    assert [a.answer for a in alone.answers] == [a.answer for a in batched.answers]
    assert alone.confidence == pytest.approx(batched.confidence, abs=1e-3)
    own = OpenDomainQA(index, reader, with_vectors.retriever, bm25_weight=0.0)
    assert own.weights == ScoreFusion(bm25=0.0, similarity=40.0)


@pytest.mark.slow
def test_weights_of_similarities_are_fitted_to_what_a_question_gets(
    with_vectors: OpenDomainQA, questions: Sequence[Question]
) -> None:
    qa = OpenDomainQA(
        with_vectors.index, with_vectors.reader, open_retriever(with_vectors.index, "hybrid")
    )
    weights = RankingWeights(
        passage_weight=qa.reader.ranking.passage_weight,
        bm25_weight=0.5,
        answer_temperature=2.5,
        similarity_weight=40.0,
    )
    asked = list(zip(questions, collect_reads(qa, questions, 5), strict=True))
    found = best_answers(asked, 5, weights, aggregate=True)
    for question, one in zip(questions, found, strict=True):
        best = qa.answer(question.question, top_k=5).answers[0]
        assert one.answer is not None and one.answer.best.text == best.answer
        assert one.answer.score == pytest.approx(best.score, rel=1e-4)


def test_similarities_of_another_encoder_only_order_passages(
    with_vectors: OpenDomainQA, questions: Sequence[Question], caplog: pytest.LogCaptureFixture
) -> None:
    ranking = with_vectors.reader.ranking
    other = with_vectors.with_ranking(ranking.changed(vectors=(VECTORS,)))
    assert "their similarities are not added to scores" in caplog.text
    caplog.clear()
    without = with_vectors.with_ranking(ranking.changed(vectors=()))
    assert "similarities" not in caplog.text
    assert other.weights == without.weights == ScoreFusion(bm25=ranking.bm25_weight)
    text = questions[0].question
    assert other(text, top_k=5) == without(text, top_k=5)


def test_given_passages_are_ranked_as_bm25s_are(with_vectors: OpenDomainQA) -> None:
    """Who gives passages gives no cosines."""
    plain = OpenDomainQA(with_vectors.index, with_vectors.reader)
    given = [
        [ProvidedPassage(with_vectors.index.passage(n).passage_id, score=9.0) for n in range(5)]
    ]
    assert read_provided(with_vectors, [QUERY], given) == read_provided(plain, [QUERY], given)


@pytest.mark.slow
def test_waves_heed_the_most_that_an_unread_passage_promises(
    qa: OpenDomainQA, questions: Sequence[Question]
) -> None:
    """BM25's best passages at the end of the ranking are not cut off for what stands before."""

    class Reversed:
        def search(self, query: str, k: int) -> list[Hit]:
            return qa.index.bm25.search(query, k)[::-1]

    n_read = [
        OpenDomainQA(qa.index, qa.reader, retriever, stop_margin=5.0, bm25_weight=100.0)
        .answer(question.question, top_k=20)
        .n_read
        for question in questions[:3]
        for retriever in (Reversed(), qa.index.bm25)
    ]
    assert set(n_read[::2]) == {20} and min(n_read[1::2]) < 20


def test_k1_and_b_change_scores_and_are_checked(sample_index: Path) -> None:
    scores = {}
    for parameters in (None, Bm25Parameters(), Bm25Parameters(k1=2.0, b=1.0)):
        with PassageIndex(sample_index, bm25_parameters=parameters) as index:
            scores[parameters] = [hit.score for hit in index.bm25.search(QUERY, 5)]
    first, default, other = scores.values()
    assert first == default != other
    for wrong in ({"k1": -1.0}, {"k1": float("inf")}, {"k1": 1e300}, {"b": 1.1}):
        with pytest.raises(PrereadError, match="must be"):
            Bm25Parameters(**wrong)


def test_an_unknown_retriever_is_refused_without_its_password(
    sample_index: Path, tmp_path: Path
) -> None:
    without = Path(shutil.copytree(sample_index, tmp_path / "index"))
    remove_dense(without)
    with PassageIndex(without) as index:
        for name in ("bm26", "mysql://me:secret@host/db"):
            with pytest.raises(
                PrereadError, match="expected one of auto, bm25, dense, hybrid"
            ) as error:
                open_retriever(index, name)
            assert "secret" not in str(error.value)
        with pytest.raises(PrereadError, match="preread dense"):
            open_retriever(index, "hybrid")


@pytest.mark.slow
def test_the_command_line_makes_vectors_and_answers_by_them(
    preread: Callable[..., Any], default_reader: Reader, minilm_path: Path, tmp_path: Path
) -> None:
    """Over the passages of the sample about music and what stands around them."""
    index, some = tmp_path / "index", tmp_path / "some.jsonl"
    lines = sample_corpus_path().read_text("utf-8").splitlines(keepends=True)[115:130]
    some.write_text("".join(lines), "utf-8")
    build_index(some, index, default_reader, IndexConfig(vectors=False, workers=1))
    done = preread("dense", index)
    assert done.code == 2 and "either --encoder ENCODER or --remove" in done.err
    done = preread("dense", index, "--encoder", tmp_path / "none")
    assert done.code == 2 and "the encoder could not be loaded" in done.err
    done = preread("dense", index, "--encoder", minilm_path, "--vectors", "hnsw")
    assert done.code == 2 and "expected one of int8, flat, ivf, ivfpq" in done.err
    done = preread("dense", index, "--encoder", minilm_path, "--json")
    assert done.code == 0 and json.loads(done.out)["encoder"] == str(minilm_path.resolve())
    assert "--retriever dense" in done.err

    question = "How many keys does a modern piano have?"
    for retriever in ("dense", "hybrid"):
        options = ("--retriever", retriever, "--top-k", 3, "--json")
        asked = preread("ask", index, question, *options)
        assert json.loads(asked.out)["answers"][0]["answer"] == "88"
        # Not one word in common with the passage, so that BM25 cannot find it.
        searched = preread(
            "search", index, "musical instrument", "--retriever", retriever, "--json", "--top-k", 5
        )
        assert searched.code == 0 and len(searched.out.splitlines()) == 5
    plain = preread("search", index, question, "--json")
    assert preread("search", index, question, "--k1", 0.9, "--b", 0.4, "--json").out == plain.out
    assert preread("search", index, question, "--k1", 3, "--b", 0, "--json").out != plain.out
    assert preread("search", index, question, "--b", 2).code == 2


@pytest.mark.slow
def test_an_evaluation_is_resumed_with_the_same_retriever_only(
    dense_index: Path, default_reader: Reader, questions: list[Question], tmp_path: Path
) -> None:
    with PassageIndex(dense_index) as index:
        predictions = tmp_path / "predictions.jsonl"

        def scores(name: str, *, resume: bool) -> dict[str, object]:
            qa = OpenDomainQA(index, default_reader, open_retriever(index, name))
            return evaluate(qa, questions[:2], top_k=2, predictions=predictions, resume=resume)

        assert scores("hybrid", resume=False)["n_questions"] == 2
        assert scores("hybrid", resume=True)["n_questions"] == 2
        with pytest.raises(PrereadError, match="retriever"):
            scores("bm25", resume=True)
