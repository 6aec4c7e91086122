"""``preread reproduce``: measuring published figures again."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Json, print_json

if TYPE_CHECKING:
    from ..evaluation.reproduction.listing import Reproduction
    from ..evaluation.reproduction.running import ReproductionOutcome


def reproduce(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A name that --list shows.")
    ] = None,
    corpus: Annotated[
        Path | None, typer.Option(help="Passages; default: those of NAME, shipped or downloaded.")
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help="Questions; default: those of NAME, shipped or downloaded.")
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Folder for indexes and results, in a folder NAME of its own.")
    ] = Path("reproductions"),
    list_all: Annotated[bool, typer.Option("--list", help="List the reproductions.")] = False,
    from_file: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Another list of reproductions, TOML."),
    ] = None,
    json: Json = False,
) -> None:
    """Run the commands of NAME and compare their figures with the expected ones.

    The exit code is 1 if a figure differs by more than its tolerance.
    """
    from ...data import PrereadError
    from ..evaluation.reproduction.listing import find_reproduction, load_reproductions

    known = load_reproductions(from_file)
    if list_all:
        _print_list(list(known.values()), json)
        return
    if name is None:
        raise PrereadError(
            f"expected the name of a reproduction ({', '.join(known)}), found none. "
            "`preread reproduce --list` describes each."
        )
    wanted = find_reproduction(name, known)
    from ..evaluation.reproduction.running import reproduce as run

    outcome = run(
        wanted,
        folder,
        given={"corpus": corpus, "questions": questions},
        say=lambda line: typer.echo(line, err=True),
    )
    print_json(outcome.to_dict()) if json else _print_figures(outcome)
    if not outcome.is_ok:
        raise typer.Exit(1)


def _print_list(known: "list[Reproduction]", json: bool) -> None:
    """Print each reproduction: its needs, steps and figures."""
    from ..evaluation.reproduction.listing import Origin

    if json:
        for one in known:
            print_json(asdict(one))
        return
    how = {
        Origin.SHIPPED: "comes with the package ({})",
        Origin.DOWNLOAD: "`preread download {}`",
        Origin.GIVEN: "to be named by the option: {}",
    }
    for one in known:
        typer.echo(f"{one.name}: {one.about}\n  {one.needs}")
        for name, wanted in one.inputs.items():
            typer.echo(f"  --{name}: {how[wanted.origin].format(wanted.what)}")
        for step in one.steps:
            typer.echo(f"  {step.name}: {shlex.join(['preread', *step.command])}")
            for figure in step.figures:
                typer.echo(f"    {figure.key} {figure.expected:g} ± {figure.tolerance:g}")
        typer.echo()


def _print_figures(outcome: "ReproductionOutcome") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("step", "figure", "expected", "found", "", box=None, pad_edge=False)
    for one in outcome.compared:
        figure = one.figure
        expected = f"{figure.expected:,.10g} ± {figure.tolerance:g}"
        mark = "[green]ok[/green]" if one.is_ok else "[red]off[/red]"
        table.add_row(one.step, figure.key, expected, f"{one.found:,.10g}", mark)
    console = Console()
    console.print(table)
    n_off = sum(not one.is_ok for one in outcome.compared)
    verdict = f"{n_off} of {len(outcome.compared)} figures off" if n_off else "all figures ok"
    console.print(f"{outcome.name}: {verdict}. Whole results: {outcome.folder}", soft_wrap=True)
