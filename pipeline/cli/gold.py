"""Questions with the answers that they are scored by: their options, and reading them."""

from pathlib import Path
from typing import Annotated

import typer

from ...data import AnswerMatch, OnError, Question, QuestionFormat, ReadReport, read_gold

Format = Annotated[QuestionFormat, typer.Option(help="Form of the questions.")]
Match = Annotated[
    AnswerMatch | None, typer.Option(help="What answers are; told from the file if left out.")
]
Patterns = Annotated[Path | None, typer.Option(help="TREC's answer patterns, for topics.")]
OnBadRecord = Annotated[OnError, typer.Option(help="What a bad record does.")]


def read_labelled(
    path: Path,
    format: QuestionFormat,
    match: AnswerMatch | None,
    patterns: Path | None,
    on_error: OnError,
    limit: int | None,
) -> list[Question]:
    """Read questions with answers, and say on standard error what was left out.

    Args:
        path: The file.
        format: Its form.
        match: What the answers are; None tells it from the file.
        patterns: A file of answer patterns, which replace the answers.
        on_error: What a bad record does.
        limit: Questions after which to stop.
    """
    report = ReadReport()
    gold = read_gold(
        path,
        format=format,
        match=match,
        patterns=patterns,
        on_error=on_error,
        report=report,
        limit=limit,
    )
    if not report.is_complete:
        typer.echo(report.summary(), err=True)
    return gold
