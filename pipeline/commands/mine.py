"""``preread mine``."""

from pathlib import Path
from typing import Annotated

import typer

from ...data import OnError, QuestionFormat, ReadReport
from .options import IndexPath, Json, Limit, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(mine)


def mine(
    index: IndexPath,
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="Questions with answers.")],
    output: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="JSON Lines; gzip where it ends in .gz.")
    ],
    negatives: Annotated[int, typer.Option(help="Negatives of a question.")] = 20,
    depth: Annotated[int, typer.Option(help="Passages looked at for a question.")] = 100,
    format: Annotated[
        QuestionFormat, typer.Option(help="Form of the questions.")
    ] = QuestionFormat.AUTO,
    on_error: Annotated[OnError, typer.Option(help="What a bad record does.")] = OnError.FAIL,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Make training examples of QUESTIONS: passages INDEX finds that hold no answer."""
    from ...indexer import PassageIndex
    from ..mining import mine_negatives

    report = ReadReport()
    content = mine_negatives(
        PassageIndex(index),
        questions,
        output,
        negatives=negatives,
        depth=depth,
        format=format,
        on_error=on_error,
        report=report,
        limit=limit,
        show_progress=True,
    )
    if report.n_skipped:
        typer.echo(report.summary(), err=True)
    print_json(content) if json else print_table(content)
