"""``preread train-retriever``."""

from pathlib import Path
from typing import Annotated

import typer

from ...data import OnError
from .options import Json, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("train-retriever")(train_retriever)


def train_retriever(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML file.")],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Folder of the run.")],
    data: Annotated[Path, typer.Option(help="Folder of the mined files.")] = Path(),
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that stopped; begin if none.")
    ] = False,
    on_error: Annotated[OnError, typer.Option(help="What a bad record does.")] = OnError.FAIL,
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda; cuda where there is any.")
    ] = None,
    json: Json = False,
) -> None:
    """Train a head that makes vectors for retrieval of a reader's lower states."""
    from ...indexer.dense import SentenceEncoder
    from ...reader.training.retrieval.recipe import HeadRecipe
    from ...reader.training.retrieval.run import train_head

    chosen = HeadRecipe.load(recipe)
    path = train_head(
        chosen,
        SentenceEncoder.load(chosen.encoder, device=device or "cpu"),
        data=data,
        output=output,
        device=device,
        on_error=on_error,
        resume=resume,
        show_progress=True,
    )
    content = {"head": str(path), "n_layers": chosen.n_layers, "width": chosen.width}
    print_json(content) if json else print_table(content)
