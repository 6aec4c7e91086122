"""The question answering pipeline that transformers had until 5.2: the same calls and replies."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ...data import Passage, PrereadError
from ...data.text.characters import whole_characters
from ...reader import Reader, Span, SpanLogits, WindowTable
from ..qa.reading import PassageReader
from ..qa.types import ReadRequest, RequestedPassage

Found: TypeAlias = dict[str, Any]
"""``{"score", "start", "end", "answer"}``."""
_SPECIAL_TOKENS = 2
"""[CLS] and [SEP], which transformers does not count in a question."""


class QuestionAnswerer:
    """Answers questions from contexts that are given with them; nothing is stored.

    Example:
        >>> answerer = QuestionAnswerer()
        >>> answerer(question="Where do I live?", context="My name is John. I live in New York.")
        {'score': ..., 'start': 27, 'end': 35, 'answer': 'New York'}

    Differences: scores are probabilities among all spans of the context, not products of two
    probabilities in one chunk of it; answers never overlap; and chunks are those that the reader
    was trained with, unless sizes are given.

    Source: transformers 5.2, ``QuestionAnsweringPipeline``.
    """

    def __init__(
        self, model: Reader | str = "default", *, device: str | int | torch.device = "cpu"
    ) -> None:
        """Take a reader, or load one.

        Args:
            model: What `Reader.load` takes, or a reader.
            device: Where a reader that is loaded runs; a number is that of a GPU, -1 the CPU.

        Raises:
            PrereadError: If there is no such reader or device.
        """
        if isinstance(device, int):
            device = f"cuda:{device}" if device >= 0 else "cpu"
        self.reader = model if isinstance(model, Reader) else Reader.load(model, device=device)

    def __call__(
        self,
        *examples: Any,
        question: str | list[str] | None = None,
        context: str | list[str] | None = None,
        top_k: int = 1,
        max_answer_len: int = 15,
        handle_impossible_answer: bool = False,
        align_to_words: bool = True,
        max_question_len: int | None = None,
        max_seq_len: int | None = None,
        doc_stride: int | None = None,
    ) -> Found | list[Found] | list[Found | list[Found]]:
        """Answer.

        Args:
            *examples: Dictionaries with ``question`` and ``context``, or lists of them.
            question: One, or a list.
            context: One, or a list as long as the questions; one context serves all questions.
            top_k: How many answers at most.
            max_answer_len: Longest answer in wordpieces.
            handle_impossible_answer: Whether ``""`` at 0 to 0 may be among the answers, with the
                probability that the context holds none.
            align_to_words: Whether a word that is cut is taken whole.
            max_question_len: Wordpieces of a question that are read; by default as many as the
                reader reads elsewhere.
            max_seq_len: Longest chunk in wordpieces, question included; by default the reader's
                windows.
            doc_stride: By how many wordpieces chunks overlap; by default as the reader's windows.

        Returns:
            For each example its answer; a list of answers, best first, if there are several. Not a
            list of one example: what there is for it.

        Raises:
            PrereadError: If question or context is empty, lists do not fit, a number is out of
                range, or the reader cannot say that there is no answer.
        """
        _check_positive(top_k=top_k, max_answer_len=max_answer_len)
        reader = self._laid_out(max_question_len, max_seq_len, doc_stride)
        if handle_impossible_answer and not reader.config.has_no_answer_score:
            raise PrereadError(
                f"handle_impossible_answer: expected a reader that was trained to give no answer "
                f"(has_no_answer_score), found {reader.name!r}. Leave it out, or name another "
                "reader."
            )
        found = [
            _answer(
                reader,
                *example,
                top_k=top_k,
                max_answer_len=max_answer_len,
                with_null=handle_impossible_answer,
                align_to_words=align_to_words,
            )
            for example in _examples(examples, question, context)
        ]
        shaped: list[Found | list[Found]] = [x[0] if len(x) == 1 else x for x in found]
        return shaped[0] if len(shaped) == 1 else shaped

    def _laid_out(
        self, max_question_len: int | None, max_seq_len: int | None, doc_stride: int | None
    ) -> Reader:
        """The reader with windows of other sizes. Contexts have no title, so none is left room."""
        config = copy.deepcopy(self.reader.config)
        config.max_title_length = 1
        if max_question_len is not None:
            config.max_question_length = max_question_len + _SPECIAL_TOKENS
        if max_seq_len is not None:
            config.window_length = max_seq_len - config.max_question_length
        # What a window holds of a context: not its last [SEP], nor one that stands for a title.
        room = config.window_length - 1 - config.separates_untitled
        if doc_stride is not None:
            config.window_stride = room - doc_stride
        elif max_seq_len is not None:
            config.window_stride = max(1, room * 3 // 4)  # as the readers that ship
        if not 1 <= config.window_stride <= room:
            raise PrereadError(
                f"doc_stride: expected 0 to {room - 1} for chunks of {room} wordpieces, found "
                f"{doc_stride} (max_seq_len={max_seq_len}, of which the question may take "
                f"{config.max_question_length})."
            )
        config.check()
        reader = copy.copy(self.reader)
        vars(reader)["runtime"] = self.reader.runtime  # made once, whatever the windows
        reader.encoder = self.reader.encoder.with_config(config)
        return reader


def _answer(
    reader: Reader,
    question: str,
    context: str,
    *,
    top_k: int,
    max_answer_len: int,
    with_null: bool,
    align_to_words: bool,
) -> list[Found]:
    """Answers to one question, best first."""
    passage = RequestedPassage(None, Passage("", context))
    (read,) = PassageReader(reader).logits([ReadRequest(question, [passage], [0.0])])
    tokens = reader.encoder.token_map(context)
    spans = reader.spans.best(
        read.logits,
        read.windows,
        top_k,
        max_answer_length=max_answer_len,
        tokens=[tokens].__getitem__,
    )
    null = _null_probability(read.logits, read.windows) if with_null else 0.0
    pieces = tokens.words if align_to_words else tokens.tokens

    def found(span: Span) -> Found:
        inside = pieces[span.first_token][0], pieces[span.last_token][1]
        start, end = whole_characters(context, *inside)
        score = span.probability * (1 - null)
        return {"score": score, "start": start, "end": end, "answer": context[start:end]}

    answers = [found(span) for span in spans]
    if with_null:
        answers.append({"score": null, "start": 0, "end": 0, "answer": ""})
        answers.sort(key=lambda answer: -float(answer["score"]))
    return answers[:top_k]


def _null_probability(logits: SpanLogits, windows: WindowTable) -> float:
    """That a context holds no answer: that of the window that has one most likely.

    Source: as the reader was trained (Clark & Gardner 2018, section 3.3: start and end each have
    "none" among their choices), and transformers' ``min_null_score``.
    """
    is_text = windows.is_text().to(logits.start.device)

    def log_p(rows: Tensor, none: Tensor) -> Tensor:
        texts = torch.split(rows.masked_fill(~is_text, -torch.inf), list(windows.lengths))
        pairs = zip(texts, none, strict=True)
        return torch.stack([n - torch.cat([text, n[None]]).logsumexp(0) for text, n in pairs])

    start, end = logits.null.unbind(1)
    return float((log_p(logits.start, start) + log_p(logits.end, end)).min().exp())


def _examples(given: Iterable[Any], question: Any, context: Any) -> list[tuple[str, str]]:
    """Questions with their contexts, however they were given."""
    flat: list[Any] = []
    for one in given:
        flat += [one] if isinstance(one, Mapping) else list(one)
    if question is not None or context is not None:
        questions = [question] if isinstance(question, str) else list(question or [])
        contexts = [context] * len(questions) if isinstance(context, str) else list(context or [])
        if len(questions) != len(contexts):
            raise PrereadError(
                f"expected as many contexts as questions, found {len(contexts)} and "
                f"{len(questions)}. Give one context for all, or one for each."
            )
        pairs = zip(questions, contexts, strict=True)
        flat += [{"question": q, "context": c} for q, c in pairs]
    if not flat:
        raise PrereadError("expected question= and context=, found neither.")
    return [(_text(one, "question"), _text(one, "context")) for one in flat]


def _text(example: Any, name: str) -> str:
    """A field of an example."""
    value = example.get(name) if isinstance(example, Mapping) else None
    if not isinstance(value, str) or not value.strip():
        raise PrereadError(f"{name}: expected some words, found {value!r}.")
    return value


def _check_positive(**numbers: int) -> None:
    for name, value in numbers.items():
        if value < 1:
            raise PrereadError(f"{name}: expected 1 or more, found {value}.")
