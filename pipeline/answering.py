"""Answers of one question, from the logits of all passages read for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ..data import Passage
from ..reader import Reader, Span, SpanLogits, WindowTable
from .answers import Answer, Step, Support
from .confidence import check_threshold, confidence, confidence_features
from .ranking import (
    SPANS_PER_PASSAGE,
    AnswerRule,
    Candidate,
    RankedAnswer,
    best_by_passages,
    merge_nested,
    rank_answers,
)

PassageAt = Callable[[int], Passage]
"""The passage of a place among those that were read."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a question gets."""

    answers: list[Answer] = field(default_factory=list)
    """Best first; none where nothing was found, or the confidence is too low."""
    places: list[int] = field(default_factory=list)
    """Which of the passages that were read each answer's best place is in."""
    confidence: float | None = None
    """Of the best answer, whether or not it is given."""
    steps: list[Step] = field(default_factory=list)
    """What reading fewer passages would have answered, if asked for."""


@dataclass(frozen=True, slots=True)
class Answerer:
    """Turns logits into answers, by a reader's rule."""

    reader: Reader
    rule: AnswerRule
    min_confidence: float = 0.0
    """Below it nothing is answered."""

    def __post_init__(self) -> None:
        """Check the threshold.

        Raises:
            PrereadError: If it cannot be applied.
        """
        check_threshold(self.min_confidence, self.rule.confidence_weights)

    def answer(
        self,
        logits: SpanLogits,
        windows: WindowTable,
        scores: Sequence[float],
        passage_at: PassageAt,
        n_answers: int,
        *,
        with_steps: bool = False,
        max_answer_length: int | None = None,
    ) -> Answered:
        """Rank what was read.

        Args:
            logits: Of all windows.
            windows: The same windows; their passages are places.
            scores: What each passage brings along from retrieval, in logits.
            passage_at: Where answers stand.
            n_answers: How many answers at most.
            with_steps: Also say what reading fewer passages would have answered.
            max_answer_length: Longest answer in wordpieces; by default the configuration's.
        """
        if not windows.lengths:
            return Answered()
        spans = self.reader.best_spans_by_passage(
            logits, windows, SPANS_PER_PASSAGE, scores, max_answer_length=max_answer_length
        )
        if not spans:
            return Answered()
        passages = {place: passage_at(place) for place in {span.passage for span in spans}}
        candidates = self._locate(spans, passages)
        ranked = rank_answers(candidates, self.rule)
        known = self._confidence(ranked[0], logits, windows)
        answers, places = [], []
        for one in merge_nested(ranked, n_answers):
            answers.append(_as_answer(one, passages))
            places.append(one.best.passage)
        answers[0] = replace(answers[0], confidence=known)
        if known is not None and known < self.min_confidence:
            answers, places = [], []
        steps = best_by_passages(candidates, self.rule) if with_steps else []
        return Answered(
            answers,
            places,
            known,
            [
                Step(n, _as_answer(RankedAnswer((place,), place.share), passages))
                for n, place in steps
            ],
        )

    def _locate(self, spans: Sequence[Span], passages: dict[int, Passage]) -> list[Candidate]:
        """Turn tokens into characters."""
        tokens = {n: self.reader.encoder.token_map(p.text) for n, p in passages.items()}
        candidates = []
        for span in spans:
            start, end = tokens[span.passage].char_span(span.first_token, span.last_token)
            text = passages[span.passage].text[start:end]
            candidates.append(
                Candidate(span.passage, start, end, text, span.logit, span.probability)
            )
        return candidates

    def _confidence(
        self, best: RankedAnswer, logits: SpanLogits, windows: WindowTable
    ) -> float | None:
        """How likely the best answer is to be right; None where that was not fitted."""
        weights = self.rule.confidence_weights
        if weights is None:
            return None
        margin = self.reader.passage_margins(logits, windows)[best.best.passage]
        return confidence(confidence_features(best.score, margin), weights)


def locate(span: Span, passage: Passage, reader: Reader) -> Answer:
    """Turn tokens into characters.

    Args:
        span: What was read in the passage.
        passage: Its text is what the reader read.
        reader: Its tokenizer knows where tokens stand.
    """
    tokens = reader.encoder.token_map(passage.text)
    start, end = tokens.char_span(span.first_token, span.last_token)
    return Answer(
        answer=passage.text[start:end],
        score=span.probability,
        passage_id=passage.passage_id,
        title=passage.title,
        start=start,
        end=end,
        passage=passage.text,
    )


def _as_answer(ranked: RankedAnswer, passages: dict[int, Passage]) -> Answer:
    """An answer with its passages."""
    best = ranked.best
    passage = passages[best.passage]
    return Answer(
        answer=best.text,
        score=ranked.score,
        passage_id=passage.passage_id,
        title=passage.title,
        start=best.start,
        end=best.end,
        passage=passage.text,
        supporting=tuple(
            Support(
                passages[place.passage].passage_id,
                passages[place.passage].title,
                place.start,
                place.end,
                place.share,
            )
            for place in ranked.places
        ),
    )
