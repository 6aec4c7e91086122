"""Answers for a person: highlighted in their passage."""

from collections.abc import Sequence

from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from .answers import Answer

_CONTEXT = 240
"""Characters of the passage shown on either side of the answer."""


def show_answers(answers: Sequence[Answer], console: Console) -> None:
    """Print answers, best first, each in its passage."""
    if not answers:
        console.print("No answer: no passage shares a word with the question.")
        return
    for rank, answer in enumerate(answers, start=1):
        heading = Text.assemble(
            (f"{rank}. ", "dim"),
            (answer.answer, "bold green"),
            (f"   score {answer.score:.3f}   {answer.title}  [{answer.passage_id}]", "dim"),
        )
        body = Group(heading, highlighted(answer)) if rank == 1 else heading
        console.print(Panel(body, border_style="green") if rank == 1 else body)


def highlighted(answer: Answer) -> Text:
    """The passage around an answer, the answer standing out."""
    first = max(0, answer.start - _CONTEXT)
    last = min(len(answer.passage), answer.end + _CONTEXT)
    return Text.assemble(
        "…" if first else "",
        answer.passage[first : answer.start],
        (answer.passage[answer.start : answer.end], "bold reverse green"),
        answer.passage[answer.end : last],
        "…" if last < len(answer.passage) else "",
    )
