"""``preread demo``."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Json, print_json


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(demo)


def demo(
    path: Annotated[Path, typer.Option(help="Where the sample index goes.")] = Path("demo-index"),
    questions: Annotated[int, typer.Option(help="Sample questions that are asked.")] = 6,
    serve: Annotated[
        bool, typer.Option("--serve", help="Open the page on it instead, until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the page.")] = 8000,
    json: Json = False,
) -> None:
    """Index the sample corpus, ask it questions, and score all of them."""
    from rich.console import Console

    from ..demo import ask_samples, sample_index, score_samples
    from ..qa.pipeline import OpenDomainQA
    from .display import show_answers

    sample_index(path, show_progress=True)
    if serve:
        _serve(path, port)
        return
    qa = OpenDomainQA.from_index(path)
    asked = ask_samples(qa, questions)
    scores = score_samples(qa)
    if json:
        answered = [
            {"question": a.question.question, "is_right": a.is_right}
            | {"answers": [answer.to_dict() for answer in a.answers]}
            for a in asked
        ]
        print_json({"questions": answered, **scores})
        return
    console = Console()
    for one in asked:
        mark = "[green]right[/green]" if one.is_right else "[yellow]not the gold answer[/yellow]"
        console.print(f"\n[bold]{one.question.question}[/bold]   {mark}, {one.took_ms:.0f} ms")
        show_answers(one.answers[:1], console)
    console.print(
        f"\nAll {scores['n_questions']} sample questions with an answer: "
        f"EM {scores['exact_match']}, F1 {scores['f1']}, "
        f"passage found first {scores['top_k_accuracy']['1']} %, "
        f"{scores['latency_ms']['p50']} ms a question.\n"
        f"Ask your own: preread ask {path}"
    )


def _serve(path: Path, port: int) -> None:
    """The page on the sample index, for this machine only."""
    from ..server import ApiKeys, ServeConfig
    from ..server import serve as run_server

    typer.echo(f"http://127.0.0.1:{port}/ is the page; Ctrl-C ends it.", err=True)
    run_server({"sample": path}, ServeConfig(), ApiKeys(), port=port)
