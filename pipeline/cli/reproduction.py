"""``preread reproduce``."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Json, print_json

if TYPE_CHECKING:
    from ..evaluation.reproduction.listing import Reproduction
    from ..evaluation.reproduction.running import ReproductionOutcome


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(reproduce)


def reproduce(
    name: Annotated[str | None, typer.Argument(metavar="NAME")] = None,
    corpus: Annotated[
        Path | None, typer.Option(help="Passages; else they are shipped or downloaded.")
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help="Questions; else they are shipped or downloaded.")
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Indexes and results go into a folder of NAME in it.")
    ] = Path("reproductions"),
    list_all: Annotated[bool, typer.Option("--list", help="Show what there is.")] = False,
    from_file: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Another list of reproductions, in TOML."),
    ] = None,
    json: Json = False,
) -> None:
    """Run NAME's commands, and compare their figures with what is expected; 1 if one is off."""
    from ...data import PrereadError
    from ..evaluation.reproduction.listing import find_reproduction, load_reproductions

    known = load_reproductions(from_file)
    if list_all:
        _print_list(list(known.values()), json)
        return
    if name is None:
        raise PrereadError(
            f"expected the name of a reproduction ({', '.join(known)}), found none. "
            "`preread reproduce --list` says what they are."
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
    """What there is: needs, steps, figures."""
    from ..evaluation.reproduction.listing import Origin

    if json:
        for one in known:
            print_json(asdict(one))
        return
    how = {
        Origin.SHIPPED: "comes with the package ({})",
        Origin.DOWNLOAD: "`preread download {}`",
        Origin.GIVEN: "must be named: {}",
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
    """A line a figure."""
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
