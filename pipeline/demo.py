"""The demo: the sample corpus, from passages to answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data import Question, read_questions, score_answer
from ..data.sample import sample_corpus_path, sample_questions_path
from ..indexer import PassageIndex, build_index
from ..reader import Reader
from .evaluation.open_domain import evaluate
from .qa.pipeline import OpenDomainQA
from .qa.types import Answer

PASSAGES_SCORED = 5
"""Passages that are read for each question that is scored. In a corpus of 181 passages, 20 give the
same exact match and take four times as long."""


@dataclass(frozen=True, slots=True)
class DemoAnswer:
    """A question of the demo with its answers."""

    question: Question
    answers: list[Answer]
    is_right: bool
    """Whether the best answer equals a gold answer after SQuAD's normalisation."""
    took_ms: float


def sample_index(path: str | Path, *, show_progress: bool = False) -> PassageIndex:
    """Open the index of the sample corpus, which is built if it does not exist.

    Args:
        path: The index folder.
        show_progress: Draw progress bars.

    Raises:
        PrereadError: If the folder holds something else.
    """
    path = Path(path)
    reader = Reader.load("default")
    build_index(sample_corpus_path(), path, reader, resume=True, show_progress=show_progress)
    return PassageIndex(path)


def ask_samples(qa: OpenDomainQA, n_questions: int) -> Iterator[DemoAnswer]:
    """Answer some sample questions, spread evenly over all that have an answer.

    Args:
        qa: The sample index with its reader.
        n_questions: Number of questions.
    """
    questions = [q for q in read_questions(sample_questions_path()) if q.answers]
    step = max(1, len(questions) // n_questions)
    for question in questions[::step][:n_questions]:
        result = qa.answer(question.question)
        best = result.answers[0].answer if result.answers else ""
        is_right = score_answer(best, question.answers)[0] == 1.0
        yield DemoAnswer(question, result.answers, is_right, result.timings.total_ms)


def score_samples(qa: OpenDomainQA, *, show_progress: bool = False) -> dict[str, Any]:
    """Evaluate on all sample questions that have an answer.

    Args:
        qa: The sample index with its reader.
        show_progress: Draw a progress bar.
    """
    questions = [q for q in read_questions(sample_questions_path()) if q.answers]
    return evaluate(qa, questions, top_k=PASSAGES_SCORED, show_progress=show_progress)
