"""The report of an evaluation: what was evaluated, scores with intervals, plots."""

import datetime
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...data import PrereadError
from . import figures
from .analysis import (
    MeanEstimate,
    answer_scores,
    exact_match_by_word,
    expected_calibration_error,
    reliability,
    scores_by_passages,
    stage_times,
    top_k_accuracies,
)
from .outcomes import Outcome
from .rendering import Section, write_html, write_markdown
from .summary import CUTOFFS

_WRITERS = {".html": write_html, ".md": write_markdown}
_PACKAGES = ("preread", "torch", "transformers", "pyserini", "numpy")
_CURVE = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 500, 1000)


def check_report(path: Path) -> None:
    """Check, before the work, that a report can be written.

    Args:
        path: The file of the report.

    Raises:
        PrereadError: If its ending is unknown, or matplotlib is not installed.
    """
    if path.suffix.lower() not in _WRITERS:
        raise PrereadError(
            f"{path}: expected the name of a report to end in {' or '.join(_WRITERS)}, found "
            f"{path.suffix or 'no ending'}. Change the name."
        )
    figures.check_matplotlib(path)


def write_report(
    path: Path, outcomes: Sequence[Outcome], summary: Mapping[str, Any], facts: Mapping[str, str]
) -> None:
    """Write a report. The plots of a Markdown report are files beside it.

    Args:
        path: The file, ``.html`` or ``.md``.
        outcomes: Evaluated questions.
        summary: The result of `summary.summarise`.
        facts: Facts about what was evaluated, in the order in which they are shown.
    """
    sections = [
        _facts({**facts, "passages read": str(summary["top_k"])}),
        _scores(outcomes),
        _by_passages(outcomes, summary["top_k"]),
        _accuracy(outcomes),
        _latency(outcomes),
        _calibration(outcomes),
        _words(outcomes),
    ]
    title = f"EM {summary['exact_match']}, F1 {summary['f1']} on {len(outcomes):,} questions"
    _WRITERS[path.suffix.lower()](path, title, [section for section in sections if section])


def _facts(facts: Mapping[str, str]) -> Section:
    """What was evaluated, with versions, machine and date."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    whole = {
        **facts,
        "versions": f"{versions}, Python {platform.python_version()}",
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "written": now,
    }
    return Section("What was evaluated", "", (), [list(pair) for pair in whole.items()])


def _scores(outcomes: Sequence[Outcome]) -> Section:
    """EM, F1 and top-k accuracy."""
    exact_match, f1 = answer_scores(outcomes)
    rows = [_row("EM", exact_match), _row("F1", f1)]
    rows += [
        _row(f"top-{k} accuracy", one) for k, one in top_k_accuracies(outcomes, CUTOFFS).items()
    ]
    return Section(
        "Scores",
        "In percent. The interval holds the middle 95 % of the scores of 5,000 bootstrap samples "
        "of the questions. It shows how the score varies with other questions of the same kind, "
        "not with another reader or index.",
        ("", "score", "95 % interval", "questions"),
        rows,
    )


def _by_passages(outcomes: Sequence[Outcome], top_k: int) -> Section:
    """EM and F1 by number of passages read."""
    cutoffs = [k for k in _CURVE if k < top_k] + [top_k]
    scores = scores_by_passages(outcomes, cutoffs)
    rows = [
        [str(k), _percent(em.mean), _ends(em), _percent(f1.mean), _ends(f1)]
        for k, (em, f1) in scores.items()
    ]
    return Section(
        "Passages read",
        "Scores of the answers after reading only the first k passages. All were read once.",
        ("k", "EM", "95 % interval", "F1", "95 % interval"),
        rows,
        ("by-passages", figures.plot_by_passages(scores)),
    )


def _accuracy(outcomes: Sequence[Outcome]) -> Section | None:
    accuracies = top_k_accuracies(outcomes, range(1, max(CUTOFFS) + 1))
    if not accuracies:
        return None
    rows = [
        [str(k), _percent(accuracies[k].mean), _ends(accuracies[k])] for k in _CURVE if k <= 100
    ]
    return Section(
        "Passages retrieved",
        "Share of questions with an answer in one of the first k passages, by DPR's matching.",
        ("k", "top-k accuracy", "95 % interval"),
        rows,
        ("accuracy", figures.plot_accuracy(accuracies)),
    )


def _latency(outcomes: Sequence[Outcome]) -> Section:
    times = stage_times(outcomes)
    whole = np.array([one.latency_ms for one in outcomes])
    rows = [
        [name, *(f"{value:.2f}" for value in (ms.mean(), *np.percentile(ms, [50, 95])))]
        for name, ms in {**times, "all": whole}.items()
    ]
    return Section(
        "Latency",
        "Milliseconds per question, one at a time, with the retrieval of all passages.",
        ("stage", "mean", "median", "95th percentile"),
        rows,
        ("latency", figures.plot_stages(times)),
    )


def _calibration(outcomes: Sequence[Outcome]) -> Section | None:
    """How well scores agree with the share of right answers."""
    bins = reliability(outcomes)
    error = expected_calibration_error(bins)
    if error is None:
        return None
    rows = [
        [f"{one.mean_score:.3f}", _percent(one.exact_match), f"{one.n_questions:,}"] for one in bins
    ]
    return Section(
        "Calibration",
        f"Expected calibration error: {_percent(error)} %. On the dotted line, the score of an "
        "answer is its probability of being right.",
        ("mean score", "EM", "answers"),
        rows,
        ("calibration", figures.plot_reliability(bins)),
    )


def _words(outcomes: Sequence[Outcome]) -> Section:
    """EM by question word."""
    scores = exact_match_by_word(outcomes)
    return Section(
        "Question words",
        "By the first question word of each question.",
        ("word", "EM", "95 % interval", "questions"),
        [_row(word, one) for word, one in scores.items()],
        ("question-words", figures.plot_words(scores)),
    )


def _row(name: str, one: MeanEstimate) -> list[str]:
    return [name, _percent(one.mean), _ends(one), f"{one.n_questions:,}"]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _ends(one: MeanEstimate) -> str:
    return f"{_percent(one.low)} to {_percent(one.high)}"
