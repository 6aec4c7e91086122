"""Reading examples as training features: windows, each with the questions it answers."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...data import ReadingExample
from ..windows import TextEncoder, Window

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GoldSpan:
    """A question and where its window answers it."""

    question_ids: tuple[int, ...]
    start: int
    """First row of the answer, counted in the window."""
    end: int
    """Last row, inclusive."""


@dataclass(slots=True)
class Feature:
    """A window and its questions: the lower layers see the window once for all of them."""

    window: Window
    spans: list[GoldSpan] = field(default_factory=list)

    def cost(self) -> int:
        """Rows the upper layers see."""
        return sum(len(s.question_ids) + len(self.window.token_ids) for s in self.spans)


def token_range(offsets: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int] | None:
    """Tokens that cover the characters ``start:end``; None where none does."""
    inside = [i for i, (first, last) in enumerate(offsets) if first < end and last > start]
    return (inside[0], inside[-1]) if inside else None


def best_window(windows: list[Window], first: int, last: int) -> int | None:
    """The window that holds both tokens, with the most text around them; None where none does."""

    def margin(window: Window) -> int:
        return min(first - window.first_token, window.first_token + window.n_text - 1 - last)

    best = max(range(len(windows)), key=lambda i: margin(windows[i]))
    return best if margin(windows[best]) >= 0 else None


def make_features(
    examples: Iterable[ReadingExample], encoder: TextEncoder, questions_per_window: int
) -> list[Feature]:
    """Group examples by the window that answers them.

    The first gold answer is the one that is learned, as in the paper. Examples without one, or
    whose answer fits no window, are left out and counted in the log.

    Args:
        examples: Reading-comprehension examples.
        encoder: Lays out the text.
        questions_per_window: More questions than this on one window make further features, at most
            one batch should see too much of one window.

    Returns:
        One feature for each window with questions, in the order of the examples.
    """
    by_context: dict[tuple[str, str], list[ReadingExample]] = defaultdict(list)
    n_left_out = 0
    for example in examples:
        if example.is_impossible or example.multi_span or not example.answers:
            n_left_out += 1
            continue
        by_context[example.title, example.context].append(example)
    features: list[Feature] = []
    for (title, context), group in by_context.items():
        made = _features_of_context(title, context, group, encoder, questions_per_window)
        n_left_out += len(group) - sum(len(f.spans) for f in made)
        features += made
    if n_left_out:
        _LOG.warning("%d examples left out: no single answer that a window holds", n_left_out)
    return features


def _features_of_context(
    title: str,
    context: str,
    group: list[ReadingExample],
    encoder: TextEncoder,
    questions_per_window: int,
) -> list[Feature]:
    """Features of the examples that share one context."""
    (windows,) = encoder.encode_passages([context], [title])
    offsets = encoder.token_map(context).tokens
    questions = encoder.encode_questions([e.question for e in group])
    open_features: dict[int, Feature] = {}
    made: list[Feature] = []
    for example, question_ids in zip(group, questions, strict=True):
        start = example.answer_starts[0]
        tokens = token_range(offsets, start, start + len(example.answers[0]))
        chosen = best_window(windows, *tokens) if tokens else None
        if tokens is None or chosen is None:
            continue
        feature = open_features.get(chosen)
        if feature is None or len(feature.spans) >= questions_per_window:
            feature = open_features[chosen] = Feature(windows[chosen])
            made.append(feature)
        shift = feature.window.n_prefix - feature.window.first_token
        span = GoldSpan(tuple(question_ids), tokens[0] + shift, tokens[1] + shift)
        feature.spans.append(span)
    return made
