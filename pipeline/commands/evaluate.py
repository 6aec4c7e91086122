"""``preread evaluate | evaluate-reader``."""

from pathlib import Path
from typing import Annotated

import typer

from ...data import OnError, QuestionFormat, ReadReport, read_examples, read_questions
from .options import Device, IndexPath, Json, Limit, TopK, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(evaluate)
    app.command("evaluate-reader")(evaluate_reader)


def evaluate(
    index: IndexPath,
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="Questions with answers.")],
    top_k: TopK = 20,
    limit: Limit = None,
    format: Annotated[
        QuestionFormat, typer.Option(help="Form of the questions.")
    ] = QuestionFormat.AUTO,
    on_error: Annotated[OnError, typer.Option(help="What a bad record does.")] = OnError.FAIL,
    predictions: Annotated[Path | None, typer.Option(help="Write a JSON line a question.")] = None,
    run: Annotated[Path | None, typer.Option(help="Write the passages as a TREC run.")] = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Answer QUESTIONS from INDEX and score: EM, F1, top-k accuracy, latency."""
    from ..open_domain import evaluate as run_evaluation
    from ..qa import OpenDomainQA

    report = ReadReport()
    chosen = list(
        read_questions(questions, format=format, on_error=on_error, report=report, limit=limit)
    )
    if not report.is_complete:
        typer.echo(report.summary(), err=True)
    content = run_evaluation(
        OpenDomainQA.from_index(index, device=device),
        chosen,
        top_k=top_k,
        predictions=predictions,
        run=run,
        show_progress=True,
    )
    print_json(content) if json else print_table(content)


def evaluate_reader(
    reader: Annotated[
        str, typer.Argument(metavar="READER", help="'default', a folder, or a hub name.")
    ],
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Questions with contexts.")],
    mode: Annotated[str, typer.Option(help="full, decomposed or stored.")] = "decomposed",
    codec: Annotated[
        str | None, typer.Option(help="What stored states go through; default: the reader's own.")
    ] = None,
    limit: Limit = None,
    format: Annotated[
        QuestionFormat, typer.Option(help="Form of the data set.")
    ] = QuestionFormat.AUTO,
    on_error: Annotated[OnError, typer.Option(help="What a bad record does.")] = OnError.FAIL,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Let READER answer DATASET, given each question's passage, and score: EM, F1."""
    from ...reader import Reader
    from ..reading import ReadMode, parse_mode
    from ..reading import evaluate_reader as run_evaluation

    chosen_mode = parse_mode(mode)
    report = ReadReport()
    examples = list(
        read_examples(dataset, format=format, on_error=on_error, report=report, limit=limit)
    )
    if not report.is_complete:
        typer.echo(report.summary(), err=True)
    layers = 0 if chosen_mode is ReadMode.FULL else None
    content = run_evaluation(
        Reader.load(reader, device=device, num_lower_layers=layers),
        examples,
        mode=chosen_mode,
        codec=codec,
        show_progress=True,
    )
    print_json(content) if json else print_table(content)
