"""Answering questions from an index: retrieve, read, rank."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ...data.arguments import (
    check_count,
    check_finite_number,
    check_number,
    check_question,
    check_questions,
)
from ...indexer import Bm25Parameters, Hit, PassageIndex
from ...indexer.filters import Filter
from ...indexer.remote.copies import local_index
from ...reader import Precision, Ranking, Reader, Runtime
from ...reader.hub import hub_is_allowed
from ..retrievers import Retriever, RetrieverName, open_retriever
from ..retrievers.filtered import search_filtered, search_many_filtered
from ..retrievers.parameters import with_bm25_parameters
from .calibration import check_threshold
from .lookup import check_provided, find_passage, provided_request
from .quotes import (
    DEFAULT_MIN_SIMILARITY,
    QuoteMatch,
    check_quote,
    quote_candidates,
    quote_text,
)
from .ranking import AnswerRule, rank
from .reading import PassageReader
from .score_fusion import ranking_for
from .sentences import (
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
from .states import BeforeBlock
from .types import (
    Answer,
    CandidateSpans,
    ProvidedPassage,
    ReadRequest,
    RequestedPassage,
    Result,
    Timings,
)


class OpenDomainQA:
    """Answers questions over an index.

    Attributes:
        index: The index, with passages and stored states.
        reader: The reader.
        codec: The codec of the index.
        retriever: Finds passages.
        passage_reader: Turns questions and passages into candidate spans.
        stop_margin: Lead of the best span, in logits, at which reading stops early; None reads all
            passages.
        weights: Weights of the retrieval scores of passages that the retriever finds.
        rule: How answers from these passages are ranked.
        bm25_weight: Logits per point of the score of a provided passage.
        given_rule: How answers from provided passages are ranked.
        min_confidence: Least confidence of the best answer; below it, no answer is given.

    Example:
        >>> qa = OpenDomainQA.from_index("my-index")
        >>> qa("who built the first telescope?")[0].answer
    """

    def __init__(
        self,
        index: PassageIndex,
        reader: Reader,
        retriever: Retriever | None = None,
        *,
        bm25_weight: float | None = None,
        stop_margin: float | None = None,
        rule: AnswerRule | None = None,
        min_confidence: float = 0.0,
    ) -> None:
        """Combine an index with its reader.

        Args:
            index: An open index.
            reader: The reader of the index, or one with the same lower layers.
            retriever: Finds passages; by default what ``open_retriever`` chooses for the index.
            bm25_weight: Logits added to the spans of a passage per point of its BM25 score, for
                every retriever; by default that of the reader's ranking.
            stop_margin: Lead of the best span, in logits, at which reading stops early; by default
                that of the reader's ranking. Infinity reads all passages.
            rule: How answers are ranked; by default by the reader's ranking.
            min_confidence: Least confidence of the best answer; below it, no answer is given.

        Raises:
            IndexMismatchError: If the index was made with other lower layers.
            PrereadError: If ``min_confidence`` is above 0, but no confidence was fitted, or a
                number is out of range.
        """
        _check_weights(bm25_weight, stop_margin)
        self.codec = index.codec(reader)
        self.index = index
        self.reader = reader
        if retriever is None:
            retriever = open_retriever(index, reader=reader)
        self.retriever = retriever
        ranking = reader.ranking
        self.weights, fitted = ranking_for(ranking, self.retriever)
        self.bm25_weight = ranking.bm25_weight
        if bm25_weight is not None:
            self.weights = replace(self.weights, bm25=bm25_weight)
            self.bm25_weight = bm25_weight
        self.stop_margin = ranking.stop_margin if stop_margin is None else stop_margin
        self.rule = fitted if rule is None else rule
        self.given_rule = AnswerRule.of(ranking) if rule is None else rule
        for one in (self.rule, self.given_rule):
            check_threshold(min_confidence, one.confidence_weights)
        self.min_confidence = min_confidence
        self.passage_reader = PassageReader(self.reader, index, self.codec)

    @classmethod
    def from_index(
        cls,
        path: str | Path,
        *,
        device: str = "cpu",
        runtime: str = Runtime.TORCH,
        precision: str = Precision.FLOAT32,
        retriever: str = RetrieverName.AUTO,
        bm25_parameters: Bm25Parameters | None = None,
        bm25_weight: float | None = None,
        stop_margin: float | None = None,
        min_confidence: float = 0.0,
        allow_hub: bool | None = None,
    ) -> "OpenDomainQA":
        """Open an index with the reader that made it.

        Args:
            path: Folder or URL of the index.
            device: Device of the reader, and of an encoder of questions.
            runtime: Runtime of the upper layers: ``torch``, or ``onnx-int8`` on a CPU.
            precision: Number format in which PyTorch runs the upper layers.
            retriever: ``auto``, ``bm25``, ``dense``, ``hybrid``, ``bm25-rerank``, or the URL of an
                engine (``docs/guide/retrieval.md``).
            bm25_parameters: Parameters of BM25; Anserini's by default.
            bm25_weight: Logits added to the spans of a passage per point of its BM25 score; by
                default that of the reader's ranking.
            stop_margin: Lead of the best span, in logits, at which reading stops early; by default
                that of the reader's ranking. Infinity reads all passages.
            min_confidence: Least confidence of the best answer; below it, no answer is given.
            allow_hub: Whether a reader or encoder that the index names, and that is in no folder
                here, may be fetched from the Hugging Face hub. None for what
                ``$PREREAD_ALLOW_HUB`` says, which is no where it is not set.

        Raises:
            IndexFormatError: If there is no index, or it is damaged.
            IndexMismatchError: If the lower layers of the reader have changed.
            PrereadError: If the reader does not exist or cannot run like this, the retriever cannot
                be opened, ``min_confidence`` is above 0, but no confidence was fitted, or a number
                is out of range.
        """
        _check_weights(bm25_weight, stop_margin)  # before the reader is loaded
        index = PassageIndex(local_index(path), bm25_parameters=bm25_parameters)
        allow_hub = hub_is_allowed() if allow_hub is None else allow_hub
        reader = Reader.load(
            index.manifest.plan.reader,
            device=device,
            runtime=runtime,
            precision=precision,
            allow_hub=allow_hub,
        )
        return cls(
            index,
            reader,
            open_retriever(index, retriever, reader=reader, device=device, allow_hub=allow_hub),
            bm25_weight=bm25_weight,
            stop_margin=stop_margin,
            min_confidence=min_confidence,
        )

    def with_ranking(self, ranking: Ranking) -> "OpenDomainQA":
        """A copy with the same index, reader and retriever, and another ranking.

        Args:
            ranking: Replaces the reader's ranking and the arguments of the constructor.

        Raises:
            PrereadError: If the ranking does not suit the reader, or has no confidence though
                ``min_confidence`` is above 0.
        """
        reader = self.reader.with_ranking(ranking)
        return OpenDomainQA(self.index, reader, self.retriever, min_confidence=self.min_confidence)

    def __call__(
        self,
        question: str,
        *,
        top_k: int = 20,
        n_answers: int = 5,
        filter: Filter | None = None,
    ) -> list[Answer]:
        """Answer a question.

        Args:
            question: The question; words after the reader's ``max_question_length`` are not read.
            top_k: Number of passages to read.
            n_answers: Maximum number of answers; none contains the words of another.
            filter: Conditions on the metadata of passages, such as ``{"page": 3}``
                (``indexer/filters.py``); None: no condition.

        Returns:
            Answers, best first; none where no passage shares a word with the question, or the best
            answer is less likely to be right than ``min_confidence``.

        Raises:
            PrereadError: If the question is empty or not Unicode text, or a number is not positive.
        """
        result = self.answer(question, top_k=top_k, n_answers=n_answers, filter=filter)
        return result.answers

    def answer(
        self,
        question: str,
        *,
        top_k: int = 20,
        n_answers: int = 5,
        n_hits: int | None = None,
        with_steps: bool = False,
        filter: Filter | None = None,
        bm25_parameters: Bm25Parameters | None = None,
    ) -> Result:
        """Answer a question, and return passages and timings too.

        Args:
            question: The question; words after the reader's ``max_question_length`` are not read.
            top_k: Number of passages to read.
            n_answers: Maximum number of answers; none contains the words of another.
            n_hits: Number of passages to retrieve, if larger than ``top_k``.
            with_steps: Also return the best answer after each number of passages that were read.
            filter: Conditions on the metadata of passages, such as ``{"page": 3}``
                (``indexer/filters.py``); None: no condition.
            bm25_parameters: Parameters of BM25 for this question; None: those of the index. The
                weight of the BM25 score was fitted with the default parameters.

        Raises:
            PrereadError: If the question is empty or not Unicode text, a number is not positive,
                the filter cannot be applied, or the retriever takes no parameters of BM25.
        """
        check_question(question)
        _check_counts(top_k, n_answers)
        if n_hits is not None:
            check_count("n_hits", n_hits)
        timings = Timings()
        n_wanted = max(top_k, n_hits or 0)
        retriever = with_bm25_parameters(self.retriever, bm25_parameters)
        hits = search_filtered(self.index, retriever, question, n_wanted, filter)
        requests = [self._request(question, hits[:top_k])]
        timings.lap("retrieve")
        read = self.passage_reader.read(
            requests, stop_margin=self.stop_margin, on_stage=timings.lap
        )
        (result,) = self._results(read, [hits], timings, n_answers, with_steps=with_steps)
        return result

    def answer_batch(
        self,
        questions: Iterable[str],
        *,
        top_k: int = 20,
        n_answers: int = 5,
        filter: Filter | None = None,
        bm25_parameters: Bm25Parameters | None = None,
        before_block: BeforeBlock | None = None,
    ) -> list[Result]:
        """Answer several questions together.

        A passage of several questions is fetched and decoded once, and all pairs are read in
        batches of similar length. All passages are read; the stop margin is not used. Timings are
        those of the whole batch.

        Args:
            questions: The questions; words after the reader's ``max_question_length`` are not read.
            top_k: Number of passages to read for each question.
            n_answers: Maximum number of answers to each question.
            filter: Conditions on the metadata of passages, such as ``{"page": 3}``
                (``indexer/filters.py``); None: no condition.
            bm25_parameters: Parameters of BM25 for these questions; None: those of the index. The
                weight of the BM25 score was fitted with the default parameters.
            before_block: Called before each block of tokens is read; raises to end the reading.

        Returns:
            The result of `answer` for each question.

        Raises:
            PrereadError: If a question is empty or not Unicode text, a number is not positive, the
                filter cannot be applied, or the retriever takes no parameters of BM25.
        """
        questions = check_questions(questions)
        _check_counts(top_k, n_answers)
        timings = Timings()
        hits = self._hits(questions, top_k, filter, bm25_parameters)
        requests = [self._request(*asked) for asked in zip(questions, hits, strict=True)]
        timings.lap("retrieve")
        read = self.passage_reader.read(requests, on_stage=timings.lap, before_block=before_block)
        return self._results(read, hits, timings, n_answers)

    def read(self, question: str, hits: Sequence[Hit]) -> CandidateSpans:
        """Read passages without ranking the answers.

        All passages are read, whatever the stop margin.

        Args:
            question: The question; words after the reader's ``max_question_length`` are not read.
            hits: Hits of passages of this index.
        """
        (found,) = self.passage_reader.read([self._request(question, hits)])
        return found

    def read_sentences(
        self,
        questions: Iterable[str],
        *,
        passages: Sequence[Sequence[ProvidedPassage]] | None = None,
        top_k: int = 20,
        filter: Filter | None = None,
        bm25_parameters: Bm25Parameters | None = None,
        before_block: BeforeBlock | None = None,
    ) -> list[list[ReadPassage]]:
        """Read the passages of several questions together, and score their sentences.

        Args:
            questions: The questions; words after the reader's ``max_question_length`` are not read.
            passages: The passages of each question; None: those that the retriever finds.
            top_k: Number of passages to find for each question.
            filter: Conditions on the metadata of passages that are found; None: no condition.
            bm25_parameters: Parameters of BM25; None: those of the index.
            before_block: Called before each block of tokens is read; raises to end the reading.

        Returns:
            The passages of each question that have text, in the order in which they were found or
            provided.

        Raises:
            PrereadError: If a question is empty or not Unicode text, ``top_k`` is not positive, the
                filter cannot be applied, or the retriever takes no parameters of BM25.
            UnknownPassageError: If a provided passage has no text, and the index not its
                identifier.
        """
        questions = check_questions(questions)
        check_count("top_k", top_k)
        if passages is None:
            hits = self._hits(questions, top_k, filter, bm25_parameters)
            requests = [self._request(*asked) for asked in zip(questions, hits, strict=True)]
            temperature = self.rule.answer_temperature
        else:
            requests = [
                provided_request(self.index, question, some, self.bm25_weight)
                for question, some in zip(questions, passages, strict=True)
            ]
            temperature = self.given_rule.answer_temperature
        return read_sentences(
            self.passage_reader, requests, temperature=temperature, before_block=before_block
        )

    def highlight(
        self,
        question: str,
        *,
        passages: Sequence[ProvidedPassage] | None = None,
        top_k: int = 20,
        n_sentences: int = 5,
        min_score: float = DEFAULT_MIN_SCORE,
        filter: Filter | None = None,
    ) -> list[HighlightedSentence]:
        """Find the sentences that answer a question (``pipeline/qa/sentences.py``).

        Args:
            question: The question; words after the reader's ``max_question_length`` are not read.
            passages: Passages that are read; None: those that the retriever finds.
            top_k: Number of passages to find.
            n_sentences: Maximum number of sentences.
            min_score: Least score of a sentence, from 0 to 1.
            filter: Conditions on the metadata of passages that are found; None: no condition.

        Returns:
            Sentences, best first; none if no passage is likely to answer.

        Raises:
            PrereadError: If the question is empty or not Unicode text, a number is out of range, or
                the filter cannot be applied.
            UnknownPassageError: If a provided passage has no text, and the index not its
                identifier.
        """
        given = None if passages is None else [passages]
        (read,) = self.read_sentences([question], passages=given, top_k=top_k, filter=filter)
        return highlighted(read, n_sentences, min_score)

    def prune(
        self,
        question: str,
        *,
        passages: Sequence[ProvidedPassage] | None = None,
        top_k: int = 20,
        threshold: float = DEFAULT_THRESHOLD,
        max_tokens: int | None = None,
        filter: Filter | None = None,
        count_tokens: CountTokens | None = None,
    ) -> PrunedContexts:
        """Prune passages to the sentences that may answer, for the prompt of a language model.

        Args:
            question: The question; words after the reader's ``max_question_length`` are not read.
            passages: Passages that are pruned; None: those that the retriever finds.
            top_k: Number of passages to find.
            threshold: Least score of a sentence that is kept, from 0 to 1; 0 keeps all.
            max_tokens: Maximum number of tokens of all sentences together; None: no maximum.
            filter: Conditions on the metadata of passages that are found; None: no condition.
            count_tokens: Counts the tokens of a sentence, as the language model does; by default
                the reader's wordpieces are counted.

        Returns:
            What is left, in the order of the passages and of their texts.

        Raises:
            PrereadError: If the question is empty or not Unicode text, a number is out of range, or
                the filter cannot be applied.
            UnknownPassageError: If a provided passage has no text, and the index not its
                identifier.
        """
        given = None if passages is None else [passages]
        (read,) = self.read_sentences([question], passages=given, top_k=top_k, filter=filter)
        return pruned(read, threshold, max_tokens, count_tokens=count_tokens)

    def check_quote(
        self,
        quote: str,
        *,
        question: str | None = None,
        passages: Sequence[ProvidedPassage] | None = None,
        top_k: int = 20,
        n_matches: int = 5,
        min_similarity: float = DEFAULT_MIN_SIMILARITY,
        filter: Filter | None = None,
        bm25_parameters: Bm25Parameters | None = None,
        before_block: BeforeBlock | None = None,
    ) -> list[QuoteMatch]:
        """Find where a quotation or statement stands (``pipeline/qa/quotes.py``).

        Args:
            quote: The quotation.
            question: A question that the quotation is said to answer; the reader then tells what it
                answers from each passage. None: nothing is read.
            passages: Passages that are searched; None: the whole index, by its BM25.
            top_k: Number of passages with which the quotation is aligned, if none has it word for
                word.
            n_matches: Maximum number of matches.
            min_similarity: Least similarity of a match, from 0 to 1.
            filter: Conditions on the metadata of passages; None: no condition.
            bm25_parameters: Parameters of BM25; None: those of the index.
            before_block: Called before each passage is compared, and before each block of tokens is
                read; raises to end the check.

        Returns:
            Matches, the most similar first; none if the quotation is not there.

        Raises:
            PrereadError: If the quotation or the question has no word, or a number is out of range.
            UnknownPassageError: If a provided passage has no text, and the index not its
                identifier.
        """
        wanted = quote_text(quote)
        if question is not None:
            check_question(question)
        check_count("top_k", top_k)
        requested: list[RequestedPassage]
        if passages is None:
            requested = [
                RequestedPassage(ordinal)
                for ordinal in quote_candidates(self.index, wanted, top_k, filter, bm25_parameters)
            ]
        else:
            given = check_provided(passages)
            requested = [find_passage(self.index, one, n) for n, one in enumerate(given)]
        return check_quote(
            self.passage_reader,
            wanted,
            requested,
            question=question,
            n_aligned=top_k,
            n_matches=n_matches,
            min_similarity=min_similarity,
            before_block=before_block,
        )

    def _hits(
        self,
        questions: Sequence[str],
        top_k: int,
        filter: Filter | None,
        bm25_parameters: Bm25Parameters | None,
    ) -> list[list[Hit]]:
        """The passages that the retriever finds for each question."""
        retriever = with_bm25_parameters(self.retriever, bm25_parameters)
        threads = max(1, torch.get_num_threads())
        return search_many_filtered(
            self.index, retriever, questions, top_k, filter, threads=threads
        )

    def _request(self, question: str, hits: Sequence[Hit]) -> ReadRequest:
        return ReadRequest(
            question,
            [RequestedPassage(hit.ordinal) for hit in hits],
            self.weights.logits(self.index, question, hits),
        )

    def _results(
        self,
        read: Sequence[CandidateSpans],
        hits: Sequence[list[Hit]],
        timings: Timings,
        n_answers: int,
        *,
        with_steps: bool = False,
    ) -> list[Result]:
        ranked = [
            rank(found, self.rule, n_answers, self.min_confidence, with_steps=with_steps)
            for found in read
        ]
        timings.lap("answers")
        return [
            Result(one.answers, of_one, timings, one.steps, found.n_read, one.confidence)
            for one, of_one, found in zip(ranked, hits, read, strict=True)
        ]


def _check_weights(bm25_weight: float | None, stop_margin: float | None) -> None:
    """Check the numbers that replace those of the reader's ranking."""
    if bm25_weight is not None:
        check_finite_number("bm25_weight", bm25_weight)
    if stop_margin is not None:
        check_number("stop_margin", stop_margin, -math.inf, math.inf)


def _check_counts(top_k: int, n_answers: int) -> None:
    check_count("top_k", top_k)
    check_count("n_answers", n_answers)
