"""Bootstrap intervals, McNemar's test, and measures worked out by hand."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data.metrics.intervals import bootstrap_intervals
from preread.pipeline.evaluation.analysis import (
    Bin,
    calibration_bins,
    calibration_error,
    exact_match_by_word,
    expected_calibration_error,
    question_word,
    reliability,
    scores_by_passages,
    top_k_accuracies,
)
from preread.pipeline.evaluation.comparison import mcnemar_exact
from preread.pipeline.evaluation.outcomes import Outcome, StepOutcome
from preread.pipeline.evaluation.summary import read_cutoffs, summarise

some_values = st.lists(st.floats(0, 1), min_size=1, max_size=40)


def interval_of(values: list[float], **options: int) -> tuple[float, float]:
    """The interval of one measure, of fewer resamples than usual."""
    ((low, high),) = bootstrap_intervals([values], **{"n_resamples": 300, **options})
    return float(low), float(high)


def outcome(**changes: object) -> Outcome:
    """A question that was answered right from its first passage."""
    fields: dict[str, object] = {
        "question_id": "1",
        "question": "who?",
        "gold": ("Ann",),
        "prediction": "Ann",
        "exact_match": 1.0,
        "f1": 1.0,
        "score": 0.5,
        "passage_id": "p",
        "first_passage_with_answer": 1,
        "latency_ms": 10.0,
        "stage_ms": {"retrieve": 2.0, "read": 8.0},
        "passages_read": 20,
        "steps": (StepOutcome(1, "Ann", 1.0, 1.0),),
    }
    return Outcome(**{**fields, **changes})  # type: ignore[arg-type]


@given(some_values)
def test_interval_lies_among_the_values_and_is_the_same_again(values: list[float]) -> None:
    low, high = interval_of(values)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    assert interval_of(values) == (low, high)


@given(some_values, st.floats(-3, 3), st.floats(0, 5))
def test_interval_moves_and_stretches_with_the_values(
    values: list[float], shift: float, factor: float
) -> None:
    low, high = interval_of(values)
    moved = interval_of([shift + factor * value for value in values])
    assert moved == pytest.approx((shift + factor * low, shift + factor * high), abs=1e-9)


@given(some_values)
def test_interval_of_the_opposite_is_mirrored(values: list[float]) -> None:
    low, high = interval_of(values)
    assert interval_of([-value for value in values]) == pytest.approx((-high, -low), abs=1e-9)


@given(some_values, st.integers(1, 7))
def test_measures_see_the_same_draws(values: list[float], seed: int) -> None:
    both = bootstrap_intervals([values, values, [0.0] * len(values)], n_resamples=50, seed=seed)
    assert both[0].tolist() == both[1].tolist()
    assert both[2].tolist() == [0.0, 0.0]


def test_few_draws_at_a_time_are_as_good_as_all(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).random((2, 50))
    at_once = bootstrap_intervals(values)
    monkeypatch.setattr("preread.data.metrics.intervals._DRAWS_AT_ONCE", 333)
    np.testing.assert_allclose(bootstrap_intervals(values), at_once, rtol=1e-12)


def test_nineteen_of_twenty_intervals_hold_the_true_share() -> None:
    generator = np.random.default_rng(7)
    samples = generator.random((300, 250)) < 0.3
    ends = [interval_of(sample.astype(float).tolist(), n_resamples=400) for sample in samples]
    share = np.mean([low <= 0.3 <= high for low, high in ends])
    assert 0.91 <= share <= 0.98


def test_interval_of_many_questions_is_the_normal_one() -> None:
    values = (np.random.default_rng(3).random(4_000) < 0.4).astype(float)
    mean, spread = values.mean(), 1.96 * values.std() / np.sqrt(len(values))
    (found,) = bootstrap_intervals([values])
    np.testing.assert_allclose(found, [mean - spread, mean + spread], atol=0.001)


def test_no_question_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least one question"):
        bootstrap_intervals([[]])


@pytest.mark.parametrize(
    ("n_wins", "n_losses", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (5, 0, 2 / 2**5),
        (1, 9, 2 * (1 + 10) / 2**10),
        (3, 7, 2 * (1 + 10 + 45 + 120) / 2**10),
        (5, 5, 1.0),
        (0, 2_000, 0.0),
    ],
)
def test_mcnemar_is_the_exact_binomial_test(n_wins: int, n_losses: int, p: float) -> None:
    assert mcnemar_exact(n_wins, n_losses) == pytest.approx(p)
    assert mcnemar_exact(n_losses, n_wins) == mcnemar_exact(n_wins, n_losses)


def test_calibration_error_is_the_weighted_gap() -> None:
    outcomes = [
        outcome(score=0.95, exact_match=1.0),
        outcome(score=1.0, exact_match=1.0),
        outcome(score=0.91, exact_match=0.0),
        outcome(score=0.2, exact_match=0.0),
        outcome(score=0.0, exact_match=1.0, prediction=""),  # nothing was answered
    ]
    bins = reliability(outcomes)
    assert bins[0] == Bin(1, 0.2, 0.0)
    assert astuple(bins[1]) == pytest.approx((3, 2.86 / 3, 2 / 3)) and len(bins) == 2
    expected = (1 * 0.2 + 3 * abs(2 / 3 - 2.86 / 3)) / 4
    assert expected_calibration_error(bins) == pytest.approx(expected)
    assert expected_calibration_error([]) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 1.0])), min_size=1, max_size=30))
def test_calibration_error_has_an_interval(answers: list[tuple[float, float]]) -> None:
    found = calibration_error(answers)
    assert found is not None and found.n_questions == len(answers)
    assert found.mean == expected_calibration_error(calibration_bins(answers))
    assert 0 <= found.low <= found.high <= 1 + 1e-12
    assert calibration_error(answers) == found and calibration_error([]) is None


def test_calibration_error_of_equal_answers_is_certain() -> None:
    found = calibration_error([(0.75, 1.0)] * 8)
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_scores_after_some_passages_are_those_of_the_last_step() -> None:
    late = outcome(
        exact_match=0.0,
        f1=0.5,
        steps=(StepOutcome(2, "Ann", 1.0, 1.0), StepOutcome(7, "Ann B", 0.0, 0.5)),
    )
    assert [late.after(k) for k in (1, 2, 6, 7, 20)] == [
        (0.0, 0.0), (1.0, 1.0), (1.0, 1.0), (0.0, 0.5), (0.0, 0.5),
    ]  # fmt: skip
    found = scores_by_passages([late, outcome()], [1, 7])
    assert [(em.mean, f1.mean) for em, f1 in found.values()] == [(0.5, 0.5), (0.5, 0.75)]
    unanswerable = outcome(gold=(), prediction="", steps=())
    assert unanswerable.after(20) == (1.0, 1.0)


def test_accuracy_is_of_questions_with_a_gold_answer() -> None:
    outcomes = [
        outcome(),
        outcome(first_passage_with_answer=5),
        outcome(first_passage_with_answer=6),
        outcome(first_passage_with_answer=None),
        outcome(gold=(), first_passage_with_answer=None),
    ]
    found = top_k_accuracies(outcomes, (1, 5, 20))
    assert {k: one.mean for k, one in found.items()} == {1: 0.25, 5: 0.5, 20: 0.75}
    assert top_k_accuracies(outcomes[-1:], (1,)) == {}


def test_summary_keeps_the_keys_of_the_contract() -> None:
    early = outcome(exact_match=0.0, f1=0.25, latency_ms=30.0, passages_read=8)
    found = summarise([outcome(), early], 20)
    assert (found["top_k"], found["passages_read"]) == (20, 14.0)
    assert (found["exact_match"], found["f1"], found["n_questions"]) == (50.0, 62.5, 2)
    assert found["top_k_accuracy"] == {"1": 100.0, "5": 100.0, "20": 100.0, "100": 100.0}
    assert found["latency_ms"] == {"p50": 20.0, "p95": 29.0}
    assert found["stage_ms"] == {"retrieve": 2.0, "read": 8.0}
    assert found["exact_match_interval"] == [0.0, 100.0]
    assert set(found["exact_match_by_passages"]) == {"1", "5", "20"}


@pytest.mark.parametrize(
    ("top_k", "cutoffs"), [(1, [1]), (3, [1, 3]), (20, [1, 5, 20]), (200, [1, 5, 20, 100, 200])]
)
def test_cutoffs_end_with_the_passages_read(top_k: int, cutoffs: list[int]) -> None:
    assert read_cutoffs(top_k) == cutoffs


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("Who's there?", "who"),
        ("in Which year", "which"),
        ("whose hat is it", "who"),
        ("to whom, when", "who"),
        ("name the river", "other"),
        ("Show the way", "other"),
        ("", "other"),
    ],
)
def test_question_word_is_the_first_that_asks(question: str, word: str) -> None:
    assert question_word(question) == word


def test_words_are_counted_the_most_frequent_first() -> None:
    outcomes = [outcome(question=q) for q in ("where is it", "who is it", "who was it")]
    assert [(w, one.n_questions) for w, one in exact_match_by_word(outcomes).items()] == [
        ("who", 2), ("where", 1),
    ]  # fmt: skip
