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
class ReadOff:
    """What may be an answer, of the passages that were read."""

    candidates: list[Candidate] = field(default_factory=list)
    """Their shares are of all spans that were read, not of these only."""
    passages: dict[int, Passage] = field(default_factory=dict)
    """Where they stand, by the passages' places."""
    margins: dict[int, float] = field(default_factory=dict)
    """How far each passage's best span is ahead of no answer, where confidence was fitted."""


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
            logits: As in `read_off`; so are those that follow.
            windows: See ``logits``.
            scores: See ``logits``.
            passage_at: See ``logits``.
            n_answers: How many answers at most.
            with_steps: Also say what reading fewer passages would have answered.
            max_answer_length: As in `read_off`.
        """
        found = self.read_off(
            logits, windows, scores, passage_at, max_answer_length=max_answer_length
        )
        return self.rank(found, n_answers, with_steps=with_steps)

    def read_off(
        self,
        logits: SpanLogits,
        windows: WindowTable,
        scores: Sequence[float],
        passage_at: PassageAt,
        *,
        max_answer_length: int | None = None,
    ) -> ReadOff:
        """What may be an answer, of all that was read.

        Args:
            logits: Of all windows.
            windows: The same windows; their passages are places.
            scores: What each passage brings along from retrieval, in logits.
            passage_at: Where answers stand.
            max_answer_length: Longest answer in wordpieces; by default the configuration's.
        """
        spans = (
            self.reader.spans.best_by_passage(
                logits, windows, SPANS_PER_PASSAGE, scores, max_answer_length=max_answer_length
            )
            if windows.lengths
            else []
        )
        if not spans:
            return ReadOff()
        passages = {place: passage_at(place) for place in {span.passage for span in spans}}
        margins = {}
        if self.rule.confidence_weights is not None:
            of_all = self.reader.spans.margins(logits, windows, max_answer_length=max_answer_length)
            margins = {place: of_all[place] for place in passages}
        return ReadOff(self._locate(spans, passages), passages, margins)

    def rank(self, found: ReadOff, n_answers: int, *, with_steps: bool = False) -> Answered:
        """Answers, of what may be one; see `rank_read_off`."""
        return rank_read_off(
            found, self.rule, n_answers, self.min_confidence, with_steps=with_steps
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


def rank_read_off(
    found: ReadOff,
    rule: AnswerRule,
    n_answers: int,
    min_confidence: float = 0.0,
    *,
    with_steps: bool = False,
) -> Answered:
    """Answers, of what may be one; no reader is needed any more.

    Args:
        found: What `Answerer.read_off` gave.
        rule: How answers are ranked.
        n_answers: How many at most.
        min_confidence: As of an `Answerer`.
        with_steps: Also say what reading fewer passages would have answered.
    """
    if not found.candidates:
        return Answered()
    ranked = rank_answers(found.candidates, rule)
    known = _confidence(ranked[0], found, rule)
    answers, places = [], []
    for one in merge_nested(ranked, n_answers):
        answers.append(_as_answer(one, found.passages))
        places.append(one.best.passage)
    answers[0] = replace(answers[0], confidence=known)
    if known is not None and known < min_confidence:
        answers, places = [], []
    steps = best_by_passages(found.candidates, rule) if with_steps else []
    return Answered(
        answers,
        places,
        known,
        [
            Step(n, _as_answer(RankedAnswer((place,), place.share), found.passages))
            for n, place in steps
        ],
    )


def _confidence(best: RankedAnswer, found: ReadOff, rule: AnswerRule) -> float | None:
    """How likely the best answer is to be right; None where that was not fitted."""
    if rule.confidence_weights is None:
        return None
    margin = found.margins[best.best.passage]
    return confidence(confidence_features(best.score, margin), rule.confidence_weights)


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
