"""``preread sync | documents | show``: documents and their passages."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...data import OnError
from .index import Workers
from .options import Device, IndexPath, Json, OnBadRecord, ReadIndex, print_json

if TYPE_CHECKING:
    from ...indexer import SyncReport

_N_SHOWN = 5
"""Number of repeated texts that are named."""


def sync(
    index: IndexPath,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of documents.")],
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep running, and repeat after every change.")
    ] = False,
    quiet: Annotated[
        float, typer.Option(min=0, help="With --watch: seconds without a change before it starts.")
    ] = 2.0,
    workers: Workers = None,
    on_error: OnBadRecord = OnError.FAIL,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Bring INDEX in step with FOLDER: add, replace and remove documents."""
    from ...data import PrereadError
    from ...data.io.outside import printable
    from ...indexer import Manifest, sync_folder, watch_folder
    from ...reader import Reader
    from ...reader.hub import hub_is_allowed

    reader: Reader | None = None
    for _ in watch_folder(folder, quiet=quiet):
        if reader is None and (watch or device != "cpu"):
            name = Manifest.load(index).plan.reader
            reader = Reader.load(name, device=device, allow_hub=hub_is_allowed())
        try:
            report = sync_folder(
                index, folder, reader, on_error=on_error, workers=workers, show_progress=True
            )
        except PrereadError as error:
            if not watch:
                raise
            typer.echo(printable(f"error: {error}"), err=True)
            continue
        _print_report(report, json)
        if not watch:
            return


def documents(
    index: ReadIndex,
    patterns: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATTERN…]", help="Names of documents; * and ? are wildcards."),
    ] = None,
    json: Json = False,
) -> None:
    """List the documents of INDEX, with the number of their passages."""
    from ...data.io.outside import printable
    from ...indexer import PassageIndex, stored_documents

    with PassageIndex(index) as opened:
        found = stored_documents(opened, patterns or ("*",))
        for document in found:
            if json:
                n = len(document.ordinals)
                print_json({"document": document.name, "n_passages": n})
            else:
                typer.echo(f"{len(document.ordinals):6,}  {printable(document.name)}")
        if not found:
            why = (
                f"no document fits {' or '.join(patterns)}. Without a pattern, all are listed."
                if patterns and stored_documents(opened)
                else "its passages are not from documents."
            )
            typer.echo(printable(f"{index}: {why}"), err=True)


def show(
    index: ReadIndex,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME…", help="Identifiers of passages, or names of documents with * and ?."
        ),
    ],
    json: Json = False,
) -> None:
    """Print passages of INDEX, or all passages of documents."""
    from ...data import PrereadError
    from ...data.io.outside import check_text, printable
    from ...indexer import PassageIndex, stored_documents

    with PassageIndex(index) as opened:
        for name in names:
            check_text(name, "name")
            ordinals = opened.find(name) or [
                ordinal
                for document in stored_documents(opened, [name])
                for ordinal in document.ordinals
            ]
            if not ordinals:
                raise PrereadError(
                    f"{index}: holds no passage and no document {name!r}. `preread documents "
                    f"{index}` lists the documents."
                )
            for passage in map(opened.passage, ordinals):
                if json:
                    print_json(
                        {
                            "id": passage.passage_id,
                            "title": passage.title,
                            "text": passage.text,
                            "metadata": passage.shown_metadata(),
                        }
                    )
                else:
                    typer.echo(printable(f"{passage.title}  [{passage.passage_id}]"))
                    typer.echo(printable(passage.text) + "\n")


def _print_report(report: "SyncReport", json: bool) -> None:
    if json:
        print_json(
            {
                "n_added": report.n_added,
                "n_updated": report.n_updated,
                "n_removed": report.n_removed,
                "n_unchanged": report.n_unchanged,
                "n_kept": report.n_kept,
                "n_passages_encoded": report.n_passages_encoded,
                "n_passages": report.manifest.n_passages,
                "n_skipped": report.read.n_skipped,
                "left_out": dict(report.read.left_out),
                "repeated": [list(pair) for pair in report.repeated],
            }
        )
        return
    typer.echo(report.summary())
    if not report.read.is_complete:
        typer.echo(report.read.summary(), err=True)
    if report.repeated:
        shown = ", ".join(f"{one} = {other}" for one, other in report.repeated[:_N_SHOWN])
        more = " …" if len(report.repeated) > _N_SHOWN else ""
        typer.echo(f"The same text: {shown}{more}", err=True)
