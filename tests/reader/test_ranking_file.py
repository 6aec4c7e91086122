"""`ranking.json`: what it holds, what is refused, and what a reader without it gets."""

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import PrereadError
from preread.reader import DeformerForQuestionAnswering, Ranking, Reader
from preread.reader.checkpoints import is_shipped, shipped_reader_path
from preread.reader.ranking import (
    RANKING_FILE,
    FittedOn,
    HeldOutScores,
    ThresholdScore,
    VectorRanking,
)
from pydantic import ValidationError

HELD_OUT = HeldOutScores(
    n_questions=540,
    exact_match=32.41,
    exact_match_interval=(28.52, 36.48),
    f1=41.25,
    f1_interval=(37.5, 45.25),
    expected_calibration_error=2.89,
    thresholds=(ThresholdScore(min_confidence=0.5, answered=11.5, exact_match_of_answered=71.0),),
)
FITTED_ON = FittedOn(
    corpus="passages.jsonl",
    questions="questions.jsonl",
    n_questions=541,
    retriever="bm25",
    top_k=20,
    date=datetime.date(2026, 11, 28),
    held_out=HELD_OUT,
)
VECTORS = VectorRanking(
    encoder="202fe5",
    similarity_weight=42.97,
    bm25_weight=0.65,
    aggregate_answers=True,
    answer_temperature=4.36,
    confidence_weights=(-0.3, 0.5, -0.04),
    fitted_on=FITTED_ON,
)
RANKING = Ranking(
    bm25_weight=1.55,
    passage_weight=0.05,
    aggregate_answers=True,
    answer_temperature=3.93,
    confidence_weights=(-0.8, 0.5, 0.02),
    stop_margin=4.0,
    fitted_on=FITTED_ON,
    vectors=(VECTORS,),
)
numbers = st.floats(-1e6, 1e6)
rankings = st.builds(
    Ranking,
    bm25_weight=numbers,
    passage_weight=numbers,
    aggregate_answers=st.booleans(),
    answer_temperature=numbers.filter(lambda x: x > 0),
    confidence_weights=st.none() | st.tuples(numbers, numbers, numbers),
    fitted_on=st.none() | st.just(FITTED_ON),
    stop_margin=st.none() | numbers,
    vectors=st.lists(
        st.builds(VectorRanking, encoder=st.text(), similarity_weight=numbers),
        max_size=3,
        unique_by=lambda entry: entry.encoder,
    ).map(tuple),
)


@given(rankings)
def test_a_ranking_survives_its_file(
    tmp_path_factory: pytest.TempPathFactory, ranking: Ranking
) -> None:
    folder = tmp_path_factory.mktemp("ranking")
    assert ranking.save(folder) == folder / RANKING_FILE
    assert Ranking.load(folder / RANKING_FILE) == ranking
    assert [path.name for path in folder.iterdir()] == [RANKING_FILE]


def test_the_file_that_ships_is_as_it_would_be_written(tmp_path: Path) -> None:
    shipped = shipped_reader_path("default")
    assert shipped is not None
    ranking = Ranking.load(shipped / RANKING_FILE)
    assert ranking.save(tmp_path).read_bytes() == (shipped / RANKING_FILE).read_bytes()
    assert ranking.aggregate_answers and ranking.confidence_weights and ranking.fitted_on
    assert ranking.vectors and all(entry.fitted_on for entry in ranking.vectors)
    assert not set(json.loads((shipped / "config.json").read_text())) & set(Ranking.model_fields)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 2.0}, r"json: temperature: expected no field of this name, found 2\.0"),
        ({"bm25_weight": "1.5"}, "json: bm25_weight: expected a valid number, found '1.5'"),
        ({"bm25_weight": float("nan")}, "bm25_weight: expected a finite number, found nan"),
        ({"bm25_weight": 1e308}, "bm25_weight: expected a number less than or equal to 1000000"),
        ({"aggregate_answers": 1}, "aggregate_answers: expected a valid boolean, found 1"),
        ({"answer_temperature": 0}, "answer_temperature: expected a number greater than 0, found"),
        ({"confidence_weights": [1.0]}, "confidence_weights: expected 3 items, found 1"),
        ({"confidence_weights": [1, 2, 3, 4]}, "confidence_weights: expected 3 items, found 4"),
        ({"confidence_weights": [1, 2, "x"]}, r"weights\[2\]: expected a valid number, found 'x'"),
        (
            {"vectors": [{"similarity_weight": 1}]},
            r"vectors\[0\]\.encoder: expected a value, found",
        ),
        ({"vectors": [{"encoder": "e", "similarity_weight": 1}] * 2}, "found one encoder twice"),
        ({"fitted_on": {"corpus": 3}}, r"fitted_on\.corpus: expected a valid string, found 3"),
    ],
)
def test_a_file_that_cannot_be_is_refused(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = RANKING.save(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change), "utf-8")
    with pytest.raises(PrereadError, match=message) as error:
        Ranking.load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "preread calibrate" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_a_file_of_something_else_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / RANKING_FILE
    path.write_bytes(content)
    with pytest.raises(PrereadError, match=r"ranking\.json: expected JSON, found something else"):
        Ranking.load(path)
    path.write_text("[]")
    with pytest.raises(PrereadError, match=r"ranking\.json: expected an object, found \[\]"):
        Ranking.load(path)


def test_a_reader_without_the_file_has_the_defaults(
    tiny_reader: Reader, tiny_reader_path: Path
) -> None:
    assert not (tiny_reader_path / RANKING_FILE).exists()
    loaded = Reader.load(str(tiny_reader_path))
    assert loaded.ranking == tiny_reader.ranking == Ranking()
    assert loaded.ranking.confidence_weights is None and not loaded.ranking.aggregate_answers


def test_a_reader_is_loaded_with_its_file_and_makes_the_same_states(
    make_tiny_model: Callable[..., DeformerForQuestionAnswering],
    tiny_reader: Reader,
    tmp_path: Path,
) -> None:
    make_tiny_model(has_no_answer_score=True).save_pretrained(tmp_path)
    tiny_reader.tokenizer.save_pretrained(tmp_path)
    RANKING.save(tmp_path)
    loaded = Reader.load(str(tmp_path))
    assert loaded.ranking == RANKING and loaded.spans.passage_weight == RANKING.passage_weight
    assert loaded.fingerprint == tiny_reader.fingerprint
    other = loaded.with_ranking(Ranking())
    assert other.ranking == Ranking() and loaded.ranking == RANKING
    assert other.model is loaded.model and other.spans.passage_weight == 0


def test_margins_weigh_of_readers_only_that_know_no_answer(
    tiny_reader: Reader, tiny_reader_path: Path, tmp_path: Path
) -> None:
    message = (
        r"ranking\.json: passage_weight: expected 0, .*\(has_no_answer_score .*\), found 0\.05"
    )
    with pytest.raises(PrereadError, match=message):
        tiny_reader.with_ranking(RANKING)
    with pytest.raises(PrereadError, match=message):
        Reader(tiny_reader.model, tiny_reader.tokenizer, name="tiny", ranking=RANKING)


def test_a_change_is_checked() -> None:
    assert RANKING.changed(stop_margin=None).stop_margin is None
    assert RANKING.changed() == RANKING
    with pytest.raises(ValidationError, match="greater than 0"):
        RANKING.changed(answer_temperature=0.0)
    with pytest.raises(ValidationError, match="not permitted"):
        RANKING.changed(temperature=1.0)


def test_each_encoder_has_one_entry() -> None:
    other = VectorRanking(encoder="another", similarity_weight=3.0)
    both = RANKING.with_entry(other)
    assert both.vectors == (VECTORS, other)
    assert both.of_encoder("another") is other and both.of_encoder("202fe5") == VECTORS
    assert both.of_encoder("a third") is None and both.of_encoder(None) is None
    again = VECTORS.model_copy(update={"similarity_weight": 1.0})
    assert both.with_entry(again).vectors == (other, again)


def test_a_reader_made_of_another_takes_over_what_was_fitted_but_not_what_was_measured() -> None:
    alike = RANKING.handed_on(is_split_alike=True)
    vectors = VECTORS.model_copy(update={"fitted_on": None})
    assert alike == RANKING.changed(fitted_on=None, vectors=(vectors,))
    other = RANKING.handed_on(is_split_alike=False)
    vectors = vectors.model_copy(update={"confidence_weights": None})
    changes = {"confidence_weights": None, "stop_margin": None, "vectors": (vectors,)}
    assert other == alike.changed(**changes)
    assert Ranking().handed_on(is_split_alike=False) == Ranking()


def test_the_packages_own_folders_are_known(tmp_path: Path) -> None:
    shipped = shipped_reader_path("default")
    assert shipped is not None and is_shipped(shipped)
    (tmp_path / "link").symlink_to(shipped)
    assert is_shipped(tmp_path / "link") and not is_shipped(tmp_path)
