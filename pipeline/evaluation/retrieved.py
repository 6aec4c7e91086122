"""Files of the passages that were found: a TREC run, and DPR's retrieval JSON."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...data import Passage, PrereadError, Question, holds_answer
from ...data.io.atomic import atomic_path
from ...indexer import Hit, PassageIndex


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A passage that was found for a question."""

    passage: Passage
    score: float
    has_answer: bool


def look_up(index: PassageIndex, question: Question, hits: Sequence[Hit]) -> list[Retrieved]:
    """Look up the passages of hits, and whether each holds a gold answer.

    Args:
        index: Index of the hits.
        question: The question with its gold answers.
        hits: The hits.
    """
    passages = [index.passage(hit.ordinal) for hit in hits]
    return [
        Retrieved(passage, hit.score, holds_answer(question, passage.text))
        for passage, hit in zip(passages, hits, strict=True)
    ]


RetrievalWriter = Callable[[Question, Sequence[Retrieved]], None]
"""Writes a question and its passages, best first."""


@contextmanager
def run_writer(path: Path) -> Iterator[RetrievalWriter]:
    """Write a TREC run atomically: ``qid Q0 docid rank score tag``, as trec_eval reads it.

    White space separates the columns, so that in identifiers it is replaced by ``_``.

    Args:
        path: The file.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:

        def write(question: Question, found: Sequence[Retrieved]) -> None:
            name = _one_word(question.question_id)
            file.writelines(
                f"{name} Q0 {_one_word(one.passage.passage_id)} {rank} {one.score:.6f} preread\n"
                for rank, one in enumerate(found, start=1)
            )

        yield write


@contextmanager
def dpr_writer(path: Path) -> Iterator[RetrievalWriter]:
    """Write DPR's retrieval JSON atomically, as its reader and Fusion-in-Decoder read it.

    An array of ``{question, answers, ctxs: [{id, title, text, score, has_answer}]}``, one a line,
    the score as a string. pyserini's own format is an object by question number instead.

    Args:
        path: The file.

    Source: ``save_results`` of https://github.com/facebookresearch/DPR, dense_retriever.py.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        between = "\n"

        def write(question: Question, found: Sequence[Retrieved]) -> None:
            nonlocal between
            passages = [
                {
                    "id": one.passage.passage_id,
                    "title": one.passage.title,
                    "text": one.passage.text,
                    "score": str(one.score),
                    "has_answer": one.has_answer,
                }
                for one in found
            ]
            record = {"question": question.question, "answers": question.answers, "ctxs": passages}
            file.write(between + json.dumps(record, ensure_ascii=False))
            between = ",\n"

        file.write("[")
        yield write
        file.write("]\n" if between == "\n" else "\n]\n")


def _one_word(identifier: str) -> str:
    """An identifier without white space."""
    return "_".join(identifier.split())


def check_outputs(*paths: Path | None) -> None:
    """Check, before the work, that files can be written.

    Args:
        *paths: The files; None for one that is not wanted.

    Raises:
        PrereadError: If a folder is missing, a path is not that of a file, or two paths are the
            same.
    """
    named = [path for path in paths if path is not None]
    for number, path in enumerate(named):
        if path.exists() and not path.is_file():
            raise PrereadError(
                f"{path}: expected a file or nothing there, found something else. Name another."
            )
        if not path.parent.is_dir():
            raise PrereadError(f"{path}: expected its folder to exist. Make the folder first.")
        if path.resolve() in {other.resolve() for other in named[:number]}:
            raise PrereadError(
                f"{path}: expected another path for each file, found it twice. Name another path."
            )
