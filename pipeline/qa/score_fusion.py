"""What retrieval knows of a passage, in the reader's logits.

Source: the two scores are mixed as in BERTserini (Yang et al. 2019,
https://aclanthology.org/N19-4013), section 3; here the one of dense vectors too.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...indexer import Hit, PassageIndex
from ...reader import DeformerConfig
from ..retrievers import Retriever
from ..retrievers.base import bm25_scores, encoder_of
from .ranking import AnswerRule

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageWeights:
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


def ranking_for(config: DeformerConfig, retriever: Retriever) -> tuple[PassageWeights, AnswerRule]:
    """How what a retriever finds is ranked, by a reader's configuration.

    Similarities count where the configuration has weights for the encoder that they are of; those
    of other encoders order passages, and are not added to a logit.
    """
    rule = AnswerRule.of(config)
    fitted, encoder = config.vector_ranking, encoder_of(retriever)
    if fitted is None or fitted["encoder"] != encoder:
        if fitted is not None and encoder is not None:
            _LOG.warning(
                "vectors: the reader knows what similarities of encoder %s are worth, and these "
                "are of %s. They order passages, and nothing is added for them.",
                fitted["encoder"][:12],
                encoder[:12],
            )
        return PassageWeights(bm25=config.bm25_weight), rule
    weights = fitted["confidence_weights"]
    return (
        PassageWeights(bm25=fitted["bm25_weight"], similarity=fitted["similarity_weight"]),
        replace(
            rule,
            answer_temperature=fitted["answer_temperature"],
            confidence_weights=None if weights is None else tuple(weights),
        ),
    )
