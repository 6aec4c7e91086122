"""``preread train``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ...data import OnError, PrereadError
from .options import Json, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(train)


def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A TOML file, or a shipped recipe's name.")
    ],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Folder of the run.")],
    data: Annotated[Path, typer.Option(help="Folder of the training sets.")] = Path(),
    base: Annotated[
        str | None, typer.Option(metavar="READER", help="Instead of the recipe's base.")
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(metavar="READER", help="Instead of the recipe's teacher.")
    ] = None,
    codec: Annotated[
        str | None, typer.Option(metavar="CODEC", help="Instead of the recipe's codec.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that stopped; begin if none.")
    ] = False,
    on_error: Annotated[OnError, typer.Option(help="What a bad record does.")] = OnError.FAIL,
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda; cuda where there is any.")
    ] = None,
    json: Json = False,
) -> None:
    """Train a reader by RECIPE; the result is OUTPUT/reader, to be named as any READER."""
    from ...reader.training import Recipe, recipe_path
    from ...reader.training.run import train as run_training

    chosen = Recipe.load(recipe_path(recipe))
    if base is not None:
        chosen = replace(chosen, base=base)
    if codec is not None:
        chosen = replace(chosen, codec=codec)
    if teacher is not None:
        if chosen.distillation is None:
            raise PrereadError(f"--teacher: the recipe {recipe} has no [distillation]. Drop it.")
        chosen = replace(chosen, distillation=replace(chosen.distillation, teacher=teacher))
    reader = run_training(
        chosen, data=data, output=output, device=device, on_error=on_error, resume=resume
    )
    content = {"reader": str(reader), "num_lower_layers": chosen.num_lower_layers}
    print_json(content) if json else print_table(content)
