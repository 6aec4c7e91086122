"""Doing the jobs of a server's workers, a batch at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from ..qa.lookup import find_passage
from ..qa.pipeline import OpenDomainQA
from ..qa.provided import answer_each, rank_provided, read_provided
from ..qa.types import ProvidedPassage
from ..retrievers.search import FoundPassage, search_passages, search_passages_many
from .batching import CheckWanted
from .errors import NotFoundError, TooLargeError
from .examples import example_questions
from .indexes import ServedIndex
from .jobs import (
    AnswerJob,
    DocJob,
    Job,
    QuoteJob,
    RankJob,
    ReadingJob,
    ReadJob,
    RetrieveJob,
    SearchJob,
    SentencesJob,
)
from .limits import Limits

_CHARS_PER_TOKEN = 16
"""Text with more characters for each allowed token is refused without counting its tokens."""
_N_EXAMPLES = 6
"""Example questions of an index."""
_QUERIES_AT_ONCE = 32
"""Queries that are searched between two checks whether the client still waits."""
_SLICE_CHARS = 4_096
"""Characters whose tokens are counted at a time."""


@dataclass(frozen=True, slots=True)
class BatchHandler:
    """Does jobs, a batch at a time."""

    indexes: Mapping[str, ServedIndex]
    """The indexes by name."""
    limits: Limits
    """The most that one request may ask for."""

    def read(self, jobs: Sequence[ReadingJob[Any]], check_wanted: CheckWanted) -> Sequence[Any]:
        """Do a batch of reading jobs, and return the result of each.

        Args:
            jobs: Jobs of one type, index and key.
            check_wanted: Called before each block of tokens; raises when no job is wanted.

        Raises:
            TooLargeError: If a job provides too much text that the index does not hold.
        """
        with self.indexes[jobs[0].index].in_use() as qa:
            for job in jobs:
                check_text(qa, job.provided(), self.limits.max_provided_tokens, check_wanted)
            return _read(qa, jobs, check_wanted)

    def look(self, jobs: Sequence[Job[Any]], check_wanted: CheckWanted) -> Sequence[Any]:
        """Do searches and look-ups, and return the result of each.

        Args:
            jobs: Any jobs that need no reader.
            check_wanted: Called now and then; raises when no job is wanted.

        Raises:
            NotFoundError: If an index does not hold a passage.
        """
        results = []
        for job in jobs:
            with self.indexes[job.index].in_use() as qa:
                results.append(_look(qa, job, check_wanted))
        return results


def _read(qa: OpenDomainQA, jobs: Sequence[Any], check_wanted: CheckWanted) -> Sequence[Any]:
    """Read for jobs of one type and key."""
    first = jobs[0]
    match first:
        case AnswerJob():
            results = qa.answer_batch(
                [job.question for job in jobs],
                top_k=first.top_k,
                # Answers are chosen one by one: the best few are the first of the best many.
                n_answers=max(job.n_answers for job in jobs),
                filter=first.retrieval.filter,
                bm25_parameters=first.retrieval.bm25_parameters(qa.index),
                before_block=check_wanted,
            )
            return [
                replace(result, answers=result.answers[: job.n_answers])
                for job, result in zip(jobs, results, strict=True)
            ]
        case ReadJob():
            answers = iter(
                read_provided(
                    qa,
                    [question for job in jobs for question in job.questions],
                    [some for job in jobs for some in job.passages],
                    n_answers=max(job.n_answers for job in jobs),
                    max_answer_length=first.max_answer_length,
                    before_block=check_wanted,
                )
            )
            return [[next(answers)[: job.n_answers] for _ in job.questions] for job in jobs]
        case SentencesJob():  # the passages of all jobs are found, or all are provided
            found = qa.read_sentences(
                [question for job in jobs for question in job.questions],
                passages=None
                if first.passages is None
                else [some for job in jobs for some in job.passages],
                top_k=first.top_k,
                filter=first.retrieval.filter,
                bm25_parameters=first.retrieval.bm25_parameters(qa.index),
                before_block=check_wanted,
            )
            left = iter(found)
            return [[next(left) for _ in job.questions] for job in jobs]
        case QuoteJob():
            return [
                qa.check_quote(
                    job.quote,
                    question=job.question,
                    passages=job.passages,
                    top_k=job.top_k,
                    n_matches=job.n_matches,
                    min_similarity=job.min_similarity,
                    filter=job.retrieval.filter,
                    bm25_parameters=job.retrieval.bm25_parameters(qa.index),
                    before_block=check_wanted,
                )
                for job in jobs
            ]
    do = rank_provided if isinstance(first, RankJob) else answer_each
    questions, provided = [job.question for job in jobs], [job.passages for job in jobs]
    return do(qa, questions, provided, before_block=check_wanted)


def _look(qa: OpenDomainQA, job: Job[Any], check_wanted: CheckWanted) -> Any:
    match job:
        case SearchJob():
            return search_passages(
                qa.index,
                job.query,
                job.hits,
                qa.retriever,
                filter=job.retrieval.filter,
                bm25_parameters=job.retrieval.bm25_parameters(qa.index),
            )
        case RetrieveJob():
            return _retrieve(qa, job, check_wanted)
        case DocJob():
            ordinals = qa.index.find(job.passage_id)
            if not ordinals:
                raise NotFoundError(
                    f"docid: expected an identifier of index {job.index!r}, found an unknown one."
                )
            return qa.index.passage(ordinals[0])
    return example_questions(qa.index, _N_EXAMPLES)


def _retrieve(
    qa: OpenDomainQA, job: RetrieveJob, check_wanted: CheckWanted
) -> list[list[FoundPassage]]:
    """Search for some queries at a time, as long as the client waits."""
    found: list[list[FoundPassage]] = []
    for first in range(0, len(job.queries), _QUERIES_AT_ONCE):
        check_wanted()
        found += search_passages_many(
            qa.index,
            job.queries[first : first + _QUERIES_AT_ONCE],
            job.hits,
            qa.retriever,
            filter=job.retrieval.filter,
            bm25_parameters=job.retrieval.bm25_parameters(qa.index),
            threads=max(1, torch.get_num_threads()),
        )
    return found


def check_text(
    qa: OpenDomainQA,
    passages: Sequence[ProvidedPassage],
    max_tokens: int,
    check_wanted: CheckWanted,
) -> None:
    """Refuse provided text of too many tokens that the index does not hold.

    Counting stops at the limit, so that its cost does not grow with the text.

    Args:
        qa: The index with its reader.
        passages: The passages of one request.
        max_tokens: The most tokens.
        check_wanted: Called while tokens are counted; raises when the request is not wanted.

    Raises:
        TooLargeError: If there is too much text.
        UnknownPassageError: If a passage has no text and the index does not hold its identifier.
    """
    texts = {passage.text for passage in passages if passage.text}
    if sum(len(text.encode()) for text in texts) <= max_tokens:
        return  # no text has more tokens than bytes
    found = [find_passage(qa.index, passage, place) for place, passage in enumerate(passages)]
    new = {one.passage.text for one in found if one.passage is not None and not one.is_stored}
    has_too_many_chars = sum(map(len, new)) > _CHARS_PER_TOKEN * max_tokens
    if has_too_many_chars or _has_more_tokens(qa, new, max_tokens, check_wanted):
        raise TooLargeError(
            f"expected at most {max_tokens:,} tokens of text that the index does not hold, found "
            "more. Send less text, or several requests."
        )


def _has_more_tokens(
    qa: OpenDomainQA, texts: Iterable[str], max_tokens: int, check_wanted: CheckWanted
) -> bool:
    n_tokens = 0
    for text in texts:
        for first in range(0, len(text), _SLICE_CHARS):
            check_wanted()
            (windows,) = qa.reader.encoder.encode_passages([text[first : first + _SLICE_CHARS]])
            n_tokens += windows[-1].first_token + windows[-1].n_text
            if n_tokens > max_tokens:
                return True
    return False
