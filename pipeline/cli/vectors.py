"""``preread dense``: vectors of passages."""

from typing import Annotated

import typer

from .options import Device, IndexPath, Json, print_json, print_table


def dense(
    index: IndexPath,
    encoder: Annotated[
        str | None,
        typer.Option(metavar="ENCODER", help="Sentence encoder: a folder, or a hub name."),
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(help="flat, ivf or ivfpq; default: suits the number of passages."),
    ] = None,
    query_prefix: Annotated[
        str, typer.Option(help="Text that the encoder expects before a question.")
    ] = "",
    passage_prefix: Annotated[
        str, typer.Option(help="Text that the encoder expects before a passage.")
    ] = "",
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the vectors from INDEX instead.")
    ] = False,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Add a vector of every passage to INDEX, for finding passages by meaning.

    A run that stopped is continued by the same command.
    """
    from ...data import PrereadError
    from ...indexer import index_info
    from ...indexer.dense import SentenceEncoder, VectorKind, build_dense, remove_dense

    if remove == (encoder is not None):
        found = "both" if remove else "neither"
        raise PrereadError(
            f"dense: expected either --encoder ENCODER or --remove, found {found}. Give one."
        )
    if vectors is not None and vectors not in list(VectorKind):
        raise PrereadError(
            f"--vectors: expected one of {', '.join(VectorKind)}, found {vectors!r}. Name one, or "
            "leave the option out."
        )
    if encoder is None:
        remove_dense(index)
    else:
        loaded = SentenceEncoder.load(
            encoder, device=device, query_prefix=query_prefix, passage_prefix=passage_prefix
        )
        kind = VectorKind(vectors) if vectors else None
        build_dense(index, loaded, kind=kind, show_progress=True)
        typer.echo("--retriever dense and --retriever hybrid search these vectors.", err=True)
    content = index_info(index)
    print_json(content) if json else print_table(content)
