"""Open-domain evaluation: EM, F1, top-k accuracy, latency."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from ...data import PrereadError, Question, score_prediction
from ..qa.pipeline import OpenDomainQA
from ..qa.types import Result
from ..retrievers.base import describe
from .outcomes import Outcome, StepOutcome
from .report import check_report, write_report
from .resuming import open_predictions
from .retrieved import (
    RetrievalWriter,
    Retrieved,
    check_outputs,
    dpr_writer,
    look_up,
    run_writer,
)
from .settings import Settings
from .summary import CUTOFFS, summarise


def evaluate(
    qa: OpenDomainQA,
    questions: Sequence[Question],
    *,
    top_k: int = 20,
    predictions: str | Path | None = None,
    run: str | Path | None = None,
    retrieval: str | Path | None = None,
    report: str | Path | None = None,
    resume: bool = False,
    facts: Mapping[str, str] | None = None,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Answer questions and score the answers.

    Args:
        qa: An index with its reader and retriever.
        questions: Questions with gold answers. A question with none counts as right if no answer is
            given.
        top_k: Number of passages to read.
        predictions: File to write with the answer to each question, as JSON Lines.
        run: File to write with the passages that were found, as a TREC run.
        retrieval: File to write with the passages that were found, as DPR's retrieval JSON.
        report: Report with plots to write, ``.html`` or ``.md``; it needs matplotlib.
        resume: Keep the lines of ``predictions``, and continue after them.
        facts: Facts for the report, besides those of ``qa``.
        show_progress: Draw a progress bar on standard error.

    Returns:
        The keys of ``preread evaluate --json``: ``exact_match`` and ``f1`` in percent;
        ``top_k_accuracy``, for each cut-off k the percentage of questions with a gold answer in one
        of the first k passages (DPR's matching; at least 100 passages are retrieved);
        ``latency_ms`` of whole questions, one at a time, with the retrieval of these passages, and
        its mean by stage; 95 % bootstrap intervals; ``exact_match_by_passages``, after reading only
        the first k passages; ``passages_read``, their mean number; ``expected_calibration_error``
        of the confidences, or of the scores if the reader has no confidence.

    Raises:
        PrereadError: If there is no question, a question is not labelled, a file cannot be written,
            or ``predictions`` cannot be resumed.
    """
    predictions, run, retrieval, report = (
        None if path is None else Path(path) for path in (predictions, run, retrieval, report)
    )
    if not questions:
        raise PrereadError(
            "evaluate: expected at least one question, found none. Name a file of questions."
        )
    unlabelled = next((q.question_id for q in questions if not q.is_labelled), None)
    if unlabelled is not None:
        raise PrereadError(
            f"evaluate: expected questions with known answers, found {unlabelled!r} without one. "
            "Read them with preread.data.read_gold."
        )
    if resume and predictions is None:
        raise PrereadError("evaluate: --resume goes on with a --predictions file; name one.")
    check_outputs(predictions, run, retrieval, report)
    if report is not None:
        check_report(report)
    with ExitStack() as files:
        outcomes: list[Outcome] = []
        file: TextIO | None = None
        if predictions is not None:
            settings = Settings.of(qa, questions, top_k)
            opened = open_predictions(predictions, questions, settings, resume=resume)
            outcomes, file = files.enter_context(opened)
        writers: list[RetrievalWriter] = []
        if run is not None:
            writers.append(files.enter_context(run_writer(run)))
        if retrieval is not None:
            writers.append(files.enter_context(dpr_writer(retrieval)))
        n_known = len(outcomes)
        for question in questions[:n_known] if writers else ():  # their passages were not kept
            hits = qa.retriever.search(question.question, max(top_k, *CUTOFFS))
            found = look_up(qa.index, question, hits)
            for write in writers:
                write(question, found)
        bar = tqdm(
            questions[n_known:],
            total=len(questions),
            initial=n_known,
            unit=" questions",
            disable=not show_progress,
        )
        for question in bar:
            result = qa.answer(
                question.question, top_k=top_k, n_answers=1, n_hits=max(CUTOFFS), with_steps=True
            )
            found = look_up(qa.index, question, result.hits)
            outcomes.append(_score(question, result, found))
            if file is not None:
                file.write(json.dumps(outcomes[-1].to_dict(), ensure_ascii=False) + "\n")
                file.flush()  # a run that is killed leaves whole lines
            for write in writers:
                write(question, found)
    summary = summarise(outcomes, top_k)
    if report is not None:
        write_report(report, outcomes, summary, {**(facts or {}), **_facts(qa)})
    return summary


def _score(question: Question, result: Result, found: Sequence[Retrieved]) -> Outcome:
    """Score the answer and the passages of a question against its gold answers."""
    best = result.answers[0] if result.answers else None
    prediction = best.answer if best else ""
    exact_match, f1 = score_prediction(question, prediction)
    ranks = (rank for rank, one in enumerate(found, start=1) if one.has_answer)
    return Outcome(
        question_id=question.question_id,
        question=question.question,
        gold=question.answers,
        prediction=prediction,
        exact_match=exact_match,
        f1=f1,
        score=best.score if best else 0.0,
        confidence=best.confidence if best else None,
        passage_id=best.passage_id if best else None,
        first_passage_with_answer=next(ranks, None),
        latency_ms=round(result.timings.total_ms, 2),
        stage_ms={stage: round(ms, 3) for stage, ms in result.timings.stages.items()},
        passages_read=result.n_read,
        steps=tuple(
            StepOutcome(
                step.n_passages,
                step.answer.answer,
                *score_prediction(question, step.answer.answer),
            )
            for step in result.steps
        ),
    )


def _facts(qa: OpenDomainQA) -> dict[str, str]:
    """The facts of a report about index, reader and retriever."""
    plan = qa.index.manifest.plan
    return {
        "index": str(qa.index.path),
        "passages": f"{len(qa.index):,}",
        "corpus": plan.corpus,
        "codec": plan.codec,
        "reader": plan.reader,
        "reader's fingerprint": plan.fingerprint,
        "layers stored": f"{plan.num_lower_layers} of {qa.reader.config.num_hidden_layers}",
        "retriever": describe(qa.retriever),
        "BM25's weight": f"{qa.weights.bm25:g}",
        "similarity's weight": f"{qa.weights.similarity:g}",
        "passage score's weight": f"{qa.reader.ranking.passage_weight:g}",
        "equal answers": "added up" if qa.rule.aggregate_answers else "the best span decides",
        "device": str(qa.reader.device),
        "runtime": f"{qa.reader.runtime_name}, {qa.reader.precision}",
        "stop margin": "none" if qa.stop_margin is None else f"{qa.stop_margin:g}",
    }
