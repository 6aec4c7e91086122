"""Fitting the weights of ranking and confidence to questions with known answers.

Both fits use L-BFGS in float64 from a fixed start, so that equal input gives equal output.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...reader.inference.spans import grouped_logsumexp

_RIDGE = 1e-3
"""Weight of the squared parameters. Parameters that the data do not determine keep their start, and
questions that can be separated without error get no infinite weights."""


@dataclass(frozen=True, slots=True)
class SpanFeatures:
    """The candidates of one question."""

    features: Sequence[tuple[float, float, float, float]]
    """Logit of each span, and margin, BM25 score and similarity of its passage; the similarity is 0
    if it is not known."""
    is_right: Sequence[bool]
    """Whether each span is a gold answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingWeights:
    """The weights of `Ranking` that are fitted."""

    passage_weight: float
    bm25_weight: float
    answer_temperature: float
    similarity_weight: float = 0.0


def fit_ranking(
    questions: Sequence[SpanFeatures],
    *,
    with_margin: bool,
    with_similarity: bool = False,
) -> RankingWeights:
    """Fit the weights under which gold answers get the largest share.

    The weights maximise the mean log of the total share of the right candidates, over questions
    with right and wrong candidates. The shares are a softmax over the candidates of a question. The
    weights of spans and of retrieval cannot be negative.

    Args:
        questions: The candidates of each question.
        with_margin: Whether to fit the weight of margins; if not, it is 0.
        with_similarity: Whether to fit the weight of similarities; if not, it is 0.

    Raises:
        ValueError: If no question has both right and wrong candidates.

    Source: marginal likelihood of all right spans, as in Clark and Gardner 2018
    (https://aclanthology.org/P18-1078).
    """
    usable = [q for q in questions if any(q.is_right) and not all(q.is_right)]
    if not usable:
        raise ValueError("expected a question with right and wrong candidates, found none")
    features = torch.tensor([row for q in usable for row in q.features], dtype=torch.float64)
    is_right = torch.tensor([x for q in usable for x in q.is_right])
    sizes = torch.tensor([len(q.is_right) for q in usable])
    question = torch.arange(len(usable)).repeat_interleave(sizes)
    counts = 1.0, float(with_margin), 1.0, float(with_similarity)
    allowed = torch.tensor(counts, dtype=torch.float64)

    def weights(parameters: Tensor) -> Tensor:
        span, margin, bm25, similarity = parameters.unbind()
        return torch.stack([span.exp(), margin, bm25.exp(), similarity.exp()]) * allowed

    def loss(parameters: Tensor) -> Tensor:
        logits = features @ weights(parameters)
        total = grouped_logsumexp(logits, question, len(usable))
        right = grouped_logsumexp(logits[is_right], question[is_right], len(usable))
        return (total - right).mean()

    # The cosines of found passages differ by half a unit at most, their BM25 scores by ten.
    start = torch.tensor([0.0, 0.0, -1.0, 2.0], dtype=torch.float64)
    span, margin, bm25, similarity = weights(_minimise(loss, start)).tolist()
    return RankingWeights(
        passage_weight=margin / span,
        bm25_weight=bm25 / span,
        answer_temperature=1 / span,
        similarity_weight=similarity / span,
    )


def fit_confidence(
    features: Sequence[Sequence[float]], is_right: Sequence[bool]
) -> tuple[float, ...]:
    """Fit the bias and the weights of a logistic function, by maximum likelihood.

    Args:
        features: Features of the best answer to each question (`confidence_features`).
        is_right: Whether each answer is right.

    Raises:
        ValueError: If there is no question.

    Source: Platt 1999, Probabilistic outputs for support vector machines.
    """
    if not features:
        raise ValueError("expected at least one question, found none")
    rows = torch.tensor(features, dtype=torch.float64)
    rows = torch.cat([torch.ones(len(rows), 1, dtype=torch.float64), rows], dim=1)
    target = torch.tensor(is_right, dtype=torch.float64)

    def loss(parameters: Tensor) -> Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(rows @ parameters, target)

    return tuple(_minimise(loss, torch.zeros(rows.shape[1], dtype=torch.float64)).tolist())


def _minimise(loss: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    parameters = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [parameters], max_iter=500, tolerance_change=1e-10, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss(parameters) + _RIDGE * ((parameters - start) ** 2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return parameters.detach()
