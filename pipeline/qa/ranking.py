"""Ranking: from candidate spans to answers.

Equal answers become one answer, and an answer of low confidence is held back. Each formula is a
pure function, and `rank` combines them. ``pipeline/calibration/calibrate.py`` fits their weights.
Ranking needs no reader, so that candidates may come from other machines.

Source: GAR adds up equal answers over passages (Mao et al. 2021,
https://aclanthology.org/2021.acl-long.316). PyGaggle also mixes in the retriever's score (Ma et al.
2021, https://arxiv.org/abs/2104.05740).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

from ...data import normalize_answer
from ...reader.ranking import AnswerWeights
from .calibration import confidence, confidence_features
from .types import Answer, Answered, AnswerStep, Candidate, CandidateSpans, Support


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRule:
    """How answers are ranked: the fields of `AnswerWeights` that ranking uses."""

    aggregate_answers: bool = False
    """Whether the shares of equal answers are added up; if not, the best span decides."""
    answer_temperature: float = 1.0
    """Divides the logits before the shares of equal answers are added up."""
    confidence_weights: tuple[float, ...] | None = None
    """The bias and the weights of the confidence; None if they were not fitted."""

    @classmethod
    def of(cls, weights: AnswerWeights) -> "AnswerRule":
        """The rule of an entry of a reader's ranking.

        Args:
            weights: The entry.
        """
        return cls(
            aggregate_answers=weights.aggregate_answers,
            answer_temperature=weights.answer_temperature,
            confidence_weights=weights.confidence_weights,
        )


@dataclass(frozen=True, slots=True)
class RankedAnswer:
    """An answer with the spans that give it."""

    places: tuple[Candidate, ...]
    """The best span of each passage that gives the answer, best first."""
    score: float
    """From 0 to 1."""

    @property
    def best(self) -> Candidate:
        """The best span."""
        return self.places[0]


def rank(
    found: CandidateSpans,
    rule: AnswerRule,
    n_answers: int,
    min_confidence: float = 0.0,
    *,
    with_steps: bool = False,
) -> Answered:
    """Rank the answers to one question.

    Args:
        found: The candidate spans of the question's passages.
        rule: How answers are ranked.
        n_answers: Maximum number of answers.
        min_confidence: Least confidence of the best answer; below it, no answer is returned.
        with_steps: Also return the best answer after each number of passages.

    Returns:
        The answers, best first, with the confidence of the best one.
    """
    if not found.candidates:
        return Answered()
    ranked = rank_answers(found.candidates, rule)
    known = _confidence(ranked[0], found, rule)
    kept = merge_nested(ranked, n_answers)
    if known is not None and known < min_confidence:
        kept = []
    answers = [_as_answer(one, found) for one in kept]
    if answers:
        answers[0] = replace(answers[0], confidence=known)
    steps = best_by_passages(found.candidates, rule) if with_steps else []
    return Answered(
        answers,
        [one.best.passage for one in kept],
        known,
        [
            AnswerStep(n, _as_answer(RankedAnswer((place,), place.share), found))
            for n, place in steps
        ],
    )


def _confidence(best: RankedAnswer, found: CandidateSpans, rule: AnswerRule) -> float | None:
    """The probability that the best answer is right; None if no weights were fitted."""
    if rule.confidence_weights is None:
        return None
    margin = found.margins[best.best.passage]
    return confidence(confidence_features(best.score, margin), rule.confidence_weights)


def _as_answer(ranked: RankedAnswer, found: CandidateSpans) -> Answer:
    """A ranked answer with the passages that support it."""
    supporting = tuple(
        Support(
            found.passages[place.passage].passage_id,
            found.passages[place.passage].title,
            place.start,
            place.end,
            place.share,
        )
        for place in ranked.places
    )
    return replace(found.answer_at(ranked.best), score=ranked.score, supporting=supporting)


def combined_logit(
    span: float,
    margin: float,
    bm25: float,
    similarity: float = 0.0,
    *,
    passage_weight: float,
    bm25_weight: float,
    similarity_weight: float = 0.0,
) -> float:
    """The logit of a span, its passage and its retrieval together.

    Args:
        span: Start logit plus end logit of the span.
        margin: Logit of the passage's best span less the no-answer score.
        bm25: BM25 score of the passage.
        similarity: Cosine of the vectors of passage and question.
        passage_weight: Logits added per logit of the margin.
        bm25_weight: Logits added per point of the BM25 score.
        similarity_weight: Logits added for a cosine of 1.
    """
    retrieval = bm25_weight * bm25 + similarity_weight * similarity
    return span + passage_weight * margin + retrieval


def evidence(logits: Sequence[float], temperature: float) -> list[float]:
    """The share of each candidate: a softmax of the logits divided by a temperature.

    Args:
        logits: Logits of the candidates.
        temperature: The temperature.
    """
    highest = max(logits, default=0.0)
    weights = [math.exp((logit - highest) / temperature) for logit in logits]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def rank_answers(candidates: Iterable[Candidate], rule: AnswerRule) -> list[RankedAnswer]:
    """Group candidates into answers, best first.

    With ``aggregate_answers``, shares are the `evidence` of the candidates, and the score of an
    answer is the sum of the shares of all candidates with the same normalised text. Without it,
    shares stay as they are, and the score of an answer is the share of its best candidate.

    Args:
        candidates: Candidates of all passages, in any order.
        rule: How answers are ranked.
    """
    ordered = sorted(candidates, key=_order)
    if rule.aggregate_answers:
        shares = evidence([one.logit for one in ordered], rule.answer_temperature)
        ordered = [one.with_share(x) for one, x in zip(ordered, shares, strict=True)]
    groups: dict[str, list[Candidate]] = {}
    for one in ordered:
        groups.setdefault(answer_key(one.text), []).append(one)
    answers = [
        RankedAnswer(
            places=_one_a_passage(group, rule),
            score=math.fsum(x.share for x in group) if rule.aggregate_answers else group[0].share,
        )
        for group in groups.values()
    ]
    return sorted(answers, key=lambda answer: (-answer.score, _order(answer.best)))


def merge_nested(answers: Sequence[RankedAnswer], n_answers: int) -> list[RankedAnswer]:
    """Leave out answers that contain, or are contained in, a better one.

    The passages of an answer that is left out support the better one. Its score is not added,
    because the longer of two such answers need not mean the same.

    Args:
        answers: Answers, best first, no two equal.
        n_answers: Maximum number of answers to keep.
    """
    kept: list[RankedAnswer] = []
    words: list[str] = []
    for answer in answers:
        mine = f" {' '.join(answer_key(answer.best.text).split())} "
        number = next((n for n, other in enumerate(words) if mine in other or other in mine), None)
        if number is not None:
            kept[number] = _with_support(kept[number], answer)
        elif len(kept) < n_answers:
            kept.append(answer)
            words.append(mine)
    return kept


def best_by_passages(
    candidates: Sequence[Candidate], rule: AnswerRule
) -> list[tuple[int, Candidate]]:
    """The best span after each number of passages that are read.

    Args:
        candidates: Candidates of all passages.
        rule: How answers are ranked.

    Returns:
        Pairs of a number of passages and the span that is the best from there on, in ascending
        order.
    """
    weights = evidence([one.logit for one in candidates], rule.answer_temperature)
    weighted = sorted(zip(candidates, weights, strict=True), key=lambda pair: pair[0].passage)
    scores: dict[str, float] = {}
    best: dict[str, Candidate] = {}

    def rank(key: str) -> tuple[float, tuple[float, int, int, int]]:
        return -scores[key] if rule.aggregate_answers else 0.0, _order(best[key])

    steps: list[tuple[int, Candidate]] = []
    leader: str | None = None
    for passage, of_passage in groupby(weighted, key=lambda pair: pair[0].passage):
        risen = [] if leader is None else [leader]
        for one, weight in of_passage:
            key = answer_key(one.text)
            scores[key] = scores.get(key, 0.0) + weight
            best[key] = min(best.get(key, one), one, key=_order)
            risen.append(key)
        leader = min(risen, key=rank)  # scores only rise, so that no other answer can take the lead
        if not steps or steps[-1][1] != best[leader]:
            steps.append((passage + 1, best[leader]))
    return steps


@lru_cache(maxsize=4096)
def answer_key(text: str) -> str:
    """The text that equal answers share: SQuAD's normalised form, or the text if that is empty.

    Args:
        text: Text of an answer.
    """
    return normalize_answer(text) or text.lower()


def _order(one: Candidate) -> tuple[float, int, int, int]:
    """The order of candidates: best first, and of equal ones that of the earlier passage."""
    return -one.logit, one.passage, one.start, one.end


def _one_a_passage(group: Sequence[Candidate], rule: AnswerRule) -> tuple[Candidate, ...]:
    """The best span of each passage; added up, with the share of all its spans."""
    best: dict[int, Candidate] = {}
    for one in group:
        known = best.get(one.passage)
        if known is None:
            best[one.passage] = one
        elif rule.aggregate_answers:
            best[one.passage] = known.with_share(known.share + one.share)
    return tuple(best.values())


def _with_support(answer: RankedAnswer, other: RankedAnswer) -> RankedAnswer:
    """An answer with another's spans from passages in which it has none."""
    known = {place.passage for place in answer.places}
    more = tuple(place for place in other.places if place.passage not in known)
    return RankedAnswer(answer.places + more, answer.score)
