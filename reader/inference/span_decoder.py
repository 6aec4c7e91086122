"""From the logits of all passages to answer spans, as the reader was trained to be read."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..config import DeformerConfig
from ..modeling.question_answering import SpanLogits
from .spans import Span, decode_by_passage, decode_spans, passage_margins, passage_normalisers
from .window_table import WindowTable


@dataclass(frozen=True, slots=True)
class SpanDecoder:
    """Finds answer spans in logits."""

    config: DeformerConfig
    passage_weight: float = 0.0
    """Logits that one logit of a passage's margin adds to each of its spans."""

    def best(
        self,
        logits: SpanLogits,
        windows: WindowTable,
        n_best: int,
        passage_scores: Sequence[float] | None = None,
        *,
        max_answer_length: int | None = None,
    ) -> list[Span]:
        """Find the best spans of all passages together.

        Args:
            logits: Logits of all windows.
            windows: Table of the same windows.
            n_best: Most spans to return.
            passage_scores: What the retrieval score of each passage is worth, in logits.
            max_answer_length: Longest span in wordpieces; by default that of the configuration.

        Returns:
            Spans that do not overlap, best first.
        """
        longest = max_answer_length or self.config.max_answer_length
        return decode_spans(
            logits.start,
            logits.end,
            windows,
            max_answer_length=longest,
            n_best=n_best,
            passage_scores=self._comparable(logits, windows, passage_scores, longest),
        )

    def best_by_passage(
        self,
        logits: SpanLogits,
        windows: WindowTable,
        n_best: int,
        passage_scores: Sequence[float] | None = None,
        *,
        max_answer_length: int | None = None,
    ) -> list[Span]:
        """Find the best spans of each passage.

        Args:
            logits: Logits of all windows.
            windows: Table of the same windows.
            n_best: Most spans of a passage to return.
            passage_scores: What the retrieval score of each passage is worth, in logits.
            max_answer_length: Longest span in wordpieces; by default that of the configuration.

        Returns:
            Spans of all passages, best first; those of one passage do not overlap.
        """
        longest = max_answer_length or self.config.max_answer_length
        return decode_by_passage(
            logits.start,
            logits.end,
            windows,
            max_answer_length=longest,
            n_best=n_best,
            passage_scores=self._comparable(logits, windows, passage_scores, longest),
        )

    def margins(
        self, logits: SpanLogits, windows: WindowTable, *, max_answer_length: int | None = None
    ) -> list[float]:
        """How far the best span of each passage is ahead of its no-answer score.

        Args:
            logits: Logits of all windows.
            windows: Table of the same windows.
            max_answer_length: Longest span in wordpieces; by default that of the configuration.

        Returns:
            One margin for each passage, in logits; 0 for a passage without text.
        """
        return passage_margins(
            logits.start,
            logits.end,
            logits.null,
            windows,
            max_answer_length=max_answer_length or self.config.max_answer_length,
        ).tolist()

    def _comparable(
        self,
        logits: SpanLogits,
        windows: WindowTable,
        passage_scores: Sequence[float] | None,
        longest: int,
    ) -> Sequence[float]:
        """The score to add to the spans of each passage, which makes them comparable.

        It is the sum of the passage's retrieval score, its weighted margin, and, for a reader whose
        logits are not comparable across passages, its negated log normaliser.
        """
        n_passages = max(windows.passage) + 1
        scores = [0.0] * n_passages if passage_scores is None else passage_scores
        weight = self.passage_weight
        if weight:
            margins = self.margins(logits, windows, max_answer_length=longest)
            scores = [score + weight * m for score, m in zip(scores, margins, strict=True)]
        if self.config.shared_normalization:
            return scores
        normalisers = passage_normalisers(logits.start, logits.end, windows).tolist()
        return [score - other for score, other in zip(scores, normalisers, strict=True)]
