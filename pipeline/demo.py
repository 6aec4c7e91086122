"""The demo: the sample corpus, from passages to answers."""

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


def ask_samples(qa: OpenDomainQA, n_questions: int) -> list[DemoAnswer]:
    """Answer some sample questions, spread evenly over all that have an answer.

    Args:
        qa: The sample index with its reader.
        n_questions: Number of questions.
    """
    questions = [q for q in read_questions(sample_questions_path()) if q.answers]
    step = max(1, len(questions) // n_questions)
    asked = []
    for question in questions[::step][:n_questions]:
        result = qa.answer(question.question)
        best = result.answers[0].answer if result.answers else ""
        is_right = score_answer(best, question.answers)[0] == 1.0
        asked.append(DemoAnswer(question, result.answers, is_right, result.timings.total_ms))
    return asked


def score_samples(qa: OpenDomainQA) -> dict[str, Any]:
    """Evaluate on all sample questions that have an answer.

    Args:
        qa: The sample index with its reader.
    """
    return evaluate(qa, [q for q in read_questions(sample_questions_path()) if q.answers])
