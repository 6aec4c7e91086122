"""The result of reading, stored so that ranking can be fitted to it again.

Reading takes long and fitting does not. The stored values do not depend on the weights of ranking:
the logits of the best spans of each passage, its margin over "no answer", and its retrieval scores.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self, TextIO

from pydantic import BaseModel, ConfigDict, model_validator
from tqdm import tqdm

from ...data import PrereadError, Question, holds_answer, score_prediction
from ...data.io.atomic import atomic_path, naming_output
from ...data.io.validation import parse_json
from ...indexer import Hit, PassageIndex
from ...indexer.storage.files import sha256_of
from ...indexer.storage.manifest import MANIFEST_FILE
from ...reader import Ranking, Reader
from ...reader.modeling.fingerprint import weights_sha256
from ..qa.pipeline import OpenDomainQA
from ..qa.ranking import combined_logit, evidence
from ..qa.reading import SPANS_PER_PASSAGE
from ..qa.types import Candidate, CandidateSpans
from ..retrievers import Retriever
from ..retrievers.base import bm25_scores, describe
from .fitting import RankingWeights, SpanFeatures

UNWEIGHED = Ranking(bm25_weight=0.0)
"""A ranking that adds nothing to the reader's logits."""
_REMEDY = "Name another file, or remove this one; the questions are then read anew."


class KeptSpan(NamedTuple):
    """A span that may be the answer."""

    passage: int
    """Position of its passage among those that were found."""
    start: int
    """Offset into the passage's text, in code points."""
    end: int
    """Exclusive."""
    text: str
    logit: float
    """Logit of the span alone."""


class Reads(BaseModel):
    """The result of reading for one question: a line of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    question_id: str
    bm25: tuple[float, ...]
    """BM25 score of each passage."""
    margins: tuple[float, ...]
    """Logit of the best span of each passage less its no-answer score."""
    spans: tuple[KeptSpan, ...]
    """The best spans of each passage."""
    holds_answer: tuple[bool, ...]
    """Whether the text of each passage holds a gold answer."""
    similarity: tuple[float, ...] = ()
    """Cosine of the vectors of each passage and the question; empty without vectors."""

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        n_passages = len(self.margins)
        if {len(self.bm25), len(self.holds_answer)} != {n_passages}:
            raise ValueError(
                f"expected {n_passages} values in bm25 and holds_answer, as in margins"
            )
        if self.similarity and len(self.similarity) != n_passages:
            raise ValueError(f"expected {n_passages} values in similarity, or none")
        if not all(0 <= span.passage < n_passages for span in self.spans):
            raise ValueError(f"expected spans of passages from 0 to {n_passages - 1}")
        return self

    @classmethod
    def of(
        cls, question: Question, hits: Sequence[Hit], found: CandidateSpans, index: PassageIndex
    ) -> Self:
        """Take the result of reading.

        Args:
            question: The question.
            hits: Its passages.
            found: The candidate spans of the passages, with the ranking `UNWEIGHED`.
            index: The index of the passages.
        """
        return cls(
            question_id=question.question_id,
            bm25=tuple(bm25_scores(index, question.question, hits)),
            margins=tuple(found.margins.get(place, 0.0) for place in range(len(hits))),
            spans=tuple(
                KeptSpan(one.passage, one.start, one.end, one.text, one.logit)
                for one in found.candidates
            ),
            holds_answer=tuple(
                holds_answer(question, index.passage(hit.ordinal).text) for hit in hits
            ),
            similarity=tuple(hit.similarity for hit in hits if hit.similarity is not None),
        )

    def without_answers(self) -> Self:
        """The same, as if the passages that hold a gold answer had not been found."""
        spans = tuple(span for span in self.spans if not self.holds_answer[span.passage])
        return self.model_copy(update={"spans": spans})

    def candidates(self, top_k: int, weights: RankingWeights) -> list[Candidate]:
        """The candidates of the first passages, under given weights.

        Args:
            top_k: Number of passages that are used.
            weights: Weights of the logit of a span.
        """
        spans = [span for span in self.spans if span.passage < top_k]
        logits = [
            combined_logit(
                span.logit,
                self.margins[span.passage],
                self.bm25[span.passage],
                self._similarity_of(span.passage),
                passage_weight=weights.passage_weight,
                bm25_weight=weights.bm25_weight,
                similarity_weight=weights.similarity_weight,
            )
            for span in spans
        ]
        shares = evidence(logits, weights.answer_temperature)
        return [
            Candidate(span.passage, span.start, span.end, span.text, logit, share)
            for span, logit, share in zip(spans, logits, shares, strict=True)
        ]

    def features(
        self, top_k: int, question: Question, *, passage_weight: float = 0.0
    ) -> SpanFeatures:
        """The features to which weights are fitted.

        Args:
            top_k: Number of passages that are used.
            question: The question, whose gold answers decide which spans are right.
            passage_weight: Logits per logit of the margin, if this weight is not fitted.
        """
        spans = [span for span in self.spans if span.passage < top_k]
        return SpanFeatures(
            [
                (
                    span.logit + passage_weight * self.margins[span.passage],
                    self.margins[span.passage],
                    self.bm25[span.passage],
                    self._similarity_of(span.passage),
                )
                for span in spans
            ],
            [score_prediction(question, span.text)[0] > 0 for span in spans],
        )

    def _similarity_of(self, passage: int) -> float:
        return self.similarity[passage] if self.similarity else 0.0


class ReadSettings(BaseModel):
    """The settings that a result of reading depends on: the first line of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    questions: str
    """SHA-256 of the identifiers, texts and gold answers of the questions."""
    index: str
    """SHA-256 of the manifest."""
    reader: str
    """SHA-256 of all weights."""
    num_lower_layers: int
    shared_normalization: bool
    runtime: str
    precision: str
    retriever: str
    top_k: int
    spans_per_passage: int = SPANS_PER_PASSAGE

    @classmethod
    def of(
        cls,
        index: PassageIndex,
        reader: Reader,
        retriever: Retriever,
        questions: Sequence[Question],
        top_k: int,
    ) -> Self:
        """The settings of a reading.

        Args:
            index: The index of the passages.
            reader: The reader.
            retriever: The retriever.
            questions: The questions, in their order.
            top_k: Number of passages to read for each question.
        """
        asked = [(q.question_id, q.question, q.answers, q.match) for q in questions]
        return cls(
            questions=hashlib.sha256(json.dumps(asked).encode()).hexdigest(),
            index=sha256_of(index.path / MANIFEST_FILE),
            reader=weights_sha256(reader.model),
            num_lower_layers=reader.config.num_lower_layers,
            shared_normalization=reader.config.shared_normalization,
            runtime=reader.runtime_name.value,
            precision=reader.precision.value,
            retriever=describe(retriever),
            top_k=top_k,
        )


def collect_reads(
    qa: OpenDomainQA,
    questions: Sequence[Question],
    top_k: int,
    path: Path | None = None,
    *,
    show_progress: bool = False,
) -> list[Reads]:
    """Read the passages of each question as for answering.

    Args:
        qa: An index with its reader and retriever.
        questions: The questions.
        top_k: Number of passages to read for each question.
        path: File that stores the results, so that nothing is read twice; None stores nothing.
        show_progress: Draw a progress bar on standard error.

    Raises:
        PrereadError: If the file was written with other settings, or is damaged.
    """
    plain = qa.with_ranking(UNWEIGHED)

    def read(question: Question) -> Reads:
        hits = plain.retriever.search(question.question, top_k)
        found = plain.read(question.question, hits)
        return Reads.of(question, hits, found, plain.index)

    settings = ReadSettings.of(qa.index, qa.reader, qa.retriever, questions, top_k)
    return keep_reads(questions, read, settings, path, show_progress=show_progress)


def keep_reads(
    questions: Sequence[Question],
    read: Callable[[Question], Reads],
    settings: ReadSettings,
    path: Path | None,
    *,
    show_progress: bool = False,
) -> list[Reads]:
    """Read for one question after the other, and store each result at once.

    Args:
        questions: The questions.
        read: Reads the passages of one question.
        settings: The settings that the results depend on.
        path: File with the settings in its first line and a result in each other line, so that
            nothing is read twice; None stores nothing.
        show_progress: Draw a progress bar on standard error.

    Raises:
        PrereadError: If the file was written with other settings, or is damaged.
    """
    reads = [] if path is None else _kept(path, settings, questions)
    with ExitStack() as files:
        file: TextIO | None = None
        if path is not None:
            files.enter_context(naming_output(path))
            file = files.enter_context(path.open("a", encoding="utf-8", newline="\n"))
        bar = tqdm(
            questions[len(reads) :],
            total=len(questions),
            initial=len(reads),
            desc="reading",
            unit=" questions",
            disable=not show_progress,
        )
        for question in bar:
            reads.append(read(question))
            if file is not None:
                file.write(reads[-1].model_dump_json() + "\n")
                file.flush()  # a run that is killed leaves whole lines
    return reads


def _kept(path: Path, settings: ReadSettings, questions: Sequence[Question]) -> list[Reads]:
    """The results in a file, from which an incomplete last line is removed."""
    if not path.exists():
        with atomic_path(path) as temporary:
            temporary.write_text(settings.model_dump_json() + "\n", "utf-8")
        return []
    first, *lines = path.read_bytes().split(b"\n")
    found = parse_json(ReadSettings, first, f"{path}:1", _REMEDY)
    differing = [name for name, value in found if value != getattr(settings, name)]
    if differing:
        raise PrereadError(
            f"{path}: expected results of reading with these settings, found another "
            f"{', '.join(differing)}. {_REMEDY}"
        )
    if not lines:
        raise PrereadError(f"{path}:1: expected a whole line, found it cut short. {_REMEDY}")
    reads = []
    for number, line in enumerate(lines[:-1]):
        reads.append(parse_json(Reads, line, f"{path}:{number + 2}", _REMEDY))
        wanted = questions[number].question_id if number < len(questions) else None
        if reads[-1].question_id != wanted:
            raise PrereadError(
                f"{path}:{number + 2}: expected question {wanted!r}, found "
                f"{reads[-1].question_id!r}. {_REMEDY}"
            )
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - len(lines[-1]))
    return reads
