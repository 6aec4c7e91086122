"""``preread demo``: the sample corpus, from passages to answers."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Json, print_json


def demo(
    path: Annotated[Path, typer.Option(help="Folder of the sample index.")] = Path("demo-index"),
    questions: Annotated[int, typer.Option(help="Number of sample questions to ask.")] = 6,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve the page instead, until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 8000,
    json: Json = False,
) -> None:
    """Index the sample corpus, answer sample questions, and score all of them."""
    from rich.console import Console

    from ..demo import PASSAGES_SCORED, ask_samples, sample_index, score_samples
    from ..qa.pipeline import OpenDomainQA
    from .display import show_answers

    sample_index(path, show_progress=True)
    if serve:
        _serve(path, port)
        return
    qa = OpenDomainQA.from_index(path)
    asked = ask_samples(qa, questions)
    if json:
        answered = [
            {"question": a.question.question, "is_right": a.is_right}
            | {"answers": [answer.to_dict() for answer in a.answers]}
            for a in asked
        ]
        print_json({"questions": answered, **score_samples(qa, show_progress=True)})
        return
    console = Console()
    for one in asked:
        mark = "[green]right[/green]" if one.is_right else "[yellow]not the gold answer[/yellow]"
        console.print(f"\n[bold]{one.question.question}[/bold]   {mark}, {one.took_ms:.0f} ms")
        if one.answers:
            show_answers(one.answers[:1], console)
    console.print()
    scores = score_samples(qa, show_progress=True)
    console.print(
        f"\nAll {scores['n_questions']} sample questions with an answer, "
        f"{PASSAGES_SCORED} passages read for each: EM {scores['exact_match']}, F1 {scores['f1']}, "
        f"passage found first {scores['top_k_accuracy']['1']} %, "
        f"{scores['latency_ms']['p50']} ms per question.\n"
        f"Ask your own: preread ask {path}"
    )


def _serve(path: Path, port: int) -> None:
    """Serve the page on the sample index, to this machine only."""
    from ..server import ApiKeys, ServeConfig
    from ..server import serve as run_server

    typer.echo(f"The page is at http://127.0.0.1:{port}/; Ctrl-C ends it.", err=True)
    run_server({"sample": path}, ServeConfig(), ApiKeys(), port=port)
