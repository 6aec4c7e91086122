"""The jobs of a server's workers."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...data import Passage
from ..qa.quotes import QuoteMatch
from ..qa.sentences import ReadPassage
from ..qa.types import ProvidedAnswer, ProvidedPassage, RankedPassage, Result
from ..retrievers.search import FoundPassage
from .retrieval import Retrieval

T_co = TypeVar("T_co", covariant=True)

_BYTES_PER_PASSAGE = 350
"""Provided text of so many bytes weighs as much as one passage of a hundred words. That is half of
what such a passage has, because the worst text has a token for each byte."""


@dataclass(frozen=True, slots=True)
class Job(Generic[T_co]):
    """Work on an index, with a result of type ``T_co``."""

    index: str


class ReadingJob(Job[T_co]):
    """A job for the reader, which does several of one type and key together."""

    __slots__ = ()

    def provided(self) -> Sequence[ProvidedPassage]:
        """The passages that the client provides."""
        return ()

    def key(self) -> Hashable:
        """What jobs of one batch have in common, besides their type and index."""
        return None

    def weight(self) -> int:
        """How many passages of the usual length the job amounts to."""
        texts = (passage.text or "" for passage in self.provided())
        return sum(1 + len(text.encode()) // _BYTES_PER_PASSAGE for text in texts)


@dataclass(frozen=True, slots=True)
class AnswerJob(ReadingJob[Result]):
    """Retrieve passages for a question and read them."""

    question: str
    top_k: int
    n_answers: int
    retrieval: Retrieval = Retrieval()

    def key(self) -> Hashable:
        """How passages are found."""
        return self.top_k, self.retrieval.key()

    def weight(self) -> int:
        """How many passages are read."""
        return self.top_k


@dataclass(frozen=True, slots=True)
class ReadJob(ReadingJob[list[list[ProvidedAnswer]]]):
    """Answer questions, each from provided passages of its own."""

    questions: tuple[str, ...]
    passages: tuple[tuple[ProvidedPassage, ...], ...]
    """Passages of each question."""
    n_answers: int
    max_answer_length: int | None = None
    """Longest answer in wordpieces; None is the reader's."""

    def provided(self) -> Sequence[ProvidedPassage]:
        """The passages of all questions."""
        return [one for some in self.passages for one in some]

    def key(self) -> Hashable:
        """The longest answer."""
        return self.max_answer_length


@dataclass(frozen=True, slots=True)
class _QuestionJob(ReadingJob[T_co]):
    """Read a question with provided passages."""

    question: str
    passages: tuple[ProvidedPassage, ...]

    def provided(self) -> Sequence[ProvidedPassage]:
        """The passages."""
        return self.passages


@dataclass(frozen=True, slots=True)
class EachJob(_QuestionJob[list[ProvidedAnswer | None]]):
    """Find the best answer of each provided passage."""


@dataclass(frozen=True, slots=True)
class RankJob(_QuestionJob[list[RankedPassage]]):
    """Order provided passages."""


@dataclass(frozen=True, slots=True)
class SentencesJob(ReadingJob[list[list[ReadPassage]]]):
    """Score the sentences of passages that are found or provided."""

    questions: tuple[str, ...]
    top_k: int
    passages: tuple[tuple[ProvidedPassage, ...], ...] | None = None
    """Passages of each question; None: they are found."""
    retrieval: Retrieval = Retrieval()

    def provided(self) -> Sequence[ProvidedPassage]:
        """The provided passages of all questions."""
        return [one for some in self.passages or () for one in some]

    def key(self) -> Hashable:
        """How passages are found; all jobs with provided passages may share a batch."""
        return (self.top_k, self.retrieval.key()) if self.passages is None else ()

    def weight(self) -> int:
        """How many passages of the usual length the job amounts to."""
        is_found = self.passages is None
        return self.top_k * len(self.questions) if is_found else ReadingJob.weight(self)


@dataclass(frozen=True, slots=True)
class QuoteJob(ReadingJob[list[QuoteMatch]]):
    """Find where a quotation stands."""

    quote: str
    question: str | None
    top_k: int
    n_matches: int
    min_similarity: float
    passages: tuple[ProvidedPassage, ...] | None = None
    """Provided passages; None: they are found."""
    retrieval: Retrieval = Retrieval()

    def provided(self) -> Sequence[ProvidedPassage]:
        """The provided passages."""
        return self.passages or ()

    def key(self) -> Hashable:
        """The job itself: a quotation is checked alone."""
        return id(self)

    def weight(self) -> int:
        """How many passages of the usual length the job amounts to."""
        return self.top_k if self.passages is None else ReadingJob.weight(self)


@dataclass(frozen=True, slots=True)
class SearchJob(Job[list[FoundPassage]]):
    """Find passages without reading them."""

    query: str
    hits: int
    retrieval: Retrieval = Retrieval()


@dataclass(frozen=True, slots=True)
class RetrieveJob(Job[list[list[FoundPassage]]]):
    """Find passages for several queries."""

    queries: tuple[str, ...]
    hits: int
    retrieval: Retrieval = Retrieval()


@dataclass(frozen=True, slots=True)
class DocJob(Job[Passage]):
    """Look a passage up by its identifier."""

    passage_id: str


@dataclass(frozen=True, slots=True)
class ExamplesJob(Job[list[str]]):
    """Make questions that an index should answer."""
