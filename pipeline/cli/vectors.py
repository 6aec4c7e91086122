"""``preread dense``."""

from typing import Annotated

import typer

from .options import Device, IndexPath, Json, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(dense)


def dense(
    index: IndexPath,
    encoder: Annotated[
        str | None, typer.Option(metavar="ENCODER", help="A folder, or a hub name.")
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(help="flat, ivf or ivfpq; default: what suits the number of passages."),
    ] = None,
    query_prefix: Annotated[
        str, typer.Option(help="What the encoder is given before a question.")
    ] = "",
    passage_prefix: Annotated[
        str, typer.Option(help="What the encoder is given before a passage.")
    ] = "",
    remove: Annotated[
        bool, typer.Option("--remove", help="Take the vectors out of INDEX instead.")
    ] = False,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Make a vector of every passage of INDEX, to find passages by meaning; goes on if stopped."""
    from ...data import PrereadError
    from ...indexer import index_info
    from ...indexer.dense import SentenceEncoder, VectorKind, build_dense, remove_dense

    if remove == (encoder is not None):
        raise PrereadError("dense: expected either --encoder ENCODER or --remove. Give one.")
    if vectors is not None and vectors not in list(VectorKind):
        raise PrereadError(f"vectors: expected one of {', '.join(VectorKind)}, found {vectors!r}.")
    if encoder is None:
        remove_dense(index)
    else:
        loaded = SentenceEncoder.load(
            encoder, device=device, query_prefix=query_prefix, passage_prefix=passage_prefix
        )
        kind = VectorKind(vectors) if vectors else None
        build_dense(index, loaded, kind=kind, show_progress=True)
        typer.echo("Passages are found by them with --retriever dense, or hybrid.", err=True)
    content = index_info(index)
    print_json(content) if json else print_table(content)
