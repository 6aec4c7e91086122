"""``preread score-nq``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ...data import score_nq
from ...data.nq import NON_NULL_THRESHOLD, AnswerScores, OperatingPoint
from .options import Json, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("score-nq")(score)


def score(
    gold: Annotated[
        Path, typer.Argument(metavar="GOLD", help="Natural Questions, a file or a folder of them.")
    ],
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", help="JSON, as the official script reads it.")
    ],
    non_null_threshold: Annotated[
        int,
        typer.Option(min=1, help="Annotators who must have given an answer, or there is none."),
    ] = NON_NULL_THRESHOLD,
    json: Json = False,
) -> None:
    """Score PREDICTIONS of long and short answers against GOLD, as the official script does."""
    scores = score_nq(gold, predictions, non_null_threshold=non_null_threshold)
    content = {
        "n_examples": scores.n_examples,
        **_columns("long_answer", scores.long),
        **_columns("short_answer", scores.short),
    }
    print_json(content) if json else print_table(content)


def _columns(kind: str, scores: AnswerScores) -> dict[str, Any]:
    """The scores of one kind of answer, in percent."""
    at_precision = scores.at_precision.items()
    return {
        kind: _point(scores.best) | {"threshold": scores.best.threshold},
        f"{kind}_without_threshold": _point(scores.unthresholded),
        f"{kind}_recall_at_precision": {str(p): _percent(at.recall) for p, at in at_precision},
        f"{kind}_counts": {"gold": scores.n_gold, "predicted": scores.n_predicted},
    }


def _point(point: OperatingPoint) -> dict[str, float | None]:
    """F1, precision and recall in percent."""
    values = {"f1": point.f1, "precision": point.precision, "recall": point.recall}
    return {name: _percent(value) for name, value in values.items()}


def _percent(value: float) -> float:
    """A share as percent."""
    return round(100 * value, 2)
