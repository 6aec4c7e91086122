"""What the workers of a server do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ...data import Passage
from ..qa.pipeline import OpenDomainQA
from ..qa.provided import answer_each, rank_provided, read_provided
from ..qa.types import ProvidedAnswer, ProvidedPassage, RankedPassage, Result
from ..retrievers.search import FoundPassage, search_passages
from .errors import NotFoundError
from .indexes import ServedIndex

_CHARS_A_PASSAGE = 700
"""Of a hundred words, about; a longer passage counts as several."""


@dataclass(frozen=True, slots=True)
class AnswerJob:
    """Find and read."""

    index: str
    question: str
    top_k: int
    n_answers: int

    def key(self) -> tuple[object, ...]:
        """What jobs that are read together have in common."""
        return AnswerJob, self.index, self.top_k

    def weight(self) -> int:
        """How many passages are read."""
        return self.top_k


@dataclass(frozen=True, slots=True)
class _ProvidedJob:
    """Read a question with the passages that come with it."""

    index: str
    question: str
    passages: tuple[ProvidedPassage, ...]

    def key(self) -> tuple[object, ...]:
        """What jobs that are read together have in common."""
        return type(self), self.index

    def weight(self) -> int:
        """How many passages are read, if all were of the usual length."""
        return _weight(self.passages)


@dataclass(frozen=True, slots=True)
class ReadJob(_ProvidedJob):
    """Answer from passages that are provided."""

    n_answers: int


@dataclass(frozen=True, slots=True)
class EachJob(_ProvidedJob):
    """Find the best answer of each passage that is provided."""


@dataclass(frozen=True, slots=True)
class RankJob(_ProvidedJob):
    """Order passages that are provided."""


@dataclass(frozen=True, slots=True)
class ReadSeveralJob:
    """Read several texts, each with a question and by itself."""

    index: str
    questions: tuple[str, ...]
    passages: tuple[ProvidedPassage, ...]
    """One for each question."""
    n_answers: int
    max_answer_length: int | None = None

    def key(self) -> tuple[object, ...]:
        """What jobs that are read together have in common."""
        return ReadSeveralJob, self.index, self.max_answer_length

    def weight(self) -> int:
        """How many texts are read, if all were of the usual length."""
        return _weight(self.passages)


@dataclass(frozen=True, slots=True)
class SearchJob:
    """Find, and read nothing."""

    index: str
    query: str
    hits: int


@dataclass(frozen=True, slots=True)
class DocJob:
    """Look a passage up."""

    index: str
    passage_id: str


ReadingJob: TypeAlias = AnswerJob | ReadJob | ReadSeveralJob | EachJob | RankJob
ReadingResult: TypeAlias = (
    Result
    | list[ProvidedAnswer]
    | list[list[ProvidedAnswer]]
    | list[ProvidedAnswer | None]
    | list[RankedPassage]
)
LookingJob: TypeAlias = SearchJob | DocJob
LookingResult: TypeAlias = list[FoundPassage] | Passage


class BatchHandler:
    """Does the jobs, a batch at a time."""

    def __init__(self, indexes: Mapping[str, ServedIndex]) -> None:
        """Know the indexes by name."""
        self._indexes = indexes

    def read(self, jobs: Sequence[ReadingJob]) -> Sequence[ReadingResult]:
        """Jobs of one key."""
        with self._indexes[jobs[0].index].in_use() as qa:
            if isinstance(jobs[0], ReadSeveralJob):
                return _read_several(qa, [job for job in jobs if isinstance(job, ReadSeveralJob)])
            questions = [job.question for job in jobs if not isinstance(job, ReadSeveralJob)]
            match jobs[0]:
                case AnswerJob(top_k=top_k):
                    n_answers = [job.n_answers for job in jobs if isinstance(job, AnswerJob)]
                    # The best of fewer answers are the best of more: they are chosen one by one.
                    results = qa.answer_batch(questions, top_k=top_k, n_answers=max(n_answers))
                    return [
                        replace(result, answers=result.answers[:n])
                        for result, n in zip(results, n_answers, strict=True)
                    ]
                case ReadJob():
                    n_answers = [job.n_answers for job in jobs if isinstance(job, ReadJob)]
                    provided = [job.passages for job in jobs if isinstance(job, ReadJob)]
                    answers = read_provided(qa, questions, provided, n_answers=max(n_answers))
                    return [a[:n] for a, n in zip(answers, n_answers, strict=True)]
                case EachJob():
                    provided = [job.passages for job in jobs if isinstance(job, EachJob)]
                    return answer_each(qa, questions, provided)
                case RankJob():
                    provided = [job.passages for job in jobs if isinstance(job, RankJob)]
                    return rank_provided(qa, questions, provided)

    def look(self, jobs: Sequence[LookingJob]) -> Sequence[LookingResult]:
        """Any jobs."""
        return [self._look(job) for job in jobs]

    def _look(self, job: LookingJob) -> LookingResult:
        with self._indexes[job.index].in_use() as qa:
            if isinstance(job, SearchJob):
                return search_passages(qa.index, job.query, job.hits, qa.retriever)
            ordinals = qa.index.find(job.passage_id)
            if not ordinals:
                raise NotFoundError(
                    f"docid: expected an identifier of index {job.index!r}, found one that it "
                    "does not have."
                )
            return qa.index.passage(ordinals[0])


def _read_several(qa: OpenDomainQA, jobs: Sequence[ReadSeveralJob]) -> list[ReadingResult]:
    """All texts of all jobs in one batch."""
    answers = read_provided(
        qa,
        [question for job in jobs for question in job.questions],
        [[passage] for job in jobs for passage in job.passages],
        n_answers=max(job.n_answers for job in jobs),
        max_answer_length=jobs[0].max_answer_length,
    )
    left = iter(answers)
    return [[next(left)[: job.n_answers] for _ in job.questions] for job in jobs]


def _weight(passages: Sequence[ProvidedPassage]) -> int:
    return sum(1 + len(passage.text or "") // _CHARS_A_PASSAGE for passage in passages)
