"""Fitting how a reader's answers are ranked to questions whose answers are known.

The questions are split in two halves at random. One half fits what each part of the ranking is
worth, whether equal answers add up, and the confidence. The other half says what that gives.
"""

import datetime
import logging
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...data import PrereadError, Question
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
)
from .fitting import RankingWeights, fit_confidence, fit_ranking
from .reads import collect_reads

LEAST_QUESTIONS = 100
"""Half of them are fitted to."""
LEAST_RIGHT = 10
"""Questions that must be answered right, and as many wrong, for a fit to be more than luck: some
three for each number of the confidence."""
_LOG = logging.getLogger(__name__)
_SHOWN = {"bm25_weight", "aggregate_answers", "answer_temperature", "confidence_weights"}
_SHOWN_OF_VECTORS = {"similarity_weight", "encoder"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A ranking that was fitted, and what it gives."""

    ranking: Ranking
    """The reader's, with what was fitted put in."""
    entry: AnswerWeights
    """What was fitted: the ranking itself, or its entry for dense vectors."""
    fitted_on: FittedOn
    seed: int
    """Of the two halves."""
    before: Scores
    """What the held-out half got by the ranking that the reader had."""
    after: Scores
    """What it gets by the one that was fitted."""
    exact_match_more: MeanEstimate
    """The paired difference of the two."""
    reliability: Sequence[Bin]
    """How often answers to the held-out half are right, by confidence; by score where there is no
    confidence."""

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
    """What one half of the questions gave."""

    weights: RankingWeights
    aggregate: bool
    confidence_weights: tuple[float, ...] | None


def calibrate(
    qa: OpenDomainQA,
    questions: Sequence[Question],
    *,
    questions_name: str,
    retriever_name: str,
    top_k: int = 20,
    seed: int = 0,
    reads: str | Path | None = None,
    show_progress: bool = False,
) -> Calibration:
    """Fit how answers are ranked to some questions, and score that on others.

    Where vectors say how similar passages are, the ranking's entry for them is fitted; the weight
    of margins, which all retrievers share, stays as it is. Otherwise all the rest of the ranking is
    fitted, the stop margin aside.

    Args:
        qa: What answers: an index, a reader and a retriever.
        questions: With gold answers.
        questions_name: Of the file that they are from, noted in the ranking.
        retriever_name: Of what finds the passages, noted in the ranking.
        top_k: Passages that are read for each question.
        seed: Of the two halves.
        reads: File that keeps what was read; what it holds is not read again.
        show_progress: Draw a progress bar on standard error.

    Raises:
        PrereadError: If there are too few questions, too few of them are answered right or wrong,
            or the file of reads is of another reading.
    """
    reads = None if reads is None else Path(reads)
    if len(questions) < LEAST_QUESTIONS:
        raise PrereadError(
            f"calibrate: expected at least {LEAST_QUESTIONS} questions, half of which are fitted "
            f"to, found {len(questions)}. Name a file with more."
        )
    read = collect_reads(qa, questions, top_k, reads, show_progress=show_progress)
    tuning, held_out = in_halves(list(zip(questions, read, strict=True)), seed)
    ranking, encoder = qa.reader.ranking, encoder_of(qa.retriever)
    fitted = _fit(
        tuning,
        top_k,
        with_margin=qa.reader.config.has_no_answer_score,
        passage_weight=None if encoder is None else ranking.passage_weight,
    )
    rule = qa.rule
    had = RankingWeights(
        passage_weight=ranking.passage_weight,
        bm25_weight=qa.weights.bm25,
        answer_temperature=rule.answer_temperature,
        similarity_weight=qa.weights.similarity,
    )
    before = best_answers(held_out, top_k, had, aggregate=rule.aggregate_answers)
    after = best_answers(held_out, top_k, fitted.weights, aggregate=fitted.aggregate)
    scores = summarise_best(after, fitted.confidence_weights)
    fitted_on = FittedOn(
        corpus=Path(qa.index.manifest.plan.corpus).name,
        questions=questions_name,
        n_questions=len(tuning),
        retriever=retriever_name,
        top_k=top_k,
        date=datetime.datetime.now(datetime.UTC).date(),
        held_out=_noted(after, scores, fitted.confidence_weights),
    )
    changed, entry = _put_in(ranking, encoder, fitted, fitted_on)
    return Calibration(
        ranking=changed,
        entry=entry,
        fitted_on=fitted_on,
        seed=seed,
        before=summarise_best(before, rule.confidence_weights),
        after=scores,
        exact_match_more=_difference(after, before),
        reliability=calibration_bins(known_of(after, fitted.confidence_weights)),
    )


def in_halves(asked: Asked, seed: int) -> tuple[Asked, Asked]:
    """Two halves, drawn at random; of an odd number the first is the greater.

    Args:
        asked: What is divided.
        seed: The same seed draws the same halves.
    """
    shuffled = random.Random(seed).sample(asked, len(asked))
    n_first = -(-len(asked) // 2)
    return shuffled[:n_first], shuffled[n_first:]


def fit_weights(
    asked: Asked, top_k: int, *, with_margin: bool, passage_weight: float | None = None
) -> RankingWeights:
    """What margins, BM25's scores and similarities are worth, and the temperature.

    The likelihood of the gold answers is fitted and not their EM, which moves in steps of a
    question: on a few hundred questions its best point is mostly luck.

    Args:
        asked: Questions to fit to; those whose passages hold no right span teach nothing.
        top_k: How many passages of each count.
        with_margin: Whether margins count. The no-answer logit of a reader that was not taught it
            says nothing of a passage.
        passage_weight: What margins are worth, where that is given and not fitted.

    Raises:
        ValueError: If no question has both right and wrong spans.
    """
    given = passage_weight or 0.0
    weights = fit_ranking(
        [reads.features(top_k, question, passage_weight=given) for question, reads in asked],
        with_margin=with_margin and passage_weight is None,
        with_bm25=True,
        with_similarity=any(reads.similarity for _, reads in asked),
    )
    return weights if passage_weight is None else replace(weights, passage_weight=passage_weight)


def fit_confidence_of(best: Sequence[BestAnswer]) -> tuple[float, ...]:
    """The confidence of best answers.

    Args:
        best: With summed scores. Those without an answer are passed over.

    Raises:
        ValueError: If none has an answer.
    """
    answered = [one for one in best if one.answer is not None]
    return fit_confidence(
        [one.features for one in answered], [one.exact_match > 0 for one in answered]
    )


def _fit(asked: Asked, top_k: int, *, with_margin: bool, passage_weight: float | None) -> _Fitted:
    """Everything that a ranking is made of."""
    _check_answerable(asked, top_k)
    weights = fit_weights(asked, top_k, with_margin=with_margin, passage_weight=passage_weight)
    alone, summed = (
        best_answers(asked, top_k, weights, aggregate=aggregate) for aggregate in (False, True)
    )
    aggregate = _n_right(summed) >= _n_right(alone)
    _check_right(summed if aggregate else alone)
    # The confidence is computed from sums; of a single span's score it would be wrong.
    return _Fitted(weights, aggregate, fit_confidence_of(summed) if aggregate else None)


def _n_right(best: Sequence[BestAnswer]) -> int:
    return sum(one.exact_match > 0 for one in best)


def _check_answerable(asked: Asked, top_k: int) -> None:
    """Refuse questions that weights cannot be fitted to."""
    spans = [reads.features(top_k, question).is_right for question, reads in asked]
    n_usable = sum(any(is_right) and not all(is_right) for is_right in spans)
    if n_usable < LEAST_RIGHT:
        raise PrereadError(
            f"calibrate: of the {len(asked)} questions that are fitted to, expected at least "
            f"{LEAST_RIGHT} that have right and wrong answers in their passages, found {n_usable}. "
            "Read more passages (--top-k), or name questions that the corpus answers."
        )


def _check_right(best: Sequence[BestAnswer]) -> None:
    """Refuse answers that a confidence cannot be fitted to."""
    n_right = _n_right(best)
    n_wrong = len(best) - n_right
    if min(n_right, n_wrong) < LEAST_RIGHT:
        raise PrereadError(
            f"calibrate: of the {len(best)} questions that are fitted to, expected at least "
            f"{LEAST_RIGHT} to be answered right and as many wrong, found {n_right} and {n_wrong}. "
            "Name more questions, or others."
        )


def _noted(
    best: Sequence[BestAnswer], scores: Scores, confidence_weights: Sequence[float] | None
) -> HeldOutScores:
    """What the ranking's file says of the held-out half."""
    error = scores.calibration_error
    at_thresholds = [] if confidence_weights is None else threshold_scores(best, confidence_weights)
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
    ranking: Ranking, encoder: str | None, fitted: _Fitted, fitted_on: FittedOn
) -> tuple[Ranking, AnswerWeights]:
    """The ranking with what was fitted, and the entry that this is."""
    weights = fitted.weights
    fields: dict[str, Any] = {
        "bm25_weight": weights.bm25_weight,
        "aggregate_answers": fitted.aggregate,
        "answer_temperature": weights.answer_temperature,
        "confidence_weights": fitted.confidence_weights,
        "fitted_on": fitted_on,
    }
    if encoder is not None:
        entry = VectorRanking(
            encoder=encoder, similarity_weight=weights.similarity_weight, **fields
        )
        return ranking.changed(vectors=entry), entry
    if ranking.vectors is not None and ranking.passage_weight != weights.passage_weight:
        _LOG.warning(
            "the ranking's entry for dense vectors was fitted beside another passage_weight (%g, "
            "now %g). Fit it again: --retriever dense.",
            ranking.passage_weight,
            weights.passage_weight,
        )
    changed = ranking.changed(passage_weight=weights.passage_weight, **fields)
    return changed, changed


def _difference(after: Sequence[BestAnswer], before: Sequence[BestAnswer]) -> MeanEstimate:
    """By how much more is answered right; paired by question."""
    pairs = zip(after, before, strict=True)
    (more,) = estimates([[one.exact_match - other.exact_match for one, other in pairs]])
    return more
