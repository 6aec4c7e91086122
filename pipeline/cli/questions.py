"""``preread search | ask``."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from .options import (
    K1,
    B,
    Device,
    Filters,
    Json,
    MinConfidence,
    Precision,
    ReadIndex,
    Retriever,
    Runtime,
    StopMargin,
    TopK,
    print_json,
)

if TYPE_CHECKING:
    from ...indexer.filters import Filter
    from ..qa.pipeline import OpenDomainQA


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(search)
    app.command()(ask)


def search(
    index: ReadIndex,
    query: Annotated[str, typer.Argument(metavar="QUERY")],
    top_k: Annotated[int, typer.Option(help="Passages that are shown.")] = 10,
    retriever: Retriever = "bm25",
    filter: Filters = None,
    k1: K1 = 0.9,
    b: B = 0.4,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Find passages in INDEX; nothing is read."""
    from ...data.io.outside import check_text, printable
    from ...indexer import Bm25Parameters, PassageIndex
    from ...indexer.filters import parse_filter
    from ..retrievers import open_retriever
    from ..retrievers.search import search_passages

    opened = PassageIndex(index, bm25_parameters=Bm25Parameters(k1=k1, b=b))
    chosen = open_retriever(opened, retriever, device=device)
    conditions = parse_filter(filter or ())
    check_text(query, "query")
    found = search_passages(opened, query, top_k, chosen, filter=conditions)
    if not found:
        passing = " that passes the filter" if conditions else ""
        typer.echo(f"No passage{passing}: none has a word of the query.", err=True)
    for hit in found:
        if json:
            print_json(hit.to_dict())
        else:
            text, title = hit.passage.text, hit.passage.title
            where = printable(f"{title}  [{hit.passage.passage_id}]")
            typer.echo(f"{hit.rank:3}. {hit.score:7.3f}  {where}")
            typer.echo(printable(f"     {text[:160]}{'…' if len(text) > 160 else ''}"))


def ask(
    index: ReadIndex,
    question: Annotated[str | None, typer.Argument(metavar="[QUESTION]")] = None,
    top_k: TopK = 20,
    answers: Annotated[int, typer.Option(help="Answers that are shown.")] = 5,
    min_confidence: MinConfidence = 0.0,
    retriever: Retriever = "bm25",
    filter: Filters = None,
    k1: K1 = 0.9,
    b: B = 0.4,
    device: Device = "cpu",
    runtime: Runtime = "torch",
    precision: Precision = "float32",
    stop_margin: StopMargin = None,
    json: Json = False,
) -> None:
    """Answer QUESTION from INDEX; without a question, answer one after the other."""
    from ...indexer import Bm25Parameters
    from ...indexer.filters import parse_filter
    from ..qa.pipeline import OpenDomainQA

    qa = OpenDomainQA.from_index(
        index,
        device=device,
        runtime=runtime,
        precision=precision,
        retriever=retriever,
        bm25_parameters=Bm25Parameters(k1=k1, b=b),
        stop_margin=stop_margin,
        min_confidence=min_confidence,
    )
    conditions = parse_filter(filter or ())
    if question is None:
        _converse(qa, top_k, answers, conditions, json)
    else:
        _answer(qa, question, top_k, answers, conditions, json)


def _answer(
    qa: "OpenDomainQA",
    question: str,
    top_k: int,
    n_answers: int,
    conditions: "Filter",
    json: bool,
) -> None:
    """Answer one question and print."""
    from rich.console import Console

    from ...data.io.outside import check_text
    from .display import show_answers

    check_text(question, "question")
    result = qa.answer(question, top_k=top_k, n_answers=n_answers, filter=conditions)
    if json:
        content = {"question": question, "answers": [a.to_dict() for a in result.answers]}
        took = {"took_ms": round(result.timings.total_ms, 2), "passages_read": result.n_read}
        print_json({**content, "confidence": result.confidence, **took})
        return
    console = Console()
    show_answers(result.answers, console, result.confidence)
    console.print(f"[dim]{result.n_read} passages read in {result.timings.total_ms:.0f} ms[/dim]")


def _converse(
    qa: "OpenDomainQA", top_k: int, n_answers: int, conditions: "Filter", json: bool
) -> None:
    """Read questions from standard input until it ends."""
    from ...data import PrereadError

    if sys.stdin.isatty():
        with suppress(ImportError):  # line editing and history, where Python was built with it
            import readline  # noqa: F401
    typer.echo(f"{len(qa.index):,} passages. Ask; an empty line or quit ends.", err=True)
    while True:
        try:
            typer.echo("? ", err=True, nl=False)
            question = input()
        except EOFError:
            return
        if question.strip().lower() in ("", "quit", "exit"):
            return
        try:
            _answer(qa, question, top_k, n_answers, conditions, json)
        except PrereadError as error:
            typer.echo(f"error: {error}", err=True)
