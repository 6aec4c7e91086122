"""``preread cloze``."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from ...data import (
    OnError,
    ReadingExample,
    ReadReport,
    cloze_examples,
    read_corpus,
    read_examples,
    statement_examples,
    write_examples,
)
from .options import Json, Limit, print_json, print_table


class ClozeKind(StrEnum):
    """What a question is made of."""

    RECURRING = "recurring"
    """One sentence asks for a span that stands in another."""
    STATEMENT = "statement"
    """A sentence, its words dropped and shuffled, asks for a part of itself."""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(cloze)


def cloze(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="Passages.")],
    output: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="JSON Lines; gzip where it ends in .gz.")
    ],
    kind: Annotated[
        ClozeKind, typer.Option(help="A span that recurs, or a statement asking for its part.")
    ] = ClozeKind.RECURRING,
    per_passage: Annotated[int, typer.Option(min=1, help="Questions of a passage at most.")] = 2,
    max_words: Annotated[
        int | None, typer.Option(min=1, help="Contexts of statements at most so long.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same questions.")] = 0,
    leave_out: Annotated[
        list[Path] | None,
        typer.Option(help="Its contexts are passed over; may be given more than once."),
    ] = None,
    on_error: Annotated[OnError, typer.Option(help="What a bad record does.")] = OnError.FAIL,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Make training questions of CORPUS, which needs no labels."""
    from ...data.io.atomic import atomic_path
    from ...indexer.storage.files import check_new_file

    check_new_file(output)
    report = ReadReport()
    contexts = {e.context for path in leave_out or () for e in read_examples(path)}
    passages = read_corpus(corpus, on_error=on_error, report=report, limit=limit)
    bar = tqdm(passages, desc="asking", unit=" passages")
    with atomic_path(output) as temporary:
        examples: Iterable[ReadingExample]
        if kind is ClozeKind.RECURRING:
            examples = cloze_examples(bar, per_passage=per_passage, seed=seed, leave_out=contexts)
        else:
            examples = statement_examples(
                bar, per_passage=per_passage, max_words=max_words, seed=seed, leave_out=contexts
            )
        n_written = write_examples(temporary, examples, compress=output.suffix == ".gz")
    if not report.is_complete:
        typer.echo(report.summary(), err=True)
    content = {"n_passages": bar.n, "n_written": n_written}
    print_json(content) if json else print_table(content)
