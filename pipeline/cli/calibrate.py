"""``preread calibrate``: fitting ranking and confidence to questions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...data import OnError, PrereadError, QuestionFormat
from .datasets import Format, Match, Patterns, Questions, read_labelled
from .options import (
    Device,
    Json,
    Limit,
    OnBadRecord,
    Precision,
    ReadIndex,
    Retriever,
    Runtime,
    TopK,
    print_json,
    print_table,
    with_ends,
)

if TYPE_CHECKING:
    from ..calibration.calibrate import Calibration


def calibrate(
    index: ReadIndex,
    questions: Questions,
    retriever: Retriever = "auto",
    top_k: TopK = 20,
    reads: Annotated[
        Path | None,
        typer.Option(help="File that keeps what was read, so that nothing is read twice."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw a reliability diagram of the confidence, .svg.")
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            metavar="READER",
            help="Folder of the reader to use, whose ranking.json is written; default: the index's "
            "reader, and nothing is written.",
        ),
    ] = None,
    confidence_only: Annotated[
        bool,
        typer.Option(
            "--confidence-only", help="Fit the confidence, and leave the ranking as it is."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the division into halves.")] = 0,
    limit: Limit = None,
    format: Format = QuestionFormat.AUTO,
    match: Match = None,
    patterns: Patterns = None,
    on_error: OnBadRecord = OnError.FAIL,
    device: Device = "cpu",
    runtime: Runtime = "torch",
    precision: Precision = "float32",
    json: Json = False,
) -> None:
    """Fit the ranking of answers from INDEX, and the confidence, to half of QUESTIONS.

    The other half is scored before and after.
    """
    from ...data.io.atomic import atomic_path
    from ...data.io.redaction import redacted
    from ...indexer import PassageIndex
    from ...reader import Reader
    from ...reader.hub import hub_is_allowed
    from ..calibration.calibrate import calibrate as run_calibration
    from ..evaluation.figures import plot_reliability
    from ..evaluation.retrieved import check_outputs
    from ..qa.pipeline import OpenDomainQA
    from ..retrievers import RetrieverName, open_retriever
    from ..retrievers.base import name_of

    check_outputs(reads, plot)
    if plot is not None:
        _check_plot(plot)
    if write is not None:
        _check_reader(write)
    gold = read_labelled(questions, format, match, patterns, on_error, limit)
    opened = PassageIndex(index)
    name = opened.manifest.plan.reader if write is None else str(write)
    allow_hub = write is not None or hub_is_allowed()
    reader = Reader.load(
        name, device=device, runtime=runtime, precision=precision, allow_hub=allow_hub
    )
    finder = open_retriever(opened, retriever, reader=reader, device=device)
    chosen = name_of(finder) if retriever == RetrieverName.AUTO else retriever
    found = run_calibration(
        OpenDomainQA(opened, reader, finder),
        gold,
        questions_name=questions.name,
        retriever_name=redacted(chosen),
        top_k=top_k,
        seed=seed,
        reads=reads,
        confidence_only=confidence_only,
        show_progress=True,
    )
    if plot is not None:
        with atomic_path(plot) as temporary:
            temporary.write_text(plot_reliability(found.reliability), "utf-8")
    written = None if write is None else str(found.ranking.save(write))
    content = {**found.to_dict(), "written": written}
    print_json(content) if json else print_table(_for_a_person(found, written))


def _check_plot(path: Path) -> None:
    """Refuse, before the work, a plot that could not be drawn."""
    from ..evaluation.figures import check_matplotlib

    if path.suffix.lower() != ".svg":
        raise PrereadError(
            f"{path}: expected the name of a plot to end in .svg, found "
            f"{path.suffix or 'no ending'}. Change the name."
        )
    check_matplotlib(path)


def _check_reader(folder: Path) -> None:
    """Refuse, before the work, a folder that holds no reader; warn of the one that ships."""
    from ...reader.checkpoints import is_shipped

    if not (folder / "config.json").is_file():
        raise PrereadError(
            f"--write: expected the folder of a reader, with a config.json, found none at "
            f"{folder}. Name a folder that `preread train` or `preread convert` wrote, or a copy "
            "of the index's reader."
        )
    if is_shipped(folder):
        typer.echo(
            f"warning: {folder} is the reader that comes with preread, inside the installed "
            "package. Its ranking applies to every index of that reader until preread is "
            "installed again.",
            err=True,
        )


def _for_a_person(found: "Calibration", written: str | None) -> dict[str, Any]:
    """The fitted weights and their scores, as rows of a table."""
    content = found.to_dict()
    table = {name: content[name] for name in ("retriever", "top_k", "n_fitted", "n_held_out")}
    table |= {name: _rounded(value) for name, value in content["weights"].items()}
    for name in ("exact_match", "f1", "expected_calibration_error"):
        for when in ("before", "after"):
            score, ends = (content[when][one] for one in (name, f"{name}_interval"))
            table[f"{name}_{when}"] = "none" if score is None else with_ends(score, ends)
    more = "exact_match_more"
    table[more] = with_ends(content[more], content[f"{more}_interval"])
    for row in content["thresholds"]:
        right = row["exact_match_of_answered"]
        table[f"answered_from_confidence_{row['min_confidence']:g}"] = f"{row['answered']} %" + (
            "" if right is None else f", of which right {right} %"
        )
        table[f"answered_without_answer_from_{row['min_confidence']:g}"] = (
            f"{row['answered_without_answer']} %"
        )
    return {**table, "written": written or "nothing"}


def _rounded(value: object) -> object:
    """One weight or several, with four digits."""
    if isinstance(value, list):
        return ", ".join(f"{one:.4g}" for one in value)
    return f"{value:.4g}" if isinstance(value, float) else "none" if value is None else value
