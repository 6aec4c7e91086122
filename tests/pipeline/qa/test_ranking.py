"""Ranking answers: each formula by hand, and what holds of any candidates."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import PrereadError
from preread.pipeline.qa.calibration import check_threshold, confidence, confidence_features
from preread.pipeline.qa.ranking import (
    AnswerRule,
    answer_key,
    best_by_passages,
    combined_logit,
    evidence,
    merge_nested,
    rank_answers,
)
from preread.pipeline.qa.types import Candidate

BEST = AnswerRule()
SUM = AnswerRule(aggregate_answers=True)


def candidate(text: str, passage: int, logit: float, start: int = 0) -> Candidate:
    """A candidate whose share is what a softmax would leave of its logit, about."""
    return Candidate(passage, start, start + len(text), text, logit, math.exp(logit - 9))


@st.composite
def all_candidates(draw: st.DrawFn) -> list[Candidate]:
    """Spans of some passages; many are equal once normalised, some hold others' words."""
    texts = ["88", "the 88", "88 keys", "Keys", "52 white keys", "a", "The"]
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from(texts), st.integers(0, 5), st.integers(-40, 40)),
            min_size=1,
            max_size=14,
        )
    )
    # No two spans of a passage begin at one place.
    return [candidate(t, p, logit / 8, start=100 * n) for n, (t, p, logit) in enumerate(rows)]


rules = st.builds(
    AnswerRule, aggregate_answers=st.booleans(), answer_temperature=st.sampled_from([0.3, 1.0, 4.0])
)


def test_a_combined_logit_by_hand() -> None:
    weights = {"passage_weight": 0.5, "bm25_weight": 0.25}
    assert combined_logit(5.0, 2.0, 10.0, **weights) == 5 + 1 + 2.5
    assert combined_logit(5.0, 2.0, 10.0, 0.5, similarity_weight=8.0, **weights) == 8.5 + 4


def test_evidence_by_hand() -> None:
    logits = [math.log(2), math.log(4), math.log(2)]
    assert evidence(logits, 1.0) == pytest.approx([0.25, 0.5, 0.25])
    assert evidence(logits, 0.5) == pytest.approx([4 / 24, 16 / 24, 4 / 24])
    assert evidence([1e4, -1e4], 1.0) == [1.0, 0.0]
    assert evidence([], 1.0) == []


def test_equal_answers_add_up_and_beat_a_better_span() -> None:
    spans = [
        candidate("Rome", 0, math.log(5)),
        candidate("the Paris", 1, math.log(3)),
        candidate("Paris.", 3, math.log(2)),
        candidate("Paris", 3, math.log(1), start=50),
        candidate("Oslo", 2, math.log(1)),
    ]
    paris, rome, oslo = rank_answers(spans, SUM)
    assert (paris.score, rome.score, oslo.score) == pytest.approx((6 / 12, 5 / 12, 1 / 12))
    assert paris.best.text == "the Paris"
    assert [(p.passage, p.start) for p in paris.places] == [(1, 0), (3, 0)]
    assert [p.share for p in paris.places] == pytest.approx([3 / 12, 3 / 12])
    assert [a.best.text for a in rank_answers(spans, BEST)] == ["Rome", "the Paris", "Oslo"]


def test_the_best_span_keeps_the_readers_probability() -> None:
    spans = [replace(candidate("Rome", 0, 3.0), share=0.4), candidate("Rome", 1, 2.0)]
    (rome,) = rank_answers(spans, BEST)
    assert rome.score == 0.4


def test_low_temperature_is_the_best_span() -> None:
    spans = [candidate("Rome", 0, 2.0), candidate("Paris", 1, 1.9), candidate("Paris", 2, 1.9)]
    cold = AnswerRule(aggregate_answers=True, answer_temperature=0.01)
    assert rank_answers(spans, SUM)[0].best.text == "Paris"
    assert rank_answers(spans, cold)[0].best.text == "Rome"


def test_nested_answers_are_support_of_the_better_one() -> None:
    spans = [
        candidate("New York City", 0, 3.0),
        candidate("York", 1, 2.0),
        candidate("Yorkshire", 2, 1.0),
        candidate("New York", 0, 0.5, start=70),
        candidate("shire", 4, 0.0),
    ]
    ranked = rank_answers(spans, SUM)
    merged = merge_nested(ranked, 2)
    assert [a.best.text for a in merged] == ["New York City", "Yorkshire"]
    assert merged[0].score == ranked[0].score
    assert [p.passage for p in merged[0].places] == [0, 1]
    assert len(merge_nested(ranked, 5)) == 3


@given(all_candidates(), rules, st.randoms(use_true_random=False))
def test_order_does_not_matter(spans: list[Candidate], rule: AnswerRule, random: object) -> None:
    shuffled = list(spans)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rank_answers(shuffled, rule) == rank_answers(spans, rule)
    assert best_by_passages(shuffled, rule) == best_by_passages(spans, rule)


@given(all_candidates(), rules, st.integers(1, 6))
def test_no_answer_comes_twice_or_in_another(
    spans: list[Candidate], rule: AnswerRule, n_answers: int
) -> None:
    ranked = rank_answers(spans, rule)
    keys = [answer_key(a.best.text) for a in ranked]
    assert len(set(keys)) == len(keys)
    assert [a.score for a in ranked] == sorted((a.score for a in ranked), reverse=True)
    merged = merge_nested(ranked, n_answers)
    assert merged[0].best == ranked[0].best and len(merged) <= n_answers
    words = [f" {answer_key(a.best.text)} " for a in merged]
    assert not any(a in b for n, a in enumerate(words) for m, b in enumerate(words) if n != m)
    for answer in merged:
        passages = [place.passage for place in answer.places]
        assert len(set(passages)) == len(passages)


@given(all_candidates(), st.integers(-40, 40), st.sampled_from([0.3, 1.0, 4.0]))
def test_support_never_lowers_a_score(
    spans: list[Candidate], logit: int, temperature: float
) -> None:
    for sums in (True, False):
        rule = AnswerRule(aggregate_answers=sums, answer_temperature=temperature)
        for before in rank_answers(spans, rule):
            more = [*spans, candidate(before.best.text, 9, logit / 8)]
            after = {answer_key(a.best.text): a.score for a in rank_answers(more, rule)}
            assert after[answer_key(before.best.text)] >= before.score - 1e-12


@given(all_candidates(), rules)
def test_scores_of_summed_answers_are_all_evidence(
    spans: list[Candidate], rule: AnswerRule
) -> None:
    ranked = rank_answers(spans, replace(rule, aggregate_answers=True))
    assert sum(a.score for a in ranked) == pytest.approx(1)
    for answer in ranked:
        assert sum(place.share for place in answer.places) == pytest.approx(answer.score)


@given(all_candidates(), rules)
def test_steps_are_what_fewer_passages_answer(spans: list[Candidate], rule: AnswerRule) -> None:
    steps = best_by_passages(spans, rule)
    assert [n for n, _ in steps] == sorted({n for n, _ in steps})
    for k in range(1, 8):
        few = [one for one in spans if one.passage < k]
        so_far = [place for n, place in steps if n <= k]
        if not few:
            assert not so_far
            continue
        found, best = so_far[-1], rank_answers(few, rule)[0]
        score = {answer_key(a.best.text): a.score for a in rank_answers(few, rule)}
        assert score[answer_key(found.text)] == pytest.approx(best.score)  # sums may tie


def test_confidence_by_hand() -> None:
    features = confidence_features(0.8, 2.5)
    assert features == pytest.approx((math.log(4), 2.5))
    assert confidence(features, (0.0, 0.0, 0.0)) == 0.5
    assert confidence(features, (-2.5, 1.0, 1.0)) == pytest.approx(4 / 5)
    assert confidence((0.0, 0.0), (-2000.0, 0.0, 0.0)) == 0.0
    assert all(math.isfinite(confidence_features(score, 0.0)[0]) for score in (0.0, 1.0))


def test_a_threshold_needs_a_fitted_reader() -> None:
    check_threshold(0.0, None)
    check_threshold(0.5, (0.0, 1.0, 1.0))
    with pytest.raises(PrereadError, match="was not fitted.*preread calibrate"):
        check_threshold(0.5, None)
    with pytest.raises(PrereadError, match="between 0 and 1"):
        check_threshold(1.5, (0.0, 1.0, 1.0))
