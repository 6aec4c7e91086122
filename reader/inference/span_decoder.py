"""From the logits of all passages to answer spans, as the reader was trained to be read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ..config import DeformerConfig
from ..modeling.question_answering import SpanLogits
from ..packing import cumulative
from ..text.token_map import TokenMap
from .spans import (
    Span,
    decode_spans,
    passage_margins,
    passage_normalisers,
    stretch_margins,
)
from .window_table import WindowTable


@dataclass(frozen=True, slots=True)
class SpanDecoder:
    """Finds answer spans in logits.

    A span of punctuation, markup and space alone is never found, if the window table has token ids.
    Token ids tell it of most spans; of those with unknown words or combining marks the text decides
    (`text.meaning`).
    """

    config: DeformerConfig
    passage_weight: float = 0.0
    """Logits that one logit of a passage's margin adds to each of its spans."""
    meaningful_tokens: Tensor | None = None
    """False for tokens of punctuation or markup. None if spans of any tokens may be answers.
    Shape ``(n_tokens,)``, bool, on CPU."""

    def best(
        self,
        logits: SpanLogits,
        windows: WindowTable,
        n_best: int,
        passage_scores: Sequence[float] | None = None,
        *,
        max_answer_length: int | None = None,
        tokens: Callable[[int], TokenMap] | None = None,
    ) -> list[Span]:
        """Find the best spans of all passages together, best first; none overlap.

        Args:
            logits: Logits of all windows.
            windows: Table of the same windows.
            n_best: Most spans to return.
            passage_scores: What the retrieval score of each passage is worth, in logits.
            max_answer_length: Longest span in wordpieces; by default that of the configuration.
            tokens: Returns the text and tokens of a passage by its number. None if the texts are
                not at hand; then token ids alone decide which spans carry meaning.
        """
        longest = self._longest(windows, max_answer_length)
        scores = self._comparable(logits, windows, passage_scores, longest)
        return self._decoded(logits, windows, tokens, longest, scores, n_best=n_best)

    def best_by_passage(
        self,
        logits: SpanLogits,
        windows: WindowTable,
        n_best: int,
        passage_scores: Sequence[float] | None = None,
        *,
        max_answer_length: int | None = None,
        tokens: Callable[[int], TokenMap] | None = None,
        breaks: Tensor | None = None,
        margins: Sequence[float] | None = None,
    ) -> list[Span]:
        """Find the best spans of each passage, best first; those of one passage do not overlap.

        Args:
            logits: Logits of all windows.
            windows: Table of the same windows.
            n_best: Most spans of a passage to return.
            passage_scores: What the retrieval score of each passage is worth, in logits.
            max_answer_length: Longest span in wordpieces; by default that of the configuration.
            tokens: Returns the text and tokens of a passage by its number. None if the texts are
                not at hand; then token ids alone decide which spans carry meaning.
            breaks: True for rows that a span may begin with, but not reach from an earlier row;
                None if there are none. Shape ``(n_rows,)``, bool, on CPU.
            margins: What `margins` returned for the same logits; None if it was not called.
        """
        longest = self._longest(windows, max_answer_length)
        scores = self._comparable(logits, windows, passage_scores, longest, margins)
        at = None if breaks is None else breaks.to(logits.start.device)
        return self._decoded(
            logits, windows, tokens, longest, scores, n_best=n_best, breaks=at, of_each_passage=True
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
            One margin for each passage, in logits; 0 for a passage without any span.
        """
        return passage_margins(
            logits.start,
            logits.end,
            logits.null,
            windows,
            max_answer_length=self._longest(windows, max_answer_length),
            is_meaningful=self._is_meaningful(logits, windows),
        ).tolist()

    def stretch_margins(
        self,
        logits: SpanLogits,
        windows: WindowTable,
        stretches: Mapping[int, Sequence[int]],
        n_stretches: int,
    ) -> list[float]:
        """How far the spans of each stretch of text are ahead of the passage's no-answer score.

        Args:
            logits: Logits of all windows.
            windows: Table of the same windows.
            stretches: For each passage, by its number, the number of the stretch of each token of
                its text; -1 for a token of none. No two passages share a stretch.
            n_stretches: Number of stretches of all passages.

        Returns:
            One margin for each stretch, in logits, of all its spans together; -inf for a stretch
            without tokens. If the reader has no no-answer score, it is taken for 0.
        """
        return stretch_margins(
            logits.start,
            logits.end,
            logits.null if self.config.has_no_answer_score else None,
            windows,
            windows.numbers_of_rows(stretches),
            n_stretches,
            max_answer_length=self._longest(windows, None),
        ).tolist()

    def _decoded(
        self,
        logits: SpanLogits,
        windows: WindowTable,
        tokens: Callable[[int], TokenMap] | None,
        longest: int,
        scores: Sequence[float],
        **options: Any,
    ) -> list[Span]:
        """Decode, and again whenever the text of a span turns out to carry no meaning."""
        decode = partial(
            decode_spans,
            logits.start,
            logits.end,
            windows,
            max_answer_length=longest,
            passage_scores=scores,
            **options,
        )
        is_meaningful = self._is_meaningful(logits, windows)
        spans = decode(is_meaningful=is_meaningful)
        if is_meaningful is None or tokens is None:
            return spans
        judged: dict[int, list[bool]] = {}
        while wrong := [span for span in spans if not _has_meaning(span, tokens)]:
            for span in wrong:
                if span.passage not in judged:  # at once: a text may be all of such tokens
                    of_passage = tokens(span.passage)
                    every = range(len(of_passage.tokens))
                    judged[span.passage] = [of_passage.has_meaning(t, t) for t in every]
                inside = slice(span.first_token, span.last_token + 1)
                judged[span.passage][inside] = [False] * (inside.stop - inside.start)
            is_meaningful = _overruled(is_meaningful, windows, judged)
            spans = decode(is_meaningful=is_meaningful)
        return spans

    def _is_meaningful(self, logits: SpanLogits, windows: WindowTable) -> Tensor | None:
        """Rows whose token may carry meaning; None if that is not known. Shape ``(n_rows,)``."""
        if self.meaningful_tokens is None or not windows.token_ids:
            return None
        return self.meaningful_tokens[torch.cat(windows.token_ids)].to(logits.start.device)

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
        margins: Sequence[float] | None = None,
    ) -> Sequence[float]:
        """The score to add to the spans of each passage, which makes them comparable.

        It is the sum of the passage's retrieval score, its weighted margin, and, for a reader whose
        logits are not comparable across passages, its negated log normaliser.
        """
        n_passages = max(windows.passage) + 1
        scores = [0.0] * n_passages if passage_scores is None else passage_scores
        weight = self.passage_weight
        if weight:
            if margins is None:
                margins = self.margins(logits, windows, max_answer_length=longest)
            scores = [score + weight * m for score, m in zip(scores, margins, strict=True)]
        if self.config.shared_normalization:
            return scores
        normalisers = passage_normalisers(logits.start, logits.end, windows).tolist()
        return [score - other for score, other in zip(scores, normalisers, strict=True)]


def _has_meaning(span: Span, tokens: Callable[[int], TokenMap]) -> bool:
    return tokens(span.passage).has_meaning(span.first_token, span.last_token)


def _overruled(
    is_meaningful: Tensor, windows: WindowTable, judged: Mapping[int, Sequence[bool]]
) -> Tensor:
    """Replace what token ids tell by what the texts of some passages tell.

    Args:
        is_meaningful: True for rows whose token carries meaning. Shape ``(n_rows,)``, bool.
        windows: Table of the windows, in the order of the rows.
        judged: For some passages, whether each token of the text carries meaning.

    Returns:
        Shape ``(n_rows,)``, bool.
    """
    changed = is_meaningful.clone()
    offsets = cumulative(windows.lengths).tolist()
    for window, passage in enumerate(windows.passage):
        if passage in judged:
            first = windows.first_token[window]
            begin, end = offsets[window] + windows.n_prefix[window], offsets[window + 1] - 1
            of_window = judged[passage][first : first + end - begin]
            changed[begin:end] = torch.tensor(of_window, dtype=torch.bool, device=changed.device)
    return changed
