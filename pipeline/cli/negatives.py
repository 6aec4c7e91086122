"""``preread mine``."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...data import OnError, PrereadError, QuestionFormat, ReadReport, read_corpus
from .options import Device, Json, Limit, Precision, Retriever, print_json, print_table

if TYPE_CHECKING:
    from ..mining import Search


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
        typer.Option(help="Its contexts are in no example; may be given more than once."),
    ] = None,
    confirm: Annotated[
        str | None,
        typer.Option(
            metavar="READER",
            help="A reader that chooses the positive: it must give the known answer from it.",
        ),
    ] = None,
    candidates: Annotated[
        int, typer.Option(help="Passages with the answer that --confirm chooses from.")
    ] = 4,
    device: Device = "cpu",
    precision: Precision = "float32",
    retriever: Retriever = "bm25",
    format: Annotated[
        QuestionFormat, typer.Option(help="Form of the questions.")
    ] = QuestionFormat.AUTO,
    on_error: Annotated[OnError, typer.Option(help="What a bad record does.")] = OnError.FAIL,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Make training examples of QUESTIONS: passages found for them that hold no answer."""
    from ...reader import Reader
    from ..confirmation import Confirmer
    from ..mining import mine_negatives

    search = _open_search(source, retriever, on_error)
    judge = None
    if confirm:
        judge = Confirmer(Reader.load(confirm, device=device, precision=precision))
    report = ReadReport()
    content = mine_negatives(
        search,
        questions,
        output,
        negatives=negatives,
        depth=depth,
        leave_out=leave_out or (),
        confirm=judge,
        candidates=candidates,
        format=format,
        on_error=on_error,
        report=report,
        limit=limit,
        show_progress=True,
    )
    if not report.is_complete:
        typer.echo(report.summary(), err=True)
    print_json(content) if json else print_table(content)


def _open_search(source: Path, retriever: str, on_error: OnError) -> "Search":
    """What finds passages: of an index any retriever, of a corpus BM25 in memory."""
    from ...indexer import PassageIndex
    from ...indexer.storage.manifest import MANIFEST_FILE, STATES_FOLDER
    from ..retrievers import open_retriever
    from ..retrievers.search import CorpusSearch, search_passages
    from ..retrievers.selection import RetrieverName, without_password

    if any((source / name).exists() for name in (MANIFEST_FILE, STATES_FOLDER)):
        index = PassageIndex(source)
        return partial(search_passages, index, retriever=open_retriever(index, retriever))
    if retriever != RetrieverName.BM25:
        raise PrereadError(
            f"{source}: expected an index, for its passages to be found by "
            f"{without_password(retriever)!r}, found none. Name one, or leave out --retriever."
        )
    return CorpusSearch(read_corpus(source, on_error=on_error))
