"""Score fusion: the weighted retrieval score of a passage, added to the logits of its spans.

Source: BERTserini mixes both scores in this way (Yang et al. 2019,
https://aclanthology.org/N19-4013, section 3). Here the similarity of dense vectors is added too.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ...indexer import Hit, PassageIndex
from ...reader import Ranking
from ..retrievers import Retriever
from ..retrievers.base import bm25_scores, encoder_of
from .ranking import AnswerRule

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFusion:
    """Weights of the retrieval scores of a passage."""

    bm25: float
    """Logits per point of the BM25 score, for every retriever."""
    similarity: float = 0.0
    """Logits for a cosine of 1. Not 0 only if every hit has a similarity."""

    def logits(self, index: PassageIndex, question: str, hits: Sequence[Hit]) -> list[float]:
        """The logits that are added to the spans of each hit.

        Args:
            index: Index of the hits; it computes the BM25 scores that hits do not have.
            question: The question that was searched for.
            hits: The hits of the question.
        """
        logits = [0.0] * len(hits)
        if self.bm25:
            logits = [self.bm25 * score for score in bm25_scores(index, question, hits)]
        if not self.similarity:
            return logits
        known = [hit.similarity for hit in hits if hit.similarity is not None]
        return [
            logit + self.similarity * similarity
            for logit, similarity in zip(logits, known, strict=True)
        ]


def ranking_for(ranking: Ranking, retriever: Retriever) -> tuple[ScoreFusion, AnswerRule]:
    """Choose the weights and the rule for the passages of a retriever.

    Similarities are added if the ranking was fitted to the encoder that they come from. Those of
    another encoder order the passages only.

    Args:
        ranking: The reader's ranking.
        retriever: The retriever of the passages.
    """
    encoder = encoder_of(retriever)
    fitted = ranking.of_encoder(encoder)
    if fitted is not None:
        weights = ScoreFusion(bm25=fitted.bm25_weight, similarity=fitted.similarity_weight)
        return weights, AnswerRule.of(fitted)
    if ranking.vectors and encoder is not None:
        _LOG.warning(
            "vectors: the ranking was fitted to similarities of %s, and the index has vectors of "
            "%s. They order passages, but their similarities are not added to scores. Fit the "
            "ranking to them with `preread calibrate`.",
            ", ".join(entry.encoder[:12] for entry in ranking.vectors),
            encoder[:12],
        )
    return ScoreFusion(bm25=ranking.bm25_weight), AnswerRule.of(ranking)
