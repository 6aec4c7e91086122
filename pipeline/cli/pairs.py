"""``preread evaluate-pairs``."""

from pathlib import Path
from typing import Annotated

import typer

from ...data import OnError, PairFormat, ReadReport, read_choices, read_pairs
from .options import Device, Json, Limit, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("evaluate-pairs")(evaluate_pairs)


def evaluate_pairs(
    reader: Annotated[str, typer.Argument(metavar="READER", help="A folder, or a hub name.")],
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET", help="Pairs with labels, or a folder of RACE.")
    ],
    mode: Annotated[str, typer.Option(help="full, decomposed or stored.")] = "decomposed",
    stored_segment: Annotated[
        str | None, typer.Option(help="first or second; default: what the reader was trained for.")
    ] = None,
    codec: Annotated[
        str, typer.Option(help="What stored states go through: float16 or int8.")
    ] = "float16",
    limit: Limit = None,
    format: Annotated[PairFormat, typer.Option(help="Form of the data set.")] = PairFormat.AUTO,
    on_error: Annotated[OnError, typer.Option(help="What a bad record does.")] = OnError.FAIL,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Let READER judge the pairs of DATASET and score: accuracy, and F1 of true."""
    from ...reader import PairReader
    from ..evaluation.comprehension import ReadMode, parse_mode
    from ..evaluation.pairs import evaluate_pairs as run_evaluation

    chosen_mode = parse_mode(mode)
    report = ReadReport()
    is_race = dataset.is_dir() or dataset.suffix == ".txt"
    examples = (
        list(read_choices(dataset, on_error=on_error, report=report, limit=limit))
        if is_race
        else list(read_pairs(dataset, format=format, on_error=on_error, report=report, limit=limit))
    )
    if not report.is_complete:
        typer.echo(report.summary(), err=True)
    content = run_evaluation(
        PairReader.load(
            reader,
            device=device,
            num_lower_layers=0 if chosen_mode is ReadMode.FULL else None,
            stored_segment=stored_segment,
        ),
        examples,
        mode=chosen_mode,
        codec=codec,
        show_progress=True,
    )
    if json:
        print_json(content)
        return
    low, high = content.pop("accuracy_interval")
    print_table({**content, "accuracy": f"{content['accuracy']} ({low} to {high})"})
