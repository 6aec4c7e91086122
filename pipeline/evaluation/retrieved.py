"""What was retrieved for each question, as files: a TREC run, and DPR's retrieval JSON."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

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
    """The passages of some hits, with whether each holds a gold answer."""
    passages = [index.passage(hit.ordinal) for hit in hits]
    return [
        Retrieved(passage, hit.score, holds_answer(question, passage.text))
        for passage, hit in zip(passages, hits, strict=True)
    ]


class RetrievalWriter(Protocol):
    """Writes what was found, question by question."""

    def write(self, question: Question, found: Sequence[Retrieved]) -> None:
        """Add one question."""


class RunWriter:
    """A TREC run: ``qid Q0 docid rank score tag``, as trec_eval reads it.

    White space separates its columns; in identifiers it becomes ``_``.
    """

    def __init__(self, file: TextIO) -> None:
        """Write to a file that is open."""
        self._file = file

    def write(self, question: Question, found: Sequence[Retrieved]) -> None:
        """Add one question."""
        name = _one_word(question.question_id)
        self._file.writelines(
            f"{name} Q0 {_one_word(one.passage.passage_id)} {rank} {one.score:.6f} preread\n"
            for rank, one in enumerate(found, start=1)
        )


class DprWriter:
    """DPR's retrieval JSON, as its reader and Fusion-in-Decoder read it.

    An array of ``{question, answers, ctxs: [{id, title, text, score, has_answer}]}``, the score
    as a string. pyserini's own form is an object by question number instead.

    Source: ``save_results`` of https://github.com/facebookresearch/DPR, dense_retriever.py.
    """

    def __init__(self, file: TextIO) -> None:
        """Write to a file that is open."""
        self._file = file
        self._is_empty = True

    def write(self, question: Question, found: Sequence[Retrieved]) -> None:
        """Add one question, on one line."""
        record: dict[str, Any] = {
            "question": question.question,
            "answers": list(question.answers),
            "ctxs": [
                {
                    "id": one.passage.passage_id,
                    "title": one.passage.title,
                    "text": one.passage.text,
                    "score": str(one.score),
                    "has_answer": one.has_answer,
                }
                for one in found
            ],
        }
        self._file.write("[\n" if self._is_empty else ",\n")
        self._file.write(json.dumps(record, ensure_ascii=False))
        self._is_empty = False

    def end(self) -> None:
        """Close the array."""
        self._file.write("[]\n" if self._is_empty else "\n]\n")


@contextmanager
def run_writer(path: Path) -> Iterator[RetrievalWriter]:
    """Write a TREC run, which is whole or absent."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        yield RunWriter(file)


@contextmanager
def dpr_writer(path: Path) -> Iterator[RetrievalWriter]:
    """Write DPR's retrieval JSON, which is whole or absent."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        writer = DprWriter(file)
        yield writer
        writer.end()


def _one_word(identifier: str) -> str:
    """An identifier without white space."""
    return "_".join(identifier.split())


def check_outputs(*paths: Path | None) -> None:
    """Refuse places where no file can be written, before the work.

    Raises:
        PrereadError: If a folder is missing, a place is taken by something that is no file, or two
            files have one place.
    """
    named = [path for path in paths if path is not None]
    for number, path in enumerate(named):
        if path.exists() and not path.is_file():
            raise PrereadError(f"{path}: expected a file or nothing there, found something else.")
        if not path.parent.is_dir():
            raise PrereadError(f"{path}: expected its folder to be there. Make the folder first.")
        if path.resolve() in {other.resolve() for other in named[:number]}:
            raise PrereadError(
                f"{path}: expected a place of its own for each file, found it twice."
            )
