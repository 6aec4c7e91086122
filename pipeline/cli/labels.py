"""``preread label``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ...data import OnError
from .options import Json, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(label)


def label(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A TOML file, or a shipped recipe's name.")
    ],
    teacher: Annotated[
        str, typer.Argument(metavar="READER", help="What reads: a reader's folder or hub name.")
    ],
    output: Annotated[
        Path,
        typer.Argument(metavar="OUTPUT", help="Folder of the labels; a stopped run goes on there."),
    ],
    data: Annotated[Path, typer.Option(help="Folder of the training sets.")] = Path(),
    on_error: Annotated[OnError, typer.Option(help="What a bad record does.")] = OnError.FAIL,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    json: Json = False,
) -> None:
    """Store a teacher's logits for all that RECIPE trains on; the recipe names them as labels."""
    from ...reader import Reader
    from ...reader.training import Recipe, recipe_path
    from ...reader.training.datasets import DataLoader
    from ...reader.training.labels import label_features

    chosen = Recipe.load(recipe_path(recipe))
    student = Reader.load(chosen.base, num_lower_layers=chosen.num_lower_layers)
    features = DataLoader(chosen, data, on_error).load(student.encoder).batches.features
    report = label_features(
        features,
        student.tokenizer,
        Reader.load(teacher, device=device),
        output,
        show_progress=True,
    )
    content = asdict(report)
    print_json(content) if json else print_table(content)
