"""``preread mine``."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ...data import OnError, QuestionFormat, ReadReport, read_corpus
from .options import Json, Limit, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(mine)


def mine(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="An index, or a corpus not yet indexed.")
    ],
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="Questions with answers.")],
    output: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="JSON Lines; gzip where it ends in .gz.")
    ],
    negatives: Annotated[int, typer.Option(help="Negatives of a question.")] = 20,
    depth: Annotated[int, typer.Option(help="Passages looked at for a question.")] = 100,
    leave_out: Annotated[
        list[Path] | None,
        typer.Option(help="Its contexts are never a negative; may be given more than once."),
    ] = None,
    format: Annotated[
        QuestionFormat, typer.Option(help="Form of the questions.")
    ] = QuestionFormat.AUTO,
    on_error: Annotated[OnError, typer.Option(help="What a bad record does.")] = OnError.FAIL,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Make training examples of QUESTIONS: passages BM25 finds that hold no answer."""
    from ...indexer import PassageIndex
    from ...indexer.manifest import MANIFEST_FILE, STATES_FOLDER
    from ..mining import mine_negatives
    from ..search import CorpusSearch, search_passages

    is_index = any((source / name).exists() for name in (MANIFEST_FILE, STATES_FOLDER))
    search = (
        partial(search_passages, PassageIndex(source))
        if is_index
        else CorpusSearch(read_corpus(source, on_error=on_error))
    )
    report = ReadReport()
    content = mine_negatives(
        search,
        questions,
        output,
        negatives=negatives,
        depth=depth,
        leave_out=leave_out or (),
        format=format,
        on_error=on_error,
        report=report,
        limit=limit,
        show_progress=True,
    )
    if not report.is_complete:
        typer.echo(report.summary(), err=True)
    print_json(content) if json else print_table(content)
