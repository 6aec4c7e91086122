"""Answering questions from an index."""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

import torch

from ..data import PrereadError
from ..indexer import Bm25Parameters, Hit, PassageIndex
from ..indexer.remote import local_index
from ..reader import Precision, Ranking, Reader, Runtime
from .answering import Answerer, PassageAt, ReadOff
from .answers import Answer
from .passage_weights import ranking_for
from .ranking import AnswerRule
from .result import Result, Timings
from .retrievers import Retriever, open_retriever, search_many
from .waves import read_in_waves


class OpenDomainQA:
    """Answers questions over an index.

    Attributes:
        weights: What a passage's scores are worth, in logits, by what the retriever knows.
        answerer: Ranks answers of passages that the retriever found.
        bm25_weight: As ``weights.bm25``, for passages that the caller gives with their scores.
        given_answerer: Ranks answers of those.

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
        """Put an index and the reader it was made with together.

        Args:
            index: Where passages and stored states are.
            reader: Encodes questions and reads passages; its lower layers made the index's states.
            retriever: Finds passages; BM25 of the index by default.
            bm25_weight: Logits added to a passage's spans for each point of its BM25 score, whoever
                found it (``passage_weights.py``); by default what the reader's ranking says.
            stop_margin: Stop reading one question's passages when its best answer is so many logits
                ahead (``waves.py``); by default what the reader's ranking says. Infinite reads
                all.
            rule: How answers are ranked; by default as the reader's ranking says.
            min_confidence: Where the best answer is less likely to be right, nothing is answered.

        Raises:
            IndexMismatchError: If another reader made the index.
            PrereadError: If there is a ``min_confidence``, but the reader's was not fitted.
        """
        self.codec = index.codec(reader)
        self.index = index
        self.reader = reader
        self.retriever: Retriever = retriever if retriever is not None else index.bm25
        ranking = reader.ranking
        self.weights, fitted = ranking_for(ranking, self.retriever)
        self.bm25_weight = ranking.bm25_weight
        if bm25_weight is not None:
            self.weights = replace(self.weights, bm25=bm25_weight)
            self.bm25_weight = bm25_weight
        self.stop_margin = ranking.stop_margin if stop_margin is None else stop_margin
        self.answerer = Answerer(self.reader, fitted if rule is None else rule, min_confidence)
        own = AnswerRule.of(ranking) if rule is None else rule
        self.given_answerer = Answerer(self.reader, own, min_confidence)

    @classmethod
    def from_index(
        cls,
        path: str | Path,
        *,
        device: str = "cpu",
        runtime: str = Runtime.TORCH,
        precision: str = Precision.FLOAT32,
        retriever: str = "bm25",
        bm25_parameters: Bm25Parameters | None = None,
        bm25_weight: float | None = None,
        stop_margin: float | None = None,
        min_confidence: float = 0.0,
    ) -> "OpenDomainQA":
        """Open an index with the reader that made it.

        Args:
            path: The index folder, or its URL (``indexer/remote.py``).
            device: Where the upper layers run, and an encoder of questions.
            runtime: As in `Reader.load`.
            precision: As in `Reader.load`.
            retriever: ``bm25``, ``dense``, ``hybrid``, or the URL of an engine
                (``docs/retrieval.md``).
            bm25_parameters: How BM25 weighs; by default as Anserini does.
            bm25_weight: As in the constructor.
            stop_margin: As in the constructor.
            min_confidence: As in the constructor.

        Raises:
            IndexFormatError: If there is no index, or it is damaged.
            IndexMismatchError: If the reader has changed since.
            PrereadError: If the reader is gone or cannot run so, the retriever cannot be opened, or
                there is no confidence that ``min_confidence`` could be compared with.
        """
        index = PassageIndex(local_index(path), bm25_parameters=bm25_parameters)
        reader = Reader.load(
            index.manifest.plan.reader, device=device, runtime=runtime, precision=precision
        )
        return cls(
            index,
            reader,
            open_retriever(index, retriever, device=device),
            bm25_weight=bm25_weight,
            stop_margin=stop_margin,
            min_confidence=min_confidence,
        )

    def with_ranking(self, ranking: Ranking) -> "OpenDomainQA":
        """The same index, reader and retriever, with answers ranked in another way.

        Args:
            ranking: How; it takes the place of the reader's and of what the constructor was given.

        Raises:
            PrereadError: If it is that of another kind of reader, or has no confidence that
                ``min_confidence`` could be compared with.
        """
        other = copy(self)
        other.reader = self.reader.with_ranking(ranking)
        other.weights, rule = ranking_for(ranking, self.retriever)
        other.bm25_weight, other.stop_margin = ranking.bm25_weight, ranking.stop_margin
        least, own = self.answerer.min_confidence, AnswerRule.of(ranking)
        other.answerer = Answerer(other.reader, rule, least)
        other.given_answerer = Answerer(other.reader, own, least)
        return other

    def __call__(self, question: str, *, top_k: int = 20, n_answers: int = 5) -> list[Answer]:
        """Answer a question.

        Args:
            question: Any text; words beyond the reader's ``max_question_length`` are not read.
            top_k: How many passages are read.
            n_answers: How many answers at most; no two are equal, and none holds another's words.

        Returns:
            Answers, best first; none where no passage shares a word with the question, or the best
            answer is less likely to be right than ``min_confidence``.

        Raises:
            PrereadError: If the question is empty, or a number is not positive.
        """
        return self.answer(question, top_k=top_k, n_answers=n_answers).answers

    def answer(
        self,
        question: str,
        *,
        top_k: int = 20,
        n_answers: int = 5,
        n_hits: int | None = None,
        with_steps: bool = False,
    ) -> Result:
        """Answer a question, keeping what was found on the way.

        Args:
            question: As in a call.
            top_k: As in a call.
            n_answers: As in a call.
            n_hits: Passages to retrieve, if more than are read.
            with_steps: Also say what reading fewer passages would have answered, of those that
                were read.

        Raises:
            PrereadError: As in a call.
        """
        _check(question, top_k, n_answers)
        timings = Timings()
        hits = self.retriever.search(question, max(top_k, n_hits or 0))
        ordinals = [hit.ordinal for hit in hits[:top_k]]
        scores = self.weights.logits(self.index, question, hits[:top_k])
        timings.lap("retrieve")
        question_states = self.reader.question_states(question)
        timings.lap("question")
        reading = read_in_waves(
            self.reader,
            self.index,
            self.codec,
            question_states,
            ordinals,
            scores,
            margin=self.stop_margin,
            on_stage=timings.lap,
        )
        answered = self.answerer.answer(
            reading.logits,
            reading.windows,
            scores[: reading.n_passages],
            self._passage_at(ordinals),
            n_answers,
            with_steps=with_steps,
        )
        timings.lap("answers")
        return Result(
            answered.answers,
            hits,
            timings,
            answered.steps,
            n_read=reading.n_passages,
            confidence=answered.confidence,
        )

    def read_off(self, question: str, hits: Sequence[Hit]) -> ReadOff:
        """Read passages that were found, and say what may be an answer; none is left out.

        Args:
            question: As in a call.
            hits: Of this index.
        """
        scores = self.weights.logits(self.index, question, hits)
        ordinals = [hit.ordinal for hit in hits]
        reading = read_in_waves(
            self.reader,
            self.index,
            self.codec,
            self.reader.question_states(question),
            ordinals,
            scores,
            margin=None,
            on_stage=lambda stage: None,
        )
        return self.answerer.read_off(
            reading.logits, reading.windows, scores, self._passage_at(ordinals)
        )

    def answer_batch(
        self, questions: Sequence[str], *, top_k: int = 20, n_answers: int = 5
    ) -> list[Result]:
        """Answer several questions together: passages they share are fetched once.

        Passages that several questions found are fetched and decoded once, and all pairs are read
        in batches of like length. All passages are read, whatever the stop margin. Timings are of
        the whole batch.

        Args:
            questions: As in `answer`.
            top_k: As in `answer`.
            n_answers: As in `answer`.

        Returns:
            For each question what `answer` gives.

        Raises:
            PrereadError: As in a call.
        """
        for question in questions:
            _check(question, top_k, n_answers)
        timings = Timings()
        threads = max(1, torch.get_num_threads())
        hits = search_many(self.retriever, questions, top_k, threads=threads)
        scores = [
            self.weights.logits(self.index, *asked) for asked in zip(questions, hits, strict=True)
        ]
        timings.lap("retrieve")
        ordinals = sorted({hit.ordinal for of_question in hits for hit in of_question})
        place = {ordinal: number for number, ordinal in enumerate(ordinals)}
        stored = self.index.fetch(ordinals)
        timings.lap("fetch")
        states = stored.decode(self.codec, self.reader.device)
        timings.lap("decode")
        read = self.reader.logits_batch(
            questions,
            states,
            stored.windows,
            [[place[hit.ordinal] for hit in found] for found in hits],
        )
        timings.lap("read")
        answered = [
            self.answerer.answer(
                logits,
                windows,
                of_question,
                self._passage_at([hit.ordinal for hit in found]),
                n_answers,
            )
            for (logits, windows), of_question, found in zip(read, scores, hits, strict=True)
        ]
        timings.lap("answers")
        return [
            Result(one.answers, found, timings, n_read=len(found), confidence=one.confidence)
            for one, found in zip(answered, hits, strict=True)
        ]

    def _passage_at(self, ordinals: Sequence[int]) -> PassageAt:
        """The passage of a place among those that were read."""
        return lambda place: self.index.passage(ordinals[place])


def _check(question: str, top_k: int, n_answers: int) -> None:
    """Refuse what cannot be answered."""
    if not question.strip():
        raise PrereadError("question: expected some words, found none. Ask something.")
    for name, value in (("top_k", top_k), ("n_answers", n_answers)):
        if value < 1:
            raise PrereadError(f"{name} must be at least 1, found {value}.")
