"""The question-answering pipeline that transformers had until 5.2: the same calls and replies."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ...data import Passage, PrereadError
from ...data.arguments import check_count, check_path, check_question
from ...data.io.json_records import shorten
from ...data.io.outside import check_text
from ...data.text.characters import is_blank, whole_characters
from ...reader import Reader, Span, SpanLogits, WindowTable
from ..qa.quotes import DEFAULT_MIN_SIMILARITY, QuoteMatch, check_quote, quote_text
from ..qa.reading import PassageReader, RequestLogits
from ..qa.sentences import (
    DEFAULT_MIN_SCORE,
    DEFAULT_THRESHOLD,
    CountTokens,
    HighlightedSentence,
    PrunedContexts,
    ReadPassage,
    highlighted,
    pruned,
    read_sentences,
)
from ..qa.types import ReadRequest, RequestedPassage

Found: TypeAlias = dict[str, Any]
"""``{"score", "start", "end", "answer"}``."""
_SPECIAL_TOKENS = 2
"""[CLS] and [SEP], which transformers does not count in a question."""
_EXAMPLE = "a dictionary with question and context"


@dataclass(frozen=True, slots=True)
class _Choice:
    """How answers are chosen among the spans of a context."""

    top_k: int
    max_answer_len: int
    with_null: bool
    align_to_words: bool


class QuestionAnswerer:
    """Answers questions from contexts that the caller provides; nothing is stored.

    Example:
        >>> answerer = QuestionAnswerer()
        >>> answerer(question="Where do I live?", context="My name is John. I live in New York.")
        {'score': ..., 'start': 27, 'end': 35, 'answer': 'New York'}

    Differences from transformers: a score is a probability among all spans of the context, not a
    product of two probabilities in one chunk of it. Answers never overlap. Chunks are those that
    the reader was trained with, unless sizes are given. With ``top_k`` above 1 the reply is a list
    even if only one answer was found.

    Source: transformers 5.2, ``QuestionAnsweringPipeline``.
    """

    def __init__(
        self, model: Reader | str | Path = "default", *, device: str | int | torch.device = "cpu"
    ) -> None:
        """Load a reader, or use one that is loaded.

        Args:
            model: A reader; or the name, hub name or folder of one, which is loaded.
            device: Device on which a reader is loaded. A number is that of a GPU, and -1 is the
                CPU. A reader that is loaded already stays on its own device.

        Raises:
            PrereadError: If there is no such reader or device.
        """
        if isinstance(device, int):
            device = f"cuda:{device}" if device >= 0 else "cpu"
        if not isinstance(model, Reader):
            check_path("model", model, "a Reader, or the name or folder of one")
            model = Reader.load(model, device=device)
        self.reader = model

    def __call__(
        self,
        *examples: Any,
        question: str | list[str] | None = None,
        context: str | list[str] | None = None,
        data: Any = None,
        top_k: int = 1,
        max_answer_len: int = 15,
        handle_impossible_answer: bool = False,
        align_to_words: bool = True,
        max_question_len: int | None = None,
        max_seq_len: int | None = None,
        doc_stride: int | None = None,
        batch_size: int | None = None,
        num_workers: int | None = None,
        padding: bool | str | None = None,
    ) -> Found | list[Found] | list[Found | list[Found]]:
        """Answer one question or several.

        Args:
            *examples: Dictionaries with ``question`` and ``context``, or lists, datasets or
                generators of them; or a question and its context, as two texts.
            question: A question, or a list of questions.
            context: A context, or a list of as many contexts as there are questions. A single
                context serves all questions.
            data: Examples, as a dictionary, or as a list, dataset or generator of dictionaries.
            top_k: Maximum number of answers to each question.
            max_answer_len: Longest answer in wordpieces.
            handle_impossible_answer: Whether ``""`` at 0 to 0 may be among the answers, with the
                probability that the context holds none.
            align_to_words: Whether an answer is extended to whole words.
            max_question_len: Number of wordpieces of a question that are read; by default the
                reader's own limit.
            max_seq_len: Longest chunk in wordpieces, question included; by default the reader's
                windows.
            doc_stride: Number of wordpieces by which chunks overlap; by default that of the
                reader's windows.
            batch_size: Number of examples that are read together; by default 1. Answers do not
                depend on it.
            num_workers: Has no effect; in transformers, the number of processes that tokenise.
            padding: Has no effect, because nothing is padded.

        Returns:
            The answer to each example, as a dictionary; with ``top_k`` above 1, a list of answers,
            best first. For a single example, its answer or list; else a list of these.

        Raises:
            PrereadError: If a question or context is no text or has no words, the lists differ in
                length, a number is out of range, or the reader has no score for "no answer" though
                ``handle_impossible_answer`` is set. Of several examples, the error names the
                number of the wrong one, from 0; none is read then.
        """
        batch_size = 1 if batch_size is None else batch_size
        check_count("top_k", top_k)
        check_count("max_answer_len", max_answer_len)
        check_count("batch_size", batch_size)
        for name, number, least in (
            ("max_question_len", max_question_len, 1),
            ("max_seq_len", max_seq_len, 1),
            ("doc_stride", doc_stride, 0),
        ):
            if number is not None:
                check_count(name, number, least)
        reader = self._laid_out(max_question_len, max_seq_len, doc_stride)
        if handle_impossible_answer and not reader.config.has_no_answer_score:
            raise PrereadError(
                f"handle_impossible_answer: expected a reader that was trained to give no answer "
                f"(has_no_answer_score), found {reader.name!r}. Leave it out, or name another "
                "reader."
            )
        choice = _Choice(top_k, max_answer_len, handle_impossible_answer, align_to_words)
        asked = _examples(examples if data is None else (*examples, data), question, context)
        found: list[list[Found]] = []
        while len(found) < len(asked):
            batch = asked[len(found) : len(found) + batch_size]
            found += _answer(reader, batch, choice, len(found) if len(asked) > 1 else None)
        shaped: list[Found | list[Found]] = [x[0] if top_k == 1 else x for x in found]
        return shaped[0] if len(shaped) == 1 else shaped

    def highlight(
        self,
        question: str,
        context: str | Sequence[str],
        *,
        n_sentences: int = 5,
        min_score: float = DEFAULT_MIN_SCORE,
    ) -> list[HighlightedSentence]:
        """Find the sentences that answer a question (``pipeline/qa/sentences.py``).

        Args:
            question: The question.
            context: A context, or several.
            n_sentences: Maximum number of sentences.
            min_score: Least score of a sentence, from 0 to 1.

        Returns:
            Sentences, best first, each with the position of its context in ``place``.

        Raises:
            PrereadError: If the question has no words, a context is no Unicode text, or a number is
                out of range.
        """
        return highlighted(self._read_sentences(question, context), n_sentences, min_score)

    def prune(
        self,
        question: str,
        context: str | Sequence[str],
        *,
        threshold: float = DEFAULT_THRESHOLD,
        max_tokens: int | None = None,
        count_tokens: CountTokens | None = None,
    ) -> PrunedContexts:
        """Prune contexts to the sentences that may answer, for the prompt of a language model.

        Args:
            question: The question.
            context: A context, or several.
            threshold: Least score of a sentence that is kept, from 0 to 1; 0 keeps all.
            max_tokens: Maximum number of tokens of all sentences together; None: no maximum.
            count_tokens: Counts the tokens of a sentence, as the language model does; by default
                the reader's wordpieces are counted.

        Returns:
            What is left, in the order of the contexts and of their texts.

        Raises:
            PrereadError: If the question has no words, a context is no Unicode text, a number is
                out of range, or ``count_tokens`` returns no whole number.
        """
        read = self._read_sentences(question, context)
        return pruned(read, threshold, max_tokens, count_tokens=count_tokens)

    def check_quote(
        self,
        quote: str,
        context: str | Sequence[str],
        *,
        question: str | None = None,
        n_matches: int = 5,
        min_similarity: float = DEFAULT_MIN_SIMILARITY,
    ) -> list[QuoteMatch]:
        """Find where a quotation or statement stands (``pipeline/qa/quotes.py``).

        Args:
            quote: The quotation.
            context: A context, or several.
            question: A question that the quotation is said to answer; the reader then tells what it
                answers from each context. None: nothing is read.
            n_matches: Maximum number of matches.
            min_similarity: Least similarity of a match, from 0 to 1.

        Returns:
            Matches, the most similar first; none if the quotation is not there.

        Raises:
            PrereadError: If the quotation or the question has no words, a context is no Unicode
                text, or a number is out of range.
        """
        passages = _requested(context)
        if question is not None:
            check_question(question)
        return check_quote(
            PassageReader(self._laid_out(None, None, None)),
            quote_text(quote),
            passages,
            question=question,
            n_aligned=len(passages),
            n_matches=n_matches,
            min_similarity=min_similarity,
        )

    def _read_sentences(self, question: str, context: str | Sequence[str]) -> list[ReadPassage]:
        passages = _requested(context)
        check_question(question)
        request = ReadRequest(question, passages, [0.0] * len(passages))
        (read,) = read_sentences(PassageReader(self._laid_out(None, None, None)), [request])
        return read

    def _laid_out(
        self, max_question_len: int | None, max_seq_len: int | None, doc_stride: int | None
    ) -> Reader:
        """The reader with windows of other sizes. Contexts have no title, so it gets no room."""
        config = copy.deepcopy(self.reader.config)
        config.max_title_length = 1
        if max_question_len is not None:
            config.max_question_length = max_question_len + _SPECIAL_TOKENS
        if max_seq_len is not None:
            config.window_length = max_seq_len - config.max_question_length
        # A window has room for a context, but for its last [SEP] and one in place of a title.
        room = config.window_length - 1 - config.separates_untitled
        if room < 1:
            least = max_seq_len + 1 - room if max_seq_len is not None else 1
            raise PrereadError(
                f"max_seq_len: expected {least} or more, since the question may take "
                f"{config.max_question_length} wordpieces, found {max_seq_len}. Raise it, or set "
                "max_question_len lower."
            )
        if doc_stride is not None:
            config.window_stride = room - doc_stride
        elif max_seq_len is not None:
            config.window_stride = max(1, room * 3 // 4)  # as in the readers that ship
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


def _requested(context: str | Sequence[str]) -> list[RequestedPassage]:
    """One context, or several, as passages whose states are not stored."""
    return [RequestedPassage(None, Passage("", one)) for one in _texts("context", context)]


def _answer(
    reader: Reader, examples: Sequence[tuple[str, str]], choice: _Choice, first: int | None
) -> list[list[Found]]:
    """Answers to each of some questions that are read together, best first.

    Raises:
        PrereadError: If a context has no words. It names the number of the example, of which the
            first has the number ``first``; None: there is only one.
    """
    requests = [
        ReadRequest(question, [RequestedPassage(None, Passage("", context))], [0.0])
        for question, context in examples
    ]
    contexts = [context for _, context in examples]
    read = PassageReader(reader).logits(requests)
    found = []
    for number, (context, of_one) in enumerate(zip(contexts, read, strict=True)):
        answers = _choose(reader, context, of_one, choice)
        if not answers:
            where = "" if first is None else f"examples[{first + number}]: "
            raise _no_words(f"{where}context", context)
        found.append(answers)
    return found


def _choose(reader: Reader, context: str, read: RequestLogits, choice: _Choice) -> list[Found]:
    """The best answers that a context gives, best first; none where it has no words."""
    tokens = reader.encoder.token_map(context)
    spans = reader.spans.best(
        read.logits,
        read.windows,
        choice.top_k,
        max_answer_length=choice.max_answer_len,
        tokens=[tokens].__getitem__,
    )
    if not spans:
        return []
    null = _null_probability(read.logits, read.windows) if choice.with_null else 0.0
    piece = tokens.word if choice.align_to_words else tokens.tokens.__getitem__

    def found(span: Span) -> Found:
        inside = piece(span.first_token)[0], piece(span.last_token)[1]
        start, end = whole_characters(context, *inside)
        score = span.probability * (1 - null)
        return {"score": score, "start": start, "end": end, "answer": context[start:end]}

    answers = [found(span) for span in spans]
    if choice.with_null:
        answers.append({"score": null, "start": 0, "end": 0, "answer": ""})
        answers.sort(key=lambda answer: -float(answer["score"]))
    return answers[: choice.top_k]


def _null_probability(logits: SpanLogits, windows: WindowTable) -> float:
    """The probability that a context holds no answer: the least of those of its windows.

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
    """Questions with their contexts, in whichever way the caller gave them."""
    given = tuple(given)
    if len(given) == 2 and all(isinstance(one, str) for one in given):
        given = ({"question": given[0], "context": given[1]},)
    flat = [example for one in given for example in _flattened(one)]
    if question is not None or context is not None:
        questions, contexts = _texts("question", question), _texts("context", context)
        if isinstance(context, str):
            contexts *= len(questions)
        if len(questions) != len(contexts):
            raise PrereadError(
                f"expected as many contexts as questions, found {len(contexts)} and "
                f"{len(questions)}. Give one context for all, or one for each."
            )
        pairs = zip(questions, contexts, strict=True)
        flat += [{"question": q, "context": c} for q, c in pairs]
    if not flat:
        raise PrereadError("expected question= and context=, found neither.")
    places = range(len(flat)) if len(flat) > 1 else [None]
    return [
        (_text(one, "question", place), _text(one, "context", place))
        for place, one in zip(places, flat, strict=True)
    ]


def _flattened(given: Any) -> list[Any]:
    if isinstance(given, Mapping):
        return [given]
    if isinstance(given, Iterable) and not isinstance(given, str):
        return list(given)
    if hasattr(given, "__len__") and hasattr(given, "__getitem__") and not isinstance(given, str):
        # A dataset of PyTorch has a length, and need not end where it is iterated by its places.
        return [given[place] for place in range(len(given))]
    raise PrereadError(
        f"expected {_EXAMPLE}, or a list of such, found {shorten(given)}. Give question= and "
        "context=."
    )


def _texts(name: str, value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, Iterable) or isinstance(texts, bytes | Mapping):
        raise PrereadError(
            f"{name}: expected text, found {shorten(value)}. Give a string or a list."
        )
    texts = list(texts)
    for place, one in enumerate(texts):
        if not isinstance(one, str):
            raise PrereadError(
                f"{name}[{place}]: expected text, found {shorten(one)}. Give a list of strings."
            )
        check_text(one, name if isinstance(value, str) else f"{name}[{place}]")
    return texts


def _text(example: Any, name: str, place: int | None = None) -> str:
    """A field of an example; its number is named if it is one of several."""
    where = "" if place is None else f"examples[{place}]: "
    if not isinstance(example, Mapping):
        raise PrereadError(
            f"{where}expected {_EXAMPLE}, found {shorten(example)}. Give question= and context=."
        )
    value = example.get(name)
    if not isinstance(value, str):
        raise PrereadError(
            f"{where}{name}: expected text, found {shorten(value)}. Give a string, or leave the "
            "example out."
        )
    check_text(value, f"{where}{name}")
    if is_blank(value):
        raise _no_words(f"{where}{name}", value)
    return value


def _no_words(name: str, value: object) -> PrereadError:
    """The error for a question or context that has nothing to read."""
    return PrereadError(
        f"{name}: expected some words, found {shorten(value)}. Leave the example out."
    )
