"""Calibration: fitting the ranking and the confidence of answers to questions with known answers.

The questions are divided at random into halves. One half fits the weights, decides whether equal
answers are added up, and fits the confidence. The other half is scored before and after.

The confidence is fitted to each question twice: with the passages that were found for it, and with
those of them that hold no gold answer. From the first alone it would learn to compare answers of
questions that have one. Only the second shows what the reader's no-answer score is worth.
"""

import datetime
import logging
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from ...data import PrereadError, Question
from ...data.arguments import check_count
from ...reader import Ranking
from ...reader.ranking import AnswerWeights, FittedOn, HeldOutScores, VectorRanking
from ..evaluation.analysis import Bin, MeanEstimate, calibration_bins, estimates
from ..evaluation.summary import interval, percent
from ..qa.pipeline import OpenDomainQA
from ..retrievers.base import encoder_of
from .best_answers import (
    Asked,
    BestAnswer,
    Scores,
    best_answers,
    known_of,
    summarise_best,
    threshold_scores,
    without_answers,
)
from .fitting import RankingWeights, fit_confidence, fit_ranking
from .reads import collect_reads

_Item = TypeVar("_Item")

LEAST_QUESTIONS = 100
"""Least number of questions, half of which are fitted to."""
LEAST_RIGHT = 10
"""Least number of questions answered right, and of questions answered wrong: about three for each
weight of the confidence, so that the fit is not mostly chance."""
_LOG = logging.getLogger(__name__)
_SHOWN = {"bm25_weight", "aggregate_answers", "answer_temperature", "confidence_weights"}
_SHOWN_OF_VECTORS = {"similarity_weight", "encoder"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A fitted ranking, with its scores on held-out questions."""

    ranking: Ranking
    """Ranking of the reader, with the fitted values."""
    entry: AnswerWeights
    """The fitted values: the ranking itself, or its entry for dense vectors."""
    fitted_on: FittedOn
    seed: int
    """Seed of the division into halves."""
    before: Scores
    """Scores of the held-out half with the earlier ranking."""
    after: Scores
    """Scores of the held-out half with the fitted ranking."""
    exact_match_more: MeanEstimate
    """Paired difference of exact match, after minus before."""
    reliability: Sequence[Bin]
    """Share of right answers by confidence, or by score if there is no confidence: of the held-out
    half as it is, and without the passages that hold an answer."""

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``preread calibrate --json``."""
        fitted_on = self.fitted_on
        weights = self.entry.model_dump(mode="json", include=_SHOWN | _SHOWN_OF_VECTORS)
        return {
            "retriever": fitted_on.retriever,
            "top_k": fitted_on.top_k,
            "n_fitted": fitted_on.n_questions,
            "n_held_out": fitted_on.held_out.n_questions,
            "seed": self.seed,
            "weights": {**weights, "passage_weight": self.ranking.passage_weight},
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "exact_match_more": percent(self.exact_match_more.mean),
            "exact_match_more_interval": interval(self.exact_match_more),
            "thresholds": [one.model_dump() for one in fitted_on.held_out.thresholds],
            "reliability": [asdict(one) for one in self.reliability],
        }


@dataclass(frozen=True, slots=True)
class _Fitted:
    """The values fitted to one half of the questions."""

    weights: RankingWeights
    aggregate: bool
    confidence_weights: tuple[float, ...] | None = None

    def answers(self, asked: Asked, top_k: int) -> list[BestAnswer]:
        """The best answer to each question."""
        return best_answers(asked, top_k, self.weights, aggregate=self.aggregate)


def calibrate(
    qa: OpenDomainQA,
    questions: Sequence[Question],
    *,
    questions_name: str,
    retriever_name: str,
    top_k: int = 20,
    seed: int = 0,
    reads: str | Path | None = None,
    confidence_only: bool = False,
    show_progress: bool = False,
) -> Calibration:
    """Fit the ranking of answers to one half of some questions, and score it on the other.

    If the retriever's hits have similarities, the entry of the ranking for dense vectors is fitted.
    The weight of margins stays as it is then, because all retrievers share it. Otherwise everything
    else in the ranking is fitted, except for the stop margin.

    Args:
        qa: An index with its reader and retriever.
        questions: Questions with gold answers.
        questions_name: Name of the file of questions, noted in the ranking.
        retriever_name: Name of the retriever, noted in the ranking.
        top_k: Number of passages to read for each question.
        seed: Seed of the division into halves.
        reads: File that stores what was read, so that nothing is read twice.
        confidence_only: Fit the confidence, and leave the ranking as it is.
        show_progress: Draw a progress bar on standard error.

    Raises:
        PrereadError: If there are too few questions, too few of them are answered right or wrong,
            the file of ``reads`` was written with other settings, or the confidence alone is to be
            fitted to a ranking that does not add up equal answers.
    """
    check_count("top_k", top_k)
    reads = None if reads is None else Path(reads)
    if len(questions) < LEAST_QUESTIONS:
        raise PrereadError(
            f"calibrate: expected at least {LEAST_QUESTIONS} questions, since half of them are "
            f"fitted to, found {len(questions)}. Name a file with more."
        )
    ranking, encoder, rule = qa.reader.ranking, encoder_of(qa.retriever), qa.rule
    if confidence_only:
        _check_ranking(ranking, encoder, rule.aggregate_answers)
    read = collect_reads(qa, questions, top_k, reads, show_progress=show_progress)
    tuning, held_out = in_halves(list(zip(questions, read, strict=True)), seed)
    had = _Fitted(
        RankingWeights(
            passage_weight=ranking.passage_weight,
            bm25_weight=qa.weights.bm25,
            answer_temperature=rule.answer_temperature,
            similarity_weight=qa.weights.similarity,
        ),
        rule.aggregate_answers,
        rule.confidence_weights,
    )
    if confidence_only:
        fitted = _with_confidence(had, tuning, top_k)
    else:
        fitted = _fit(
            tuning,
            top_k,
            with_margin=qa.reader.config.has_no_answer_score,
            passage_weight=None if encoder is None else ranking.passage_weight,
        )
    before, after = had.answers(held_out, top_k), fitted.answers(held_out, top_k)
    unanswerable = without_answers(held_out)
    before_without = had.answers(unanswerable, top_k)
    after_without = fitted.answers(unanswerable, top_k)
    scores = summarise_best(after, after_without, fitted.confidence_weights)
    fitted_on = FittedOn(
        corpus=Path(qa.index.manifest.plan.corpus).name,
        questions=questions_name,
        n_questions=len(tuning),
        retriever=retriever_name,
        top_k=top_k,
        date=datetime.datetime.now(datetime.UTC).date(),
        held_out=_noted(after, after_without, scores, fitted.confidence_weights),
    )
    changed, entry = _put_in(ranking, encoder, fitted, fitted_on, confidence_only=confidence_only)
    return Calibration(
        ranking=changed,
        entry=entry,
        fitted_on=fitted_on,
        seed=seed,
        before=summarise_best(before, before_without, rule.confidence_weights),
        after=scores,
        exact_match_more=_difference(after, before),
        reliability=calibration_bins(known_of([*after, *after_without], fitted.confidence_weights)),
    )


def in_halves(items: Sequence[_Item], seed: int) -> tuple[list[_Item], list[_Item]]:
    """Divide questions at random into halves; of an odd number, the first half has one more.

    Args:
        items: Questions, or what belongs to each.
        seed: The same seed gives the same halves for as many items.
    """
    shuffled = random.Random(seed).sample(items, len(items))
    n_first = -(-len(items) // 2)
    return shuffled[:n_first], shuffled[n_first:]


def fit_weights(
    asked: Asked, top_k: int, *, with_margin: bool, passage_weight: float | None = None
) -> RankingWeights:
    """Fit the weights of margins, BM25 scores and similarities, and the temperature.

    The likelihood of the gold answers is maximised, not EM. EM changes in steps of one question, so
    that on a few hundred questions its maximum is mostly chance.

    Args:
        asked: Questions with their spans. A question without a right span has no influence.
        top_k: Number of passages of each question that are used.
        with_margin: Whether to fit the weight of margins, for a reader with a no-answer score.
        passage_weight: Weight of margins, if it is not fitted.

    Raises:
        ValueError: If no question has both right and wrong spans.
    """
    given = passage_weight or 0.0
    weights = fit_ranking(
        [reads.features(top_k, question, passage_weight=given) for question, reads in asked],
        with_margin=with_margin and passage_weight is None,
        with_similarity=any(reads.similarity for _, reads in asked),
    )
    return weights if passage_weight is None else replace(weights, passage_weight=passage_weight)


def fit_confidence_of(
    best: Sequence[BestAnswer], unanswerable: Sequence[BestAnswer]
) -> tuple[float, ...]:
    """Fit the weights of the confidence.

    Args:
        best: The best answer to each question, whose score is a sum of shares. Questions without an
            answer are left out.
        unanswerable: The best answer to each question from passages that hold no gold answer.

    Raises:
        ValueError: If no question has an answer.
    """
    answered = [one for one in (*best, *unanswerable) if one.answer is not None]
    return fit_confidence(
        [one.features for one in answered], [one.exact_match > 0 for one in answered]
    )


def _fit(asked: Asked, top_k: int, *, with_margin: bool, passage_weight: float | None) -> _Fitted:
    _check_answerable(asked, top_k)
    weights = fit_weights(asked, top_k, with_margin=with_margin, passage_weight=passage_weight)
    alone, summed = (_Fitted(weights, aggregate) for aggregate in (False, True))
    n_alone, n_summed = (_n_right(one.answers(asked, top_k)) for one in (alone, summed))
    return _with_confidence(summed if n_summed >= n_alone else alone, asked, top_k)


def _with_confidence(fitted: _Fitted, asked: Asked, top_k: int) -> _Fitted:
    """The same ranking with a confidence that is fitted; None if equal answers are not added up.

    The confidence holds for sums of shares, not for the share of a single span.
    """
    best = fitted.answers(asked, top_k)
    _check_right(best)
    if not fitted.aggregate:
        return replace(fitted, confidence_weights=None)
    unanswerable = fitted.answers(without_answers(asked), top_k)
    n_without = sum(one.answer is not None for one in unanswerable)
    if n_without < len(asked) / 2:
        _LOG.warning(
            "of %d questions, only %d have a passage that holds no answer. The confidence is too "
            "high for questions without one. Read more passages (--top-k).",
            len(asked),
            n_without,
        )
    return replace(fitted, confidence_weights=fit_confidence_of(best, unanswerable))


def _n_right(best: Sequence[BestAnswer]) -> int:
    return sum(one.exact_match > 0 for one in best)


def _check_ranking(ranking: Ranking, encoder: str | None, aggregate: bool) -> None:
    """Check that a confidence can be fitted to a ranking as it is."""
    if encoder is not None and ranking.of_encoder(encoder) is None:
        raise PrereadError(
            "calibrate: expected a ranking with an entry for the encoder of the index's vectors, "
            "found none. Fit the ranking too, not the confidence alone."
        )
    if not aggregate:
        raise PrereadError(
            "calibrate: expected a ranking that adds up equal answers (aggregate_answers), since a "
            "confidence holds for sums of shares, found one that does not. Fit the ranking too, "
            "not the confidence alone."
        )


def _check_answerable(asked: Asked, top_k: int) -> None:
    """Check that enough questions have right and wrong spans."""
    spans = [reads.features(top_k, question).is_right for question, reads in asked]
    n_usable = sum(any(is_right) and not all(is_right) for is_right in spans)
    if n_usable < LEAST_RIGHT:
        raise PrereadError(
            f"calibrate: of the {len(asked)} questions to fit to, expected at least "
            f"{LEAST_RIGHT} that have right and wrong answers in their passages, found {n_usable}. "
            "Read more passages (--top-k), or name questions that the corpus answers."
        )


def _check_right(best: Sequence[BestAnswer]) -> None:
    n_right = _n_right(best)
    n_wrong = len(best) - n_right
    if min(n_right, n_wrong) < LEAST_RIGHT:
        raise PrereadError(
            f"calibrate: of the {len(best)} questions to fit to, expected at least "
            f"{LEAST_RIGHT} to be answered right and as many wrong, found {n_right} and {n_wrong}. "
            "Name other questions, or more."
        )


def _noted(
    best: Sequence[BestAnswer],
    unanswerable: Sequence[BestAnswer],
    scores: Scores,
    confidence_weights: Sequence[float] | None,
) -> HeldOutScores:
    """The scores of the held-out half, as noted in the ranking's file."""
    error = scores.calibration_error
    at_thresholds = (
        []
        if confidence_weights is None
        else threshold_scores(best, unanswerable, confidence_weights)
    )
    return HeldOutScores(
        n_questions=len(best),
        exact_match=percent(scores.exact_match.mean),
        exact_match_interval=tuple(interval(scores.exact_match)),
        f1=percent(scores.f1.mean),
        f1_interval=tuple(interval(scores.f1)),
        expected_calibration_error=None if error is None else percent(error.mean),
        thresholds=tuple(at_thresholds),
    )


def _put_in(
    ranking: Ranking,
    encoder: str | None,
    fitted: _Fitted,
    fitted_on: FittedOn,
    *,
    confidence_only: bool,
) -> tuple[Ranking, AnswerWeights]:
    """The ranking with the fitted values, and the entry that holds them."""
    if confidence_only:
        known = ranking.of_encoder(encoder)
        confidence = {
            "confidence_weights": fitted.confidence_weights,
            "confidence_fitted_on": fitted_on,
        }
        if known is not None:
            known = known.model_copy(update=confidence)
            return ranking.with_entry(known), known
        changed = ranking.changed(**confidence)
        return changed, changed
    weights = fitted.weights
    fields: dict[str, Any] = {
        "bm25_weight": weights.bm25_weight,
        "aggregate_answers": fitted.aggregate,
        "answer_temperature": weights.answer_temperature,
        "confidence_weights": fitted.confidence_weights,
        "fitted_on": fitted_on,
        "confidence_fitted_on": None,
    }
    if encoder is not None:
        entry = VectorRanking(
            encoder=encoder, similarity_weight=weights.similarity_weight, **fields
        )
        return ranking.with_entry(entry), entry
    if ranking.vectors and ranking.passage_weight != weights.passage_weight:
        _LOG.warning(
            "the ranking's entries for vectors were fitted with another passage_weight (%g, now "
            "%g). Fit them again with --retriever.",
            ranking.passage_weight,
            weights.passage_weight,
        )
    changed = ranking.changed(passage_weight=weights.passage_weight, **fields)
    return changed, changed


def _difference(after: Sequence[BestAnswer], before: Sequence[BestAnswer]) -> MeanEstimate:
    """The paired difference of exact match."""
    pairs = zip(after, before, strict=True)
    (more,) = estimates([[one.exact_match - other.exact_match for one, other in pairs]])
    return more
