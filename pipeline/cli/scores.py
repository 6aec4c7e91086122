"""``preread score | compare | score-nq``: scoring answers that somebody else gave."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ...data import OnError, QuestionFormat, score_nq
from ...data.nq import NON_NULL_THRESHOLD, AnswerScores, OperatingPoint
from .datasets import Format, Match, Patterns, Questions, read_labelled
from .options import Json, OnBadRecord, print_json, print_table, with_intervals


def score(
    questions: Questions,
    predictions: Annotated[
        Path,
        typer.Argument(
            metavar="PREDICTIONS", help="JSON Lines with id or question, or SQuAD's JSON."
        ),
    ],
    format: Format = QuestionFormat.AUTO,
    match: Match = None,
    patterns: Patterns = None,
    on_error: OnBadRecord = OnError.FAIL,
    scored: Annotated[
        Path | None,
        typer.Option(help="Write the score of each question, as JSON Lines for compare."),
    ] = None,
    json: Json = False,
) -> None:
    """Score the PREDICTIONS of any system against QUESTIONS: EM, F1."""
    from ..evaluation.scoring import score_predictions

    gold = read_labelled(questions, format, match, patterns, on_error, None)
    content = score_predictions(gold, predictions, scored=scored)
    content["answer_match"] = gold[0].match.value
    print_json(content) if json else print_table(with_intervals(content))


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Scored answers, JSON Lines.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Scored answers to compare with A.")],
    show: Annotated[
        int, typer.Option(min=0, help="Number of questions to show whose scores differ.")
    ] = 0,
    json: Json = False,
) -> None:
    """Compare two files of scored answers to the same questions; differences are B minus A."""
    from ..evaluation.comparison import compare as run_comparison

    found = run_comparison(a, b)
    content, differing = found.to_dict(), found.differing[:show]
    if json:
        shown = [{"a": one.to_dict(), "b": other.to_dict()} for one, other in differing]
        print_json({**content, **({"differing": shown} if show else {})})
        return
    print_table({**content, "mcnemar_p": f"{content['mcnemar_p']:.3g}"})
    for one, other in differing:
        typer.echo(f"\n{one.question}  [{one.question_id}]  gold: {' | '.join(one.gold) or '-'}")
        for name, answer in (("A", one), ("B", other)):
            typer.echo(
                f"  {name}  EM {answer.exact_match:.0f}  F1 {answer.f1:.2f}  {answer.prediction}"
            )


def score_natural_questions(
    gold: Annotated[
        Path, typer.Argument(metavar="GOLD", help="Natural Questions: a file, or a folder of them.")
    ],
    predictions: Annotated[
        Path,
        typer.Argument(metavar="PREDICTIONS", help="JSON in the format of the official script."),
    ],
    non_null_threshold: Annotated[
        int,
        typer.Option(min=1, help="Number of annotators with an answer from which one counts."),
    ] = NON_NULL_THRESHOLD,
    json: Json = False,
) -> None:
    """Score PREDICTIONS of long and short answers against GOLD as the official script does."""
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
    return round(100 * value, 2)
