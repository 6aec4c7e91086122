"""``preread convert``."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Json, Limit, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(convert)


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A reader, a Hugging Face folder or hub name, or a TensorFlow checkpoint.",
        ),
    ],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Folder to be made.")],
    to: Annotated[str, typer.Option(help="reader, huggingface or tensorflow.")] = "reader",
    num_lower_layers: Annotated[
        int | None, typer.Option(min=0, help="Where it is split; default: where SOURCE is.")
    ] = None,
    num_attention_heads: Annotated[
        int | None,
        typer.Option(min=1, help="Of a TensorFlow checkpoint; default: heads are 64 wide."),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="A folder, a file of wordpieces, or default; default: SOURCE's own."),
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(help="Questions with contexts: measure EM and F1, unsplit and split."),
    ] = None,
    limit: Limit = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a checkpoint at TARGET.")] = False,
    json: Json = False,
) -> None:
    """Make a reader of another checkpoint, or another checkpoint of a reader."""
    from ...data import read_examples
    from ..conversion import convert as run_conversion
    from ..conversion import parse_kind

    content = run_conversion(
        source,
        target,
        to=parse_kind(to),
        num_lower_layers=num_lower_layers,
        num_attention_heads=num_attention_heads,
        tokenizer=tokenizer,
        examples=list(read_examples(dataset, limit=limit)) if dataset else None,
        force=force,
        show_progress=True,
    )
    for warning in content["warnings"]:
        typer.echo(f"warning: {warning}", err=True)
    if json:
        print_json(content)
    else:
        print_table({name: value for name, value in content.items() if name != "warnings"})
