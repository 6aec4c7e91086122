"""From the logits of all passages to answers, by what a reader says of scores."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..config import DeformerConfig
from ..modeling.question_answering import SpanLogits
from .spans import Span, decode_by_passage, decode_spans, passage_margins, passage_normalisers
from .window_table import WindowTable


@dataclass(frozen=True, slots=True)
class SpanDecoder:
    """Finds spans in logits."""

    config: DeformerConfig
    passage_weight: float = 0.0
    """Logits that one logit of a passage's margin is worth beside its spans' own."""

    def best(
        self,
        logits: SpanLogits,
        windows: WindowTable,
        n_best: int,
        passage_scores: Sequence[float] | None = None,
        *,
        max_answer_length: int | None = None,
    ) -> list[Span]:
        """The best spans of all passages; see `spans.decode_spans`.

        Args:
            logits: Of all windows.
            windows: The same windows.
            n_best: How many answers at most.
            passage_scores: What each passage brings along from retrieval, in logits.
            max_answer_length: Longest answer in wordpieces; by default the configuration's.

        Returns:
            Spans, best first.
        """
        longest = self._longest(windows, max_answer_length)
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
        """The best spans of each passage; see `spans.decode_by_passage`.

        Args:
            logits: As in `best`.
            windows: As in `best`.
            n_best: How many spans of a passage at most.
            passage_scores: As in `best`.
            max_answer_length: As in `best`.
        """
        longest = self._longest(windows, max_answer_length)
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
        """How far each passage's best span is ahead of no answer; see `spans.passage_margins`.

        Args:
            logits: As in `best`.
            windows: As in `best`.
            max_answer_length: As in `best`.
        """
        return passage_margins(
            logits.start,
            logits.end,
            logits.null,
            windows,
            max_answer_length=self._longest(windows, max_answer_length),
        ).tolist()

    def _longest(self, windows: WindowTable, max_answer_length: int | None) -> int:
        """The longest answer to look for: memory grows with it, and no answer leaves its window."""
        wanted = max_answer_length or self.config.max_answer_length
        return min(wanted, max(windows.lengths, default=1))

    def _comparable(
        self,
        logits: SpanLogits,
        windows: WindowTable,
        passage_scores: Sequence[float] | None,
        longest: int,
    ) -> Sequence[float]:
        """The passages' scores, with what the reader itself has to say of each passage.

        That is its margin over no answer, weighed, and what makes logits comparable where they are
        not.
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
