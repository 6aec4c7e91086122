"""``preread dense``: vectors of passages."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Device, IndexPath, Json, print_info

if TYPE_CHECKING:
    from ...indexer.dense import VectorEncoder


def dense(
    index: IndexPath,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="ENCODER",
            help="Sentence encoder: a folder or a hub name; or reader, the reader's own head.",
        ),
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(help="int8, flat, ivf or ivfpq; default: suits the number of passages."),
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
    from ...indexer.dense import VectorKind, build_dense, remove_dense

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
        loaded = _encoder(index, encoder, device, query_prefix, passage_prefix)
        kind = VectorKind(vectors) if vectors else None
        build_dense(index, loaded, kind=kind, show_progress=True)
        typer.echo("--retriever dense and --retriever hybrid search these vectors.", err=True)
    print_info(index, json)


def _encoder(
    index: Path, name: str, device: str, query_prefix: str, passage_prefix: str
) -> "VectorEncoder":
    """The encoder of a name: the retrieval head of the index's reader, or a sentence encoder."""
    from ...data import PrereadError
    from ...indexer import Manifest
    from ...indexer.dense import HeadEncoder, SentenceEncoder
    from ...indexer.dense.kinds import READER
    from ...reader import Reader
    from ...reader.hub import hub_is_allowed

    if name != READER:
        return SentenceEncoder.load(
            name, device=device, query_prefix=query_prefix, passage_prefix=passage_prefix
        )
    if query_prefix or passage_prefix:
        raise PrereadError(
            f"--encoder {READER}: expected no prefixes, because the head reads texts as they are; "
            "found some. Leave out --query-prefix and --passage-prefix."
        )
    plan = Manifest.load(index).plan
    reader = Reader.load(plan.reader, device=device, allow_hub=hub_is_allowed())
    return HeadEncoder.of(reader, plan.precision)
