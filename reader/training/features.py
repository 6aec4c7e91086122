"""Training features: windows, and the questions that are read with them."""

import random
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice

import torch
from torch import Tensor

from ...data import OpenDomainExample, Passage, ReadingExample, has_answer
from ...data.synthetic.unanswerable import QuestionAlterer, borrowed_questions
from ..packing import Movable
from ..text.windows import TextEncoder, Window

_MOST_TEXTS = 6
"""Contexts of an article from which altered questions take names and numbers, besides their own."""
_MOST_QUESTIONS = 100
"""Questions of an article from which they take names, and of which some are borrowed."""
_BORROWED = 0.4
"""Share of unanswerable questions that are those of another context, where the article has some."""


@dataclass(frozen=True, slots=True)
class TrainingQuestion:
    """A question and its gold span, if it has one."""

    token_ids: tuple[int, ...]
    window: int | None = None
    """Number of the window, among the feature's, that holds the answer; None if none does."""
    start: int = 0
    """First row of the answer in that window."""
    end: int = 0
    """Last row, inclusive."""


@dataclass(frozen=True, slots=True)
class Taught(Movable):
    """A teacher's logits for the pairs of question and window of one feature, or of one batch."""

    start: Tensor
    """Start logit of each row of each pair's window. Shape ``(n_rows,)``, float16 or float32."""
    end: Tensor
    """End logit of the same rows. Shape ``(n_rows,)``, float16 or float32."""
    null: Tensor
    """Start and end logit of "no answer" for each pair. Shape ``(n_pairs, 2)``, float16 or
    float32."""

    @classmethod
    def nothing(cls) -> "Taught":
        """The logits of no pair, for a feature that no teacher labels."""
        return cls(torch.empty(0), torch.empty(0), torch.empty(0, 2))

    @classmethod
    def join(cls, parts: Sequence["Taught"]) -> "Taught":
        """Join the logits of several features, in float32.

        Args:
            parts: At least one.
        """
        names = ("start", "end", "null")
        return cls(*(torch.cat([getattr(part, name) for part in parts]).float() for name in names))


@dataclass(slots=True)
class Feature:
    """Windows and questions; each question is read with each window.

    The lower layers process a window once for all questions. The spans of a question in all windows
    share one softmax.
    """

    windows: list[Window]
    questions: list[TrainingQuestion]
    taught: Taught | None = None
    """A teacher's stored logits for each question with each window; None where the recipe names
    none."""

    @property
    def has_answer(self) -> bool:
        """Whether a window answers one of its questions. If none does, no teacher is needed."""
        return any(question.window is not None for question in self.questions)

    def cost(self) -> int:
        """Rows that the upper layers compute for it."""
        n_window_rows = sum(len(w.token_ids) for w in self.windows)
        n_question_rows = sum(len(q.token_ids) for q in self.questions)
        return n_question_rows * len(self.windows) + n_window_rows * len(self.questions)

    def longest(self) -> int:
        """Rows of its longest pair."""
        windows = max(len(w.token_ids) for w in self.windows)
        return windows + max(len(q.token_ids) for q in self.questions)


def token_range(offsets: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int] | None:
    """First and last of the tokens that overlap a stretch of text; None where none does.

    Args:
        offsets: Start and end (exclusive) of each token, in code points of the text.
        start: Start of the stretch, in code points.
        end: End of the stretch, exclusive.
    """
    inside = [i for i, (first, last) in enumerate(offsets) if first < end and last > start]
    return (inside[0], inside[-1]) if inside else None


def _best_window(windows: Sequence[Window], first: int, last: int) -> int | None:
    """Number of the window with the most text around two tokens; None where none holds both."""

    def margin(window: Window) -> int:
        return min(first - window.first_token, window.first_token + window.n_text - 1 - last)

    best = max(range(len(windows)), key=lambda i: margin(windows[i]))
    return best if margin(windows[best]) >= 0 else None


@dataclass
class FeatureMaker:
    """Makes features of examples, and counts those that cannot be used."""

    encoder: TextEncoder
    """Makes windows and token ids of texts."""
    left_out: Counter[str] = field(default_factory=Counter, init=False)
    """Number of examples that were left out, by reason."""
    cut_questions: int = field(default=0, init=False)
    """Number of questions that were longer than ``max_question_length``."""

    def reading(
        self,
        examples: Iterable[ReadingExample],
        questions_per_window: int,
        random_negatives: int = 0,
        article_negatives: int = 0,
        *,
        altered_questions: float = 0.0,
        titles: bool = True,
    ) -> list[Feature]:
        """Group examples by the window that answers them.

        The first gold answer of an example is its target, as in the paper.

        Args:
            examples: Reading-comprehension examples, their contexts in random order.
            questions_per_window: Largest number of questions of a feature. A window with more
                questions makes several features, so that no batch is about one window only.
            random_negatives: Number of other contexts that each question is also read with. They
                contain none of its answers. Of a long context only the first window is read.
            article_negatives: Number of other contexts with the same title that each question is
                also read with. They contain none of its answers. Of a long context only the first
                window is read.
            altered_questions: Share of the questions that come with another one that the context
                does not answer: the same in another form (`QuestionAlterer`), or a question of
                another context with the same title that fits this one (`borrowed_questions`). Such
                questions are read with the context only.
            titles: Whether windows begin with the title.

        Returns:
            One feature for each window with questions, in the order of the examples, and one for
            each window with altered questions.
        """
        by_context: dict[Passage, list[ReadingExample]] = defaultdict(list)
        for example in examples:
            reason = _why_not(example)
            if reason:
                self.left_out[reason] += 1
            else:
                by_context[Passage("", example.context, example.title)].append(example)
        contexts = list(by_context)
        articles: dict[str, list[int]] = defaultdict(list)
        for number, passage in enumerate(contexts):
            articles[passage.title].append(number)
        made: list[Feature] = []
        for number, (passage, group) in enumerate(by_context.items()):
            article = articles[passage.title] if passage.title else []
            altered: list[str | None] = [None] * len(group)
            if altered_questions:
                near = [contexts[i] for i in article if i != number]
                texts = [passage.text, *(other.text for other in near[:_MOST_TEXTS])]
                asked = chain.from_iterable(map(by_context.__getitem__, near))
                others = list(islice(asked, _MOST_QUESTIONS))
                altered = _altered(group, texts, others, altered_questions)
            features = self._of_context(
                _titled(passage, titles), group, altered, questions_per_window
            )
            answers = [answer for example in group for answer in example.answers]
            drawn = dict.fromkeys(
                chain(
                    _others(number, article, contexts, answers, article_negatives),
                    _others(number, range(len(contexts)), contexts, answers, random_negatives),
                )
            )
            if drawn:
                negatives = self._first_windows([_titled(contexts[i], titles) for i in drawn])
                for feature in features:
                    if feature.has_answer:
                        feature.windows += negatives
            made += features
        return made

    def open_domain(self, examples: Iterable[OpenDomainExample]) -> list[Feature]:
        """One feature for each question, with its positive and all of its negatives.

        The first window of a feature is the window of the positive that holds the answer. Of a
        negative, the first window is read.

        Args:
            examples: Questions with a positive and negatives.
        """
        made = []
        for example in examples:
            answer = example.answer, example.answer_start
            (found,) = self._locate_all(example.positive, [answer])
            if found is None:
                continue
            positive, start, end = found
            negatives = self._first_windows(example.negatives)
            (token_ids,) = self._questions([example.question])
            question = TrainingQuestion(token_ids, 0, start, end)
            made.append(Feature([positive, *negatives], [question]))
        return made

    def _first_windows(self, passages: Sequence[Passage]) -> list[Window]:
        return [windows[0] for windows in self.encoder.windows_of(passages)]

    def _of_context(
        self,
        passage: Passage,
        group: list[ReadingExample],
        altered: list[str | None],
        questions_per_window: int,
    ) -> list[Feature]:
        """Features of the examples that share one context, and of their altered questions."""
        questions = self._questions([e.question for e in group])
        others = [None if one is None else self._questions([one])[0] for one in altered]
        open_features: dict[tuple[Window, bool], Feature] = {}
        made: list[Feature] = []

        def add(window: Window, question: TrainingQuestion) -> None:
            key = window, question.window is None
            feature = open_features.get(key)
            if feature is None or len(feature.questions) >= questions_per_window:
                feature = open_features[key] = Feature([window], [])
                made.append(feature)
            feature.questions.append(question)

        located = self._locate_all(passage, [(e.answers[0], e.answer_starts[0]) for e in group])
        for token_ids, other, found in zip(questions, others, located, strict=True):
            if found is None:
                continue
            window, start, end = found
            add(window, TrainingQuestion(token_ids, 0, start, end))
            if other is not None:
                add(window, TrainingQuestion(other))
        return made

    def _questions(self, questions: Sequence[str]) -> list[tuple[int, ...]]:
        """Token ids of questions. Questions that are too long are cut and counted."""
        self.cut_questions += self.encoder.count_cut_questions(questions)
        return [tuple(ids) for ids in self.encoder.encode_questions(questions)]

    def _locate_all(
        self, passage: Passage, answers: Sequence[tuple[str, int]]
    ) -> list[tuple[Window, int, int] | None]:
        """For each answer the window that holds it, and its first and last row there."""
        (windows,) = self.encoder.windows_of([passage])
        offsets = self.encoder.token_map(passage.text).tokens
        located: list[tuple[Window, int, int] | None] = []
        for answer, start in answers:
            tokens = token_range(offsets, start, start + len(answer))
            chosen = _best_window(windows, *tokens) if tokens else None
            if tokens is None or chosen is None:
                self.left_out["no window holds the answer"] += 1
                located.append(None)
                continue
            window = windows[chosen]
            shift = window.n_prefix - window.first_token
            located.append((window, tokens[0] + shift, tokens[1] + shift))
        return located


def _altered(
    group: Sequence[ReadingExample],
    texts: Sequence[str],
    others: Sequence[ReadingExample],
    share: float,
) -> list[str | None]:
    """For each example a question that its context does not answer; None where it has none.

    Args:
        group: The examples of one context.
        texts: The context, and others of its article.
        others: Examples of other contexts of the article.
        share: Share of the examples that have one.
    """
    borrowed = borrowed_questions(texts[0], [(e.question, e.answers) for e in others])
    alterer = QuestionAlterer(texts, [e.question for e in others])
    found: list[str | None] = []
    for example in group:
        draw = random.Random(example.question)
        if draw.random() >= share:
            found.append(None)
            continue
        one = next(borrowed, None) if draw.random() < _BORROWED else None
        found.append(one or alterer.alter(example.question, example.answers, draw))
    return found


def _titled(passage: Passage, titles: bool) -> Passage:
    return passage if titles else replace(passage, title="")


def _others(
    number: int,
    candidates: Sequence[int],
    contexts: Sequence[Passage],
    answers: Sequence[str],
    count: int,
) -> Iterator[int]:
    """Up to ``count`` contexts after a given one, in a circle, that contain none of its answers."""
    first = bisect_right(candidates, number)
    order = chain(islice(candidates, first, None), islice(candidates, first))
    allowed = (i for i in order if i != number and not has_answer(contexts[i].text, answers))
    return islice(allowed, count)


def _why_not(example: ReadingExample) -> str | None:
    if example.is_impossible:
        return "marked impossible"
    if example.multi_span:
        return "several spans"
    if not example.answers or not example.answers[0].strip():
        return "no answer"
    return None
