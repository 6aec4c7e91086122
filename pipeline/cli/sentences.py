"""``preread highlight | prune | check-quote``: sentences that answer, and quotations."""

from typing import TYPE_CHECKING, Annotated

import typer

from .options import Device, Filters, Json, ReadIndex, Retriever, TopK, print_json

if TYPE_CHECKING:
    from ..qa.pipeline import OpenDomainQA
    from ..qa.types import ProvidedPassage

Question = Annotated[str, typer.Argument(metavar="QUESTION", help="Any text.")]
Given = Annotated[
    list[str] | None,
    typer.Option(
        "--passage",
        metavar="ID",
        help="Read this passage in place of those that are found. May be given more than once.",
    ),
]


def highlight(
    index: ReadIndex,
    question: Question,
    top_k: TopK = 20,
    sentences: Annotated[int, typer.Option(help="Number of sentences to show.")] = 5,
    min_score: Annotated[float, typer.Option(help="Least score of a sentence, from 0 to 1.")] = 0.2,
    passage: Given = None,
    retriever: Retriever = "auto",
    filter: Filters = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Show the sentences of INDEX that answer QUESTION."""
    from rich.console import Console
    from rich.text import Text

    from ...data.arguments import check_question
    from ...data.io.outside import printable
    from ...indexer.filters import parse_filter
    from ..qa.pipeline import OpenDomainQA
    from ..qa.sentences import highlighted

    check_question(question)
    conditions = parse_filter(filter or ())
    qa = OpenDomainQA.from_index(index, device=device, retriever=retriever)
    given = _provided(qa, passage)
    (read,) = qa.read_sentences(
        [question],
        passages=None if given is None else [given],
        top_k=top_k,
        filter=conditions,
    )
    found = highlighted(read, sentences, min_score)
    if json:
        print_json({"question": question, "sentences": [one.to_dict() for one in found]})
        return
    console = Console()
    for rank, one in enumerate(found, start=1):
        where = f"   score {one.score:.3f}   {one.title}  [{one.passage_id}]"
        console.print(
            Text.assemble(
                (f"{rank}. ", "dim"),
                (printable(one.sentence), "bold"),
                (printable(where), "dim"),
            )
        )
    if not read:
        typer.echo(_nothing_read(qa, question, filter))
    elif not found:
        typer.echo(f"No sentence answers the question with a score of {min_score:g} or more.")


def prune(
    index: ReadIndex,
    question: Question,
    top_k: TopK = 20,
    threshold: Annotated[
        float, typer.Option(help="Least score of a sentence that is kept; 0 keeps all.")
    ] = 0.05,
    max_tokens: Annotated[
        int | None,
        typer.Option(help="Tokens of all sentences at most, in the reader's wordpieces."),
    ] = None,
    passage: Given = None,
    retriever: Retriever = "auto",
    filter: Filters = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Print the passages for QUESTION, pruned to the sentences that may answer."""
    from ...data.arguments import check_question
    from ...data.io.outside import printable
    from ...indexer.filters import parse_filter
    from ..qa.pipeline import OpenDomainQA

    check_question(question)
    conditions = parse_filter(filter or ())
    qa = OpenDomainQA.from_index(index, device=device, retriever=retriever)
    left = qa.prune(
        question,
        passages=_provided(qa, passage),
        top_k=top_k,
        threshold=threshold,
        max_tokens=max_tokens,
        filter=conditions,
    )
    if json:
        print_json({"question": question, **left.to_dict()})
        return
    for one in left.contexts:
        typer.echo(printable(f"{one.title}  [{one.passage_id}]\n{one.text}\n"))
    if not left.n_tokens_read:
        typer.echo(_nothing_read(qa, question, filter), err=True)
        return
    if not left.contexts:
        typer.echo(
            f"No sentence has a score of --threshold {threshold:g} or more and fits into "
            "--max-tokens.",
            err=True,
        )
    typer.echo(f"{left.n_tokens:,} of {left.n_tokens_read:,} tokens", err=True)


def check_quote(
    index: ReadIndex,
    quote: Annotated[str, typer.Argument(metavar="QUOTE", help="A quotation or statement.")],
    question: Annotated[
        str | None,
        typer.Option(help="Question that it is said to answer; the reader answers it, too."),
    ] = None,
    top_k: Annotated[
        int, typer.Option(help="Number of passages with which the quotation is aligned.")
    ] = 20,
    matches: Annotated[int, typer.Option(help="Number of matches to show.")] = 5,
    min_similarity: Annotated[
        float, typer.Option(help="Least similarity of a match, from 0 to 1.")
    ] = 0.8,
    passage: Given = None,
    filter: Filters = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Find where QUOTE stands in INDEX, word for word or nearly so."""
    from ...data.io.outside import printable
    from ...indexer.filters import parse_filter
    from ..qa.pipeline import OpenDomainQA
    from ..qa.quotes import quote_text

    quote_text(quote)  # before the reader is loaded
    conditions = parse_filter(filter or ())
    qa = OpenDomainQA.from_index(index, device=device)
    found = qa.check_quote(
        quote,
        question=question,
        passages=_provided(qa, passage),
        top_k=top_k,
        n_matches=matches,
        min_similarity=min_similarity,
        filter=conditions,
    )
    if json:
        print_json({"quote": quote, "matches": [one.to_dict() for one in found]})
        return
    for one in found:
        how = "exact" if one.is_exact else f"similarity {one.similarity:.2f}"
        typer.echo(printable(f"{how}   {one.title}  [{one.passage_id}, {one.start}–{one.end}]"))
        typer.echo(printable(f"    {one.text}"))
        if one.agreement is not None:
            answer = f"    the reader answers {one.answer!r}; in the quotation: "
            typer.echo(printable(f"{answer}{one.agreement:.2f}"))
    if not found:
        typer.echo(
            f"Not found: no passage has it word for word, or with a similarity of "
            f"{min_similarity:g} or more."
        )


def _nothing_read(qa: "OpenDomainQA", question: str, filter: list[str] | None) -> str:
    from ...data.io.outside import printable
    from ..retrievers.search import why_nothing_was_found

    why = why_nothing_was_found(qa.index, qa.retriever, question, filter or ())
    return printable(f"No passage matches the question: {why}")


def _provided(qa: "OpenDomainQA", passage_ids: list[str] | None) -> "list[ProvidedPassage] | None":
    """The passages that ``--passage`` names, all in the index; None if it names none."""
    from ...data import PrereadError
    from ...data.io.outside import check_text
    from ..qa.types import ProvidedPassage

    for one in passage_ids or ():
        check_text(one, "--passage")
        if not qa.index.find(one):
            raise PrereadError(
                f"--passage: expected the identifier of a passage, found {one!r}, which the index "
                f"does not hold. `preread search {qa.index.path} WORDS` shows identifiers."
            )
    return [ProvidedPassage(one) for one in passage_ids] if passage_ids else None
