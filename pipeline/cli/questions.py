"""``preread ask | search``."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

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
    from ..qa.pipeline import OpenDomainQA

_SHOWN = 160
"""Characters of a passage that a search shows."""


def search(
    index: ReadIndex,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Plain words.")],
    top_k: Annotated[int, typer.Option(help="Number of passages to show.")] = 10,
    retriever: Retriever = "auto",
    filter: Filters = None,
    k1: K1 = 0.9,
    b: B = 0.4,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Find passages in INDEX without reading them for an answer."""
    from ...data.io.outside import printable
    from ...indexer import Bm25Parameters, PassageIndex
    from ...indexer.filters import parse_filter
    from ..retrievers import open_retriever
    from ..retrievers.base import name_of
    from ..retrievers.search import search_passages, why_nothing_was_found

    opened = PassageIndex(index, bm25_parameters=Bm25Parameters(k1=k1, b=b))
    chosen = open_retriever(opened, retriever, device=device)
    conditions = parse_filter(filter or ())
    found = search_passages(opened, query, top_k, chosen, filter=conditions)
    for hit in found:
        if json:
            print_json({**hit.to_dict(), "retriever": name_of(chosen)})
        else:
            text, title = hit.passage.text, hit.passage.title
            where = printable(f"{title}  [{hit.passage.passage_id}]")
            typer.echo(f"{hit.rank:3}. {hit.score:7.3f}  {where}")
            typer.echo(printable(f"     {text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}"))
    if found:
        typer.echo(printable(f"Found by {name_of(chosen)}."), err=True)
    else:
        why = why_nothing_was_found(opened, chosen, query, filter or ())
        typer.echo(printable(f"No passage matches the query: {why}"), err=True)


def ask(
    index: ReadIndex,
    question: Annotated[
        str | None,
        typer.Argument(metavar="QUESTION", help="Any text; default: ask for questions."),
    ] = None,
    top_k: TopK = 20,
    answers: Annotated[int, typer.Option(help="Number of answers to show.")] = 5,
    min_confidence: MinConfidence = 0.0,
    retriever: Retriever = "auto",
    filter: Filters = None,
    k1: K1 = 0.9,
    b: B = 0.4,
    device: Device = "cpu",
    runtime: Runtime = "torch",
    precision: Precision = "float32",
    stop_margin: StopMargin = None,
    json: Json = False,
) -> None:
    """Answer QUESTION from INDEX; without a question, answer one line of input after another."""
    from rich.console import Console

    from ...indexer.filters import parse_filter

    parse_filter(filter or ())  # before the reader is loaded
    # The spinner turns on a terminal only: the libraries of a reader take seconds to import.
    with Console(stderr=True).status("Opening the index and its reader"):
        from ...indexer import Bm25Parameters
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
    answer = partial(_answer, qa, top_k, answers, filter or (), json)
    if question is None:
        _converse(len(qa.index), answer)
    else:
        answer(question)


def _answer(
    qa: "OpenDomainQA",
    top_k: int,
    n_answers: int,
    conditions: Sequence[str],
    json: bool,
    question: str,
) -> None:
    from rich.console import Console
    from rich.text import Text

    from ...data.io.outside import printable
    from ...indexer.filters import parse_filter
    from ..retrievers.base import name_of
    from ..retrievers.search import why_nothing_was_found
    from .display import show_answers

    result = qa.answer(question, top_k=top_k, n_answers=n_answers, filter=parse_filter(conditions))
    if json:
        content: dict[str, Any] = {"question": question}
        content["answers"] = [answer.to_dict() for answer in result.answers]
        took = {"took_ms": round(result.timings.total_ms, 2), "passages_read": result.n_read}
        content |= {"confidence": result.confidence, **took}
        print_json({**content, "retriever": name_of(qa.retriever)})
        return
    console = Console()
    if result.answers:
        show_answers(result.answers, console)
    elif result.confidence is not None:
        typer.echo(
            f"No answer: the best one has a confidence of {result.confidence:.2f}, below "
            f"--min-confidence {qa.min_confidence:g}."
        )
    elif result.hits:
        typer.echo("No answer: the passages that were found have no text to answer with.")
    else:
        why = why_nothing_was_found(qa.index, qa.retriever, question, conditions)
        typer.echo(printable(f"No answer: no passage matches the question; {why}"))
    summary = f"{result.n_read} passages read in {result.timings.total_ms:.0f} ms"
    console.print(Text(f"{summary}, found by {printable(name_of(qa.retriever))}", "dim"))


def _converse(n_passages: int, answer: Callable[[str], None]) -> None:
    """Read questions from standard input until it ends; a person can also end it with a line."""
    from ...data import PrereadError
    from ...data.io.outside import printable
    from ...data.text.characters import is_blank

    if sys.stdin is None:
        raise PrereadError(
            "standard input: expected questions, found it closed. Name a QUESTION, or leave the "
            "input open."
        )
    is_person = sys.stdin.isatty()
    prompt = ""
    if is_person and sys.stdout.isatty():
        prompt = "? "  # printed by input(), since line editing has to know it
        with suppress(ImportError):  # line editing and history, if Python was built with it
            import readline  # noqa: F401
    how_to_end = " An empty line or `quit` ends." if is_person else ""
    typer.echo(f"{n_passages:,} passages.{how_to_end}", err=True)
    n_refused = 0
    while True:
        try:
            if not prompt:
                typer.echo("? ", err=True, nl=False)
            question = input(prompt).removeprefix("\ufeff").rstrip("\r")
        except UnicodeError as error:
            raise PrereadError(
                f"standard input: expected text in {sys.stdin.encoding}, found other bytes "
                f"({error}). Convert it, or set PYTHONIOENCODING to its encoding."
            ) from error
        except EOFError:
            if n_refused and not is_person:
                raise typer.Exit(2) from None
            return
        if is_person and question.strip().lower() in ("", "quit", "exit"):
            return
        if is_blank(question):
            continue
        try:
            answer(question)
        except PrereadError as error:
            n_refused += 1
            typer.echo(printable(f"error: {error}"), err=True)
