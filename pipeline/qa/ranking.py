"""Ranking: from candidate spans to answers. Equal ones are made one, and the unsure held back.

Pure functions, one a formula; `rank` puts them together, and ``pipeline/calibration/calibrate.py``
fits their weights. No reader is needed any more, so that candidates may come from other machines.

Source: equal answers are summed over passages in GAR (Mao et al. 2021,
https://aclanthology.org/2021.acl-long.316), and there with the retriever's score mixed in by
PyGaggle (Ma et al. 2021, https://arxiv.org/abs/2104.05740).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from ...data import normalize_answer
from ...reader.ranking import AnswerWeights
from .calibration import confidence, confidence_features
from .types import Answer, Answered, AnswerStep, Candidate, CandidateSpans, Support


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRule:
    """How answers are ranked; fields of `AnswerWeights` under the same names."""

    aggregate_answers: bool = False
    """Whether equal answers add up; if not, the best span wins."""
    answer_temperature: float = 1.0
    confidence_weights: tuple[float, ...] | None = None

    @classmethod
    def of(cls, weights: AnswerWeights) -> "AnswerRule":
        """What an entry of a reader's ranking says."""
        return cls(
            aggregate_answers=weights.aggregate_answers,
            answer_temperature=weights.answer_temperature,
            confidence_weights=weights.confidence_weights,
        )


@dataclass(frozen=True, slots=True)
class RankedAnswer:
    """An answer and all places where it stands."""

    places: tuple[Candidate, ...]
    """A place for each passage that supports it, the best first."""
    score: float
    """From 0 to 1."""

    @property
    def best(self) -> Candidate:
        """The best place."""
        return self.places[0]


def rank(
    found: CandidateSpans,
    rule: AnswerRule,
    n_answers: int,
    min_confidence: float = 0.0,
    *,
    with_steps: bool = False,
) -> Answered:
    """Answers of one question.

    Args:
        found: What was read.
        rule: How answers are ranked.
        n_answers: How many at most.
        min_confidence: Where the best answer is less likely to be right, none is given.
        with_steps: Also say what reading fewer passages would have answered.
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
    """How likely the best answer is to be right; None where that was not fitted."""
    if rule.confidence_weights is None:
        return None
    margin = found.margins[best.best.passage]
    return confidence(confidence_features(best.score, margin), rule.confidence_weights)


def _as_answer(ranked: RankedAnswer, found: CandidateSpans) -> Answer:
    """An answer with its passages."""
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
    """What speaks for a span, in logits.

    Args:
        span: Start logit plus end logit.
        margin: Its passage's best span less its no-answer logit.
        bm25: Its passage's BM25 score.
        similarity: Cosine of its passage's vector and the question's.
        passage_weight: Logits that a point of the margin is worth.
        bm25_weight: Logits that a point of the BM25 score is worth.
        similarity_weight: Logits that a cosine of 1 is worth.
    """
    retrieval = bm25_weight * bm25 + similarity_weight * similarity
    return span + passage_weight * margin + retrieval


def evidence(logits: Sequence[float], temperature: float) -> list[float]:
    """Shares of all evidence: a softmax of the logits, divided by a temperature."""
    highest = max(logits, default=0.0)
    weights = [math.exp((logit - highest) / temperature) for logit in logits]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def rank_answers(candidates: Iterable[Candidate], rule: AnswerRule) -> list[RankedAnswer]:
    """Answers, each once, best first; the order of the candidates does not matter.

    With ``aggregate_answers``, shares are `evidence` of the candidates, and an answer's score is
    the sum of those that are equal to it once normalised. Without, shares are left as they are, and
    an answer's score is its best candidate's.

    Args:
        candidates: Of all passages.
        rule: How to rank.
    """
    ordered = sorted(candidates, key=_order)
    if rule.aggregate_answers:
        shares = evidence([one.logit for one in ordered], rule.answer_temperature)
        ordered = [replace(one, share=x) for one, x in zip(ordered, shares, strict=True)]
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
    """The best answers, none of which holds the words of a better one or is held by it.

    One that does goes to the better one as support: it may say the same in other words, and may
    not, so it adds nothing to the score.

    Args:
        answers: Best first, no two equal.
        n_answers: How many are kept at most.
    """
    kept: list[RankedAnswer] = []
    words: list[list[str]] = []
    for answer in answers:
        mine = answer_key(answer.best.text).split()
        number = next((n for n, other in enumerate(words) if _nested(mine, other)), None)
        if number is not None:
            kept[number] = _with_support(kept[number], answer)
        elif len(kept) < n_answers:
            kept.append(answer)
            words.append(mine)
    return kept


def best_by_passages(
    candidates: Sequence[Candidate], rule: AnswerRule
) -> list[tuple[int, Candidate]]:
    """What reading fewer passages would have answered.

    Args:
        candidates: Of all passages.
        rule: How to rank.

    Returns:
        Numbers of passages from which on a place is the best, and that place, ascending.
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
        leader = min(risen, key=rank)  # no score ever falls: who did not rise cannot come to lead
        if not steps or steps[-1][1] != best[leader]:
            steps.append((passage + 1, best[leader]))
    return steps


def answer_key(text: str) -> str:
    """What equal answers have in common: SQuAD's normal form; of one without words, its text."""
    return normalize_answer(text) or text.lower()


def _order(one: Candidate) -> tuple[float, int, int, int]:
    """Best first; of equal ones, the earlier passage's."""
    return -one.logit, one.passage, one.start, one.end


def _one_a_passage(group: Sequence[Candidate], rule: AnswerRule) -> tuple[Candidate, ...]:
    """The best place of each passage, with what all places there are worth."""
    best: dict[int, Candidate] = {}
    for one in group:
        known = best.get(one.passage)
        if known is None:
            best[one.passage] = one
        elif rule.aggregate_answers:
            best[one.passage] = replace(known, share=known.share + one.share)
    return tuple(best.values())


def _with_support(answer: RankedAnswer, other: RankedAnswer) -> RankedAnswer:
    """An answer, with the places of another where it has none itself."""
    known = {place.passage for place in answer.places}
    more = tuple(place for place in other.places if place.passage not in known)
    return RankedAnswer(answer.places + more, answer.score)


def _nested(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether the words of one stand in the other, one after another."""
    short, long = sorted((one, other), key=len)
    n = len(short)
    return any(long[i : i + n] == short for i in range(len(long) - n + 1))
