"""``preread evaluate | score | compare | evaluate-reader``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ...data import (
    OnError,
    PrereadError,
    Question,
    QuestionFormat,
    ReadReport,
    read_examples,
)
from .gold import Format, Match, OnBadRecord, Patterns, read_labelled
from .options import (
    K1,
    B,
    Device,
    Json,
    Limit,
    MinConfidence,
    Precision,
    ReadIndex,
    Retriever,
    Runtime,
    StopMargin,
    TopK,
    print_json,
    print_table,
    with_ends,
)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(evaluate)
    app.command()(score)
    app.command()(compare)
    app.command("evaluate-reader")(evaluate_reader)


def evaluate(
    index: ReadIndex,
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="Questions with answers.")],
    top_k: TopK = 20,
    limit: Limit = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Only so many, drawn at random with --seed.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of --sample.")] = 0,
    format: Format = QuestionFormat.AUTO,
    match: Match = None,
    patterns: Patterns = None,
    on_error: OnBadRecord = OnError.FAIL,
    predictions: Annotated[Path | None, typer.Option(help="Write a JSON line a question.")] = None,
    run: Annotated[Path | None, typer.Option(help="Write the passages as a TREC run.")] = None,
    retrieval: Annotated[
        Path | None, typer.Option(help="Write the passages as DPR's retrieval JSON.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a report with plots, .html or .md.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what PREDICTIONS holds, and go on.")
    ] = False,
    min_confidence: MinConfidence = 0.0,
    retriever: Retriever = "bm25",
    k1: K1 = 0.9,
    b: B = 0.4,
    bm25_weight: Annotated[
        float | None,
        typer.Option(help="Logits that a point of BM25 is worth; default: the reader's."),
    ] = None,
    device: Device = "cpu",
    runtime: Runtime = "torch",
    precision: Precision = "float32",
    stop_margin: StopMargin = None,
    json: Json = False,
) -> None:
    """Answer QUESTIONS from INDEX and score: EM, F1, top-k accuracy, latency."""
    import shlex
    import sys

    from ...indexer import Bm25Parameters
    from ..evaluation.open_domain import evaluate as run_evaluation
    from ..qa.pipeline import OpenDomainQA
    from ..retrievers.selection import without_password

    gold = read_labelled(questions, format, match, patterns, on_error, limit)
    if sample is not None:
        gold = _draw(gold, sample, seed)
    facts = {
        "questions": str(questions),
        "answers compared as": gold[0].match.value,
        "command": shlex.join(["preread", *map(without_password, sys.argv[1:])]),
    }
    content = run_evaluation(
        OpenDomainQA.from_index(
            index,
            device=device,
            runtime=runtime,
            precision=precision,
            retriever=retriever,
            bm25_parameters=Bm25Parameters(k1=k1, b=b),
            bm25_weight=bm25_weight,
            stop_margin=stop_margin,
            min_confidence=min_confidence,
        ),
        gold,
        top_k=top_k,
        predictions=predictions,
        run=run,
        retrieval=retrieval,
        report=report,
        resume=resume,
        facts=facts,
        show_progress=True,
    )
    content["answer_match"] = gold[0].match.value
    print_json(content) if json else print_table(_with_intervals(content))


def score(
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="Questions with answers.")],
    predictions: Annotated[
        Path,
        typer.Argument(metavar="PREDICTIONS", help="JSON lines with id or question, or SQuAD's."),
    ],
    format: Format = QuestionFormat.AUTO,
    match: Match = None,
    patterns: Patterns = None,
    on_error: OnBadRecord = OnError.FAIL,
    scored: Annotated[
        Path | None, typer.Option(help="Write a JSON line a question, for compare.")
    ] = None,
    json: Json = False,
) -> None:
    """Score PREDICTIONS, whoever made them, against QUESTIONS: EM, F1."""
    from ..evaluation.scoring import score_predictions

    gold = read_labelled(questions, format, match, patterns, on_error, None)
    content = score_predictions(gold, predictions, scored=scored)
    content["answer_match"] = gold[0].match.value
    print_json(content) if json else print_table(_with_intervals(content))


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Scored answers, JSON lines.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Those of the other, likewise.")],
    show: Annotated[int, typer.Option(min=0, help="Questions shown whose scores differ.")] = 0,
    json: Json = False,
) -> None:
    """Compare two files of scored answers to the same questions; differences are B's less A's."""
    from ..evaluation.comparison import compare as run_comparison

    found = run_comparison(a, b)
    content, differing = found.to_dict(), found.differing[:show]
    if json:
        shown = [{"a": one.to_dict(), "b": other.to_dict()} for one, other in differing]
        print_json({**content, **({"differing": shown} if show else {})})
        return
    print_table({**content, "mcnemar_p": f"{content['mcnemar_p']:.3g}"})
    for one, other in differing:
        typer.echo(f"\n{one.question}  [{one.question_id}]  gold: {' | '.join(one.gold) or '-'}")
        for name, answer in (("A", one), ("B", other)):
            typer.echo(
                f"  {name}  EM {answer.exact_match:.0f}  F1 {answer.f1:.2f}  {answer.prediction}"
            )


def _draw(questions: list[Question], n: int, seed: int) -> list[Question]:
    """So many of the questions; the same seed draws the same ones in the same order."""
    import random

    if n > len(questions):
        raise PrereadError(
            f"expected --sample of at most {len(questions):,}, as many as there are questions, "
            f"found {n:,}. Name a smaller number, or leave it out."
        )
    return random.Random(seed).sample(questions, n)


def _with_intervals(content: dict[str, Any]) -> dict[str, Any]:
    """The content for a person: each score with its interval."""
    ends = {name: value for name, value in content.items() if name.endswith("_interval")}
    table = {name: value for name, value in content.items() if name not in ends}
    for name, interval in ends.items():
        scores = table[name.removesuffix("_interval")]
        table[name.removesuffix("_interval")] = (
            {k: with_ends(scores[k], of_k) for k, of_k in interval.items()}
            if isinstance(interval, dict)
            else with_ends(scores, interval)
        )
    return {name: "none" if value is None else value for name, value in table.items()}


def evaluate_reader(
    reader: Annotated[
        str, typer.Argument(metavar="READER", help="'default', a folder, or a hub name.")
    ],
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Questions with contexts.")],
    mode: Annotated[str, typer.Option(help="full, decomposed or stored.")] = "decomposed",
    codec: Annotated[
        str | None, typer.Option(help="What stored states go through; default: the reader's own.")
    ] = None,
    limit: Limit = None,
    format: Annotated[
        QuestionFormat, typer.Option(help="Form of the data set.")
    ] = QuestionFormat.AUTO,
    on_error: OnBadRecord = OnError.FAIL,
    device: Device = "cpu",
    runtime: Runtime = "torch",
    precision: Precision = "float32",
    json: Json = False,
) -> None:
    """Let READER answer DATASET, given each question's passage, and score: EM, F1."""
    from ...reader import Reader
    from ..evaluation.comprehension import ReadMode, parse_mode
    from ..evaluation.comprehension import evaluate_reader as run_evaluation

    chosen_mode = parse_mode(mode)
    report = ReadReport()
    examples = list(
        read_examples(dataset, format=format, on_error=on_error, report=report, limit=limit)
    )
    if not report.is_complete:
        typer.echo(report.summary(), err=True)
    layers = 0 if chosen_mode is ReadMode.FULL else None
    content = run_evaluation(
        Reader.load(
            reader, device=device, num_lower_layers=layers, runtime=runtime, precision=precision
        ),
        examples,
        mode=chosen_mode,
        codec=codec,
        show_progress=True,
    )
    print_json(content) if json else print_table(_with_intervals(content))
