"""``preread cloze``."""

from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from ...data import OnError, ReadReport, cloze_examples, read_corpus, read_examples, write_examples
from .options import Json, Limit, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(cloze)


def cloze(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="Passages.")],
    output: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="JSON Lines; gzip where it ends in .gz.")
    ],
    per_passage: Annotated[int, typer.Option(min=1, help="Questions of a passage at most.")] = 2,
    seed: Annotated[int, typer.Option(help="Same seed, same questions.")] = 0,
    leave_out: Annotated[
        list[Path] | None,
        typer.Option(help="Its contexts are passed over; may be given more than once."),
    ] = None,
    on_error: Annotated[OnError, typer.Option(help="What a bad record does.")] = OnError.FAIL,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """Make training questions of CORPUS without labels: spans that recur in a passage."""
    from ...indexer.files import atomic_path, check_new_file

    check_new_file(output)
    report = ReadReport()
    contexts = {e.context for path in leave_out or () for e in read_examples(path)}
    passages = read_corpus(corpus, on_error=on_error, report=report, limit=limit)
    bar = tqdm(passages, desc="asking", unit=" passages")
    with atomic_path(output) as temporary:
        examples = cloze_examples(bar, per_passage=per_passage, seed=seed, leave_out=contexts)
        n_written = write_examples(temporary, examples, compress=output.suffix == ".gz")
    if report.n_skipped:
        typer.echo(report.summary(), err=True)
    content = {"n_passages": bar.n, "n_written": n_written}
    print_json(content) if json else print_table(content)
