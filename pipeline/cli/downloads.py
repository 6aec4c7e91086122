"""``preread download``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tqdm import tqdm

from .options import Json, print_json

if TYPE_CHECKING:
    from ...data.download import RemoteFile


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(download)


def download(
    name: Annotated[str | None, typer.Argument(metavar="NAME")] = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where it goes; by default ~/.cache/preread/downloads"),
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", help="Show what there is.")] = False,
    registry: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Another list of downloads, such as of a mirror."),
    ] = None,
    json: Json = False,
) -> None:
    """Fetch the data set NAME and print where it is; if it is there, check it."""
    from tqdm.contrib.logging import logging_redirect_tqdm

    from ...data.download import DownloadError, find_remote_file, load_registry
    from ...data.download import download as fetch

    known = load_registry(registry)
    if list_all:
        _print_list(list(known.values()), json)
        return
    if name is None:
        raise DownloadError(
            f"expected the name of a download ({', '.join(known)}), found none. "
            "`preread download --list` says what they are."
        )
    remote = find_remote_file(name, known)
    with logging_redirect_tqdm():
        here = fetch(remote, to, show_progress=True)
    typer.echo(
        f"{'It was there' if here.was_there else 'Fetched'}: {here.size_bytes:,} bytes, "
        f"SHA-256 {here.sha256}\n"
        f"compared with: {here.checked_against.explanation}\n"
        f"licence: {remote.licence}\ncite: {remote.citation}",
        err=True,
    )
    print_json({"name": name} | here.to_dict()) if json else typer.echo(here.path)


def _print_list(known: "list[RemoteFile]", json: bool) -> None:
    """What there is, one a line."""
    from rich.console import Console
    from rich.table import Table

    if json:
        for remote in known:
            print_json(asdict(remote))
        return
    table = Table("name", "size", "what it is", "licence", box=None, pad_edge=False)
    for remote in known:
        size = tqdm.format_sizeof(remote.size_bytes, "B") if remote.size_bytes else "unknown"
        table.add_row(remote.name, size, remote.description, remote.licence)
    Console().print(table)
