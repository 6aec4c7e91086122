"""Fits find what made the data."""

import math

import pytest
import torch
from preread.pipeline.calibration.fitting import SpanFeatures, fit_confidence, fit_ranking
from preread.pipeline.qa.calibration import confidence


def drawn(n_questions: int, weights: tuple[float, ...]) -> list[SpanFeatures]:
    """Questions whose right span was drawn from a softmax with these weights."""
    torch.manual_seed(0)
    questions = []
    for _ in range(n_questions):
        features = 2 * torch.randn(6, len(weights))
        right = int(torch.multinomial((features @ torch.tensor(weights)).softmax(0), 1))
        rows = [(*row, *[0.0] * (4 - len(row))) for row in features.tolist()]
        questions.append(SpanFeatures(rows, [n == right for n in range(6)]))
    return questions


def test_ranking_weights_are_those_the_answers_were_drawn_with() -> None:
    questions = drawn(3_000, (0.5, -0.3, 0.2))
    found = fit_ranking(questions, with_margin=True)
    assert found.answer_temperature == pytest.approx(2.0, rel=0.1)
    assert found.passage_weight == pytest.approx(-0.6, abs=0.1)
    assert found.bm25_weight == pytest.approx(0.4, abs=0.1)
    assert found == fit_ranking(questions, with_margin=True)


def test_similarities_get_a_weight_where_they_are_known() -> None:
    questions = drawn(3_000, (0.5, 0.0, 0.2, 1.5))
    found = fit_ranking(questions, with_margin=False, with_similarity=True)
    assert found.answer_temperature == pytest.approx(2.0, rel=0.1)
    assert found.bm25_weight == pytest.approx(0.4, abs=0.1)
    assert found.similarity_weight == pytest.approx(3.0, abs=0.3)


def test_what_does_not_count_has_no_weight() -> None:
    questions = drawn(200, (0.5, -0.3, 0.2))
    found = fit_ranking(questions, with_margin=False)
    assert (found.passage_weight, found.similarity_weight) == (0.0, 0.0)


def test_a_single_weight_by_hand() -> None:
    """Right spans are a logit ahead, and three of four win: log 3 is what a logit is worth."""
    ahead, behind = (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)
    questions = [SpanFeatures([ahead, behind], [n < 3, n == 3]) for n in range(4)]
    found = fit_ranking(questions, with_margin=False)
    assert 1 / found.answer_temperature == pytest.approx(math.log(3), abs=0.01)


def test_nothing_to_fit_to_is_refused() -> None:
    alone = [SpanFeatures([(1.0, 0.0, 0.0, 0.0)], [is_right]) for is_right in (True, False)]
    with pytest.raises(ValueError, match="right and wrong"):
        fit_ranking(alone, with_margin=True)
    with pytest.raises(ValueError, match="at least one question"):
        fit_confidence([], [])


def test_confidence_is_the_share_that_was_right() -> None:
    features = [(0.0, 1.0)] * 4 + [(0.0, -1.0)] * 10
    is_right = [True, True, True, False] + [True] * 2 + [False] * 8
    weights = fit_confidence(features, is_right)
    assert confidence((0.0, 1.0), weights) == pytest.approx(0.75, abs=0.01)
    assert confidence((0.0, -1.0), weights) == pytest.approx(0.2, abs=0.01)


def test_questions_that_can_be_told_apart_give_finite_weights() -> None:
    weights = fit_confidence([(3.0, 0.0), (-3.0, 0.0)], [True, False])
    assert all(math.isfinite(weight) for weight in weights)
    assert confidence((3.0, 0.0), weights) > 0.9
