"""Showing answers to a person, highlighted in their passage."""

from collections.abc import Sequence

from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from ...data.io.outside import printable
from ..qa.types import Answer

_CONTEXT = 240
"""Characters of the passage that are shown on either side of the answer."""
_SUPPORTING = 3
"""Number of supporting passages that are named, besides the answer's own."""


def show_answers(answers: Sequence[Answer], console: Console) -> None:
    """Print answers, best first, the best one in its passage.

    Args:
        answers: One or more.
        console: Where to print.
    """
    for rank, answer in enumerate(answers, start=1):
        heading = Text.assemble(
            (f"{rank}. ", "dim"),
            (printable(answer.answer), "bold green"),
            (
                printable(f"   {_scores(answer)}   {answer.title}  [{_where(answer)}]"),
                "dim",
            ),
            (printable(_supporting(answer)), "dim"),
        )
        body = Group(heading, highlighted(answer)) if rank == 1 else heading
        console.print(Panel(body, border_style="green") if rank == 1 else body)


def _scores(answer: Answer) -> str:
    """The score, and the confidence if there is one."""
    known = answer.confidence
    return f"score {answer.score:.3f}" + (f"   confidence {known:.2f}" if known is not None else "")


def _where(answer: Answer) -> str:
    """The passage, and where in its document it stands."""
    for name in ("page", "line"):
        if name in answer.metadata:
            return f"{answer.passage_id}, {name} {answer.metadata[name]}"
    return answer.passage_id


def _supporting(answer: Answer) -> str:
    """The other passages that give the same answer."""
    others = [one.passage_id for one in answer.supporting[1:]]
    if not others:
        return ""
    more = f" and {len(others) - _SUPPORTING} more" if len(others) > _SUPPORTING else ""
    return f"   also in {', '.join(others[:_SUPPORTING])}{more}"


def highlighted(answer: Answer) -> Text:
    """The passage around an answer, with the answer in another colour.

    Args:
        answer: An answer with its passage.
    """
    first = max(0, answer.start - _CONTEXT)
    last = min(len(answer.passage), answer.end + _CONTEXT)
    return Text.assemble(
        "…" if first else "",
        printable(answer.passage[first : answer.start]),
        (printable(answer.passage[answer.start : answer.end]), "bold reverse green"),
        printable(answer.passage[answer.end : last]),
        "…" if last < len(answer.passage) else "",
    )
