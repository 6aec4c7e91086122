"""What retrieval knows of a passage, in the reader's logits.

Source: the two scores are mixed as in BERTserini (Yang et al. 2019,
https://aclanthology.org/N19-4013), section 3; here the one of dense vectors too.
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
    """What scores of a passage are worth, in logits."""

    bm25: float
    """A point of BM25's score, whoever found the passage."""
    similarity: float = 0.0
    """A cosine of 1; where it is not 0, all hits must know theirs."""

    def logits(self, index: PassageIndex, question: str, hits: Sequence[Hit]) -> list[float]:
        """What is added to the logits of each hit's spans.

        Args:
            index: Its BM25 index is asked where a hit does not say.
            question: What was searched for.
            hits: What was found.
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
    """How answers from the passages of a retriever are ranked.

    Similarities count where the ranking has an entry for the encoder that they are of. Those of
    other encoders order passages, and are not added to a logit.

    Args:
        ranking: The reader's.
        retriever: What finds passages.
    """
    fitted, encoder = ranking.vectors, encoder_of(retriever)
    if fitted is not None and fitted.encoder == encoder:
        weights = ScoreFusion(bm25=fitted.bm25_weight, similarity=fitted.similarity_weight)
        return weights, AnswerRule.of(fitted)
    if fitted is not None and encoder is not None:
        _LOG.warning(
            "vectors: the reader knows what similarities of encoder %s are worth, and these are of "
            "%s. They order passages, and nothing is added for them. Fit what they are worth with "
            "`preread calibrate`.",
            fitted.encoder[:12],
            encoder[:12],
        )
    return ScoreFusion(bm25=ranking.bm25_weight), AnswerRule.of(ranking)
