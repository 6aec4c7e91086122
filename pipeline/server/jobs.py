"""The jobs of a server's workers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...data import Passage
from ...indexer.filters import Filter
from ..qa.quotes import QuoteMatch
from ..qa.sentences import ReadPassage
from ..qa.types import ProvidedAnswer, ProvidedPassage, RankedPassage, Result
from ..retrievers.search import FoundPassage
from .retrieval import Retrieval

_BYTES_PER_PASSAGE = 350
"""Provided text of so many bytes weighs as much as one passage of a hundred words. That is half of
what such a passage has, because the worst text has a token for each byte."""


@dataclass(frozen=True, slots=True)
class AnswerJob:
    """Retrieve passages for a question and read them."""

    index: str
    question: str
    top_k: int
    n_answers: int
    retrieval: Retrieval = Retrieval()

    def key(self) -> tuple[object, ...]:
        """What jobs of one batch have in common."""
        return AnswerJob, self.index, self.top_k, self.retrieval.key()

    def weight(self) -> int:
        """How many passages are read."""
        return self.top_k


@dataclass(frozen=True, slots=True)
class _ProvidedJob:
    """Read a question with provided passages."""

    index: str
    question: str
    passages: tuple[ProvidedPassage, ...]

    def key(self) -> tuple[object, ...]:
        """What jobs of one batch have in common."""
        return type(self), self.index

    def weight(self) -> int:
        """How many passages of the usual length the job amounts to."""
        return _weight(self.passages)


@dataclass(frozen=True, slots=True)
class ReadJob(_ProvidedJob):
    """Answer a question from provided passages."""

    n_answers: int


@dataclass(frozen=True, slots=True)
class EachJob(_ProvidedJob):
    """Find the best answer of each provided passage."""


@dataclass(frozen=True, slots=True)
class RankJob(_ProvidedJob):
    """Order provided passages."""


@dataclass(frozen=True, slots=True)
class SentencesJob:
    """Score the sentences of passages that are found or provided."""

    index: str
    questions: tuple[str, ...]
    top_k: int
    provided: tuple[tuple[ProvidedPassage, ...], ...] | None = None
    """Passages of each question; None: they are found."""
    retrieval: Retrieval = Retrieval()

    @property
    def passages(self) -> tuple[ProvidedPassage, ...]:
        """The provided passages of all questions."""
        return tuple(one for some in self.provided or () for one in some)

    def key(self) -> tuple[object, ...]:
        """What jobs of one batch have in common."""
        how = (self.top_k, self.retrieval.key()) if self.provided is None else ()
        return SentencesJob, self.index, how

    def weight(self) -> int:
        """How many passages of the usual length the job amounts to."""
        is_found = self.provided is None
        return self.top_k * len(self.questions) if is_found else _weight(self.passages)


@dataclass(frozen=True, slots=True)
class QuoteJob:
    """Find where a quotation stands."""

    index: str
    quote: str
    question: str | None
    top_k: int
    n_matches: int
    min_similarity: float
    passages: tuple[ProvidedPassage, ...] | None = None
    """Provided passages; None: they are found."""
    filter: Filter | None = None

    def key(self) -> tuple[object, ...]:
        """What jobs of one batch have in common: a quotation is checked alone."""
        return QuoteJob, id(self)

    def weight(self) -> int:
        """How many passages of the usual length the job amounts to."""
        return self.top_k if self.passages is None else _weight(self.passages)


@dataclass(frozen=True, slots=True)
class ReadSeveralJob:
    """Read several texts, each by itself with a question of its own."""

    index: str
    questions: tuple[str, ...]
    passages: tuple[ProvidedPassage, ...]
    """One for each question."""
    n_answers: int
    max_answer_length: int | None = None
    """Longest answer in wordpieces; None is the reader's."""

    def key(self) -> tuple[object, ...]:
        """What jobs of one batch have in common."""
        return ReadSeveralJob, self.index, self.max_answer_length

    def weight(self) -> int:
        """How many passages of the usual length the job amounts to."""
        return _weight(self.passages)


@dataclass(frozen=True, slots=True)
class SearchJob:
    """Find passages without reading them."""

    index: str
    query: str
    hits: int
    retrieval: Retrieval = Retrieval()


@dataclass(frozen=True, slots=True)
class RetrieveJob:
    """Find passages for several queries."""

    index: str
    queries: tuple[str, ...]
    hits: int
    retrieval: Retrieval = Retrieval()


@dataclass(frozen=True, slots=True)
class DocJob:
    """Look a passage up by its identifier."""

    index: str
    passage_id: str


@dataclass(frozen=True, slots=True)
class ExamplesJob:
    """Make questions that an index should answer."""

    index: str


ReadingJob: TypeAlias = (
    AnswerJob | ReadJob | ReadSeveralJob | EachJob | RankJob | SentencesJob | QuoteJob
)
ReadingResult: TypeAlias = (
    Result
    | list[ProvidedAnswer]
    | list[list[ProvidedAnswer]]
    | list[ProvidedAnswer | None]
    | list[RankedPassage]
    | list[list[ReadPassage]]
    | list[QuoteMatch]
)
LookingJob: TypeAlias = SearchJob | RetrieveJob | DocJob | ExamplesJob
LookingResult: TypeAlias = list[FoundPassage] | list[list[FoundPassage]] | Passage | list[str]


def _weight(passages: Sequence[ProvidedPassage]) -> int:
    return sum(1 + len((p.text or "").encode()) // _BYTES_PER_PASSAGE for p in passages)
