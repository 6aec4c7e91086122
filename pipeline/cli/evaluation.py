"""``preread evaluate | evaluate-reader | evaluate-pairs``: answering questions and scoring."""

from pathlib import Path
from typing import Annotated

import typer

from ...data import (
    OnError,
    PairFormat,
    PrereadError,
    Question,
    QuestionFormat,
    ReadReport,
    read_choices,
    read_examples,
    read_pairs,
)
from .datasets import Format, Match, Patterns, Questions, print_skipped, read_labelled
from .options import (
    K1,
    B,
    Device,
    Json,
    Limit,
    MinConfidence,
    OnBadRecord,
    Precision,
    ReaderName,
    ReadIndex,
    Retriever,
    Runtime,
    StopMargin,
    TopK,
    parse_choice,
    print_json,
    print_table,
    with_intervals,
)

Mode = Annotated[
    str,
    typer.Option(
        help="full: the whole transformer at once; decomposed: states computed on the spot; "
        "stored: states through the codec."
    ),
]


def evaluate(
    index: ReadIndex,
    questions: Questions,
    top_k: TopK = 20,
    limit: Limit = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Use so many questions, drawn at random by --seed.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of --sample.")] = 0,
    format: Format = QuestionFormat.AUTO,
    match: Match = None,
    patterns: Patterns = None,
    on_error: OnBadRecord = OnError.FAIL,
    predictions: Annotated[
        Path | None, typer.Option(help="Write the answer to each question, as JSON Lines.")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="Write the passages as a TREC run.")] = None,
    retrieval: Annotated[
        Path | None, typer.Option(help="Write the passages as DPR's retrieval JSON.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a report with plots, .html or .md.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep the answers in PREDICTIONS and continue.")
    ] = False,
    min_confidence: MinConfidence = 0.0,
    retriever: Retriever = "auto",
    k1: K1 = 0.9,
    b: B = 0.4,
    bm25_weight: Annotated[
        float | None,
        typer.Option(
            help="Logits added per point of BM25 score. Default: the value in the reader's ranking."
        ),
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

    from ...data.io.redaction import redacted
    from ...indexer import Bm25Parameters
    from ..evaluation.open_domain import evaluate as run_evaluation
    from ..qa.pipeline import OpenDomainQA

    gold = read_labelled(questions, format, match, patterns, on_error, limit)
    if sample is not None:
        gold = _draw(gold, sample, seed)
    facts = {
        "questions": str(questions),
        "answers compared as": gold[0].match.value,
        "command": shlex.join(["preread", *map(redacted, sys.argv[1:])]),
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
    print_json(content) if json else print_table(with_intervals(content))


def evaluate_retrieval(
    index: ReadIndex,
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Folder of BEIR: queries.jsonl and qrels/SPLIT.tsv."),
    ],
    split: Annotated[
        str, typer.Option(help="Judgements to score by: test, dev or train.")
    ] = "test",
    run: Annotated[Path | None, typer.Option(help="Write the passages as a TREC run.")] = None,
    retriever: Retriever = "auto",
    k1: K1 = 0.9,
    b: B = 0.4,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Search INDEX for the queries of FOLDER and score the passages: nDCG@10, recall@100."""
    import os

    from ...data.questions import read_judged_queries
    from ...indexer import Bm25Parameters, PassageIndex
    from ..evaluation.relevance import evaluate_retrieval as run_evaluation
    from ..retrievers import open_retriever

    queries = read_judged_queries(folder, split=split)
    opened = PassageIndex(index, bm25_parameters=Bm25Parameters(k1=k1, b=b))
    content = run_evaluation(
        opened,
        queries,
        open_retriever(opened, retriever, device=device),
        run=run,
        threads=os.cpu_count() or 1,
        show_progress=True,
    )
    print_json(content) if json else print_table(with_intervals(content))


def _draw(questions: list[Question], n: int, seed: int) -> list[Question]:
    """Some of the questions; the same seed draws the same questions in the same order."""
    import random

    if n > len(questions):
        raise PrereadError(
            f"expected --sample of at most {len(questions):,}, the number of questions, found "
            f"{n:,}. Give a smaller number, or leave it out."
        )
    return random.Random(seed).sample(questions, n)


def evaluate_reader(
    reader: ReaderName,
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Questions with contexts.")],
    mode: Mode = "decomposed",
    codec: Annotated[
        str | None,
        typer.Option(help="Codec of --mode stored; default: the reader's own."),
    ] = None,
    limit: Limit = None,
    format: Format = QuestionFormat.AUTO,
    on_error: OnBadRecord = OnError.FAIL,
    device: Device = "cpu",
    runtime: Runtime = "torch",
    precision: Precision = "float32",
    json: Json = False,
) -> None:
    """Answer each question of DATASET from its own context with READER, and score: EM, F1."""
    from ...reader import Reader
    from ..evaluation.comprehension import ReadMode
    from ..evaluation.comprehension import evaluate_reader as run_evaluation

    chosen_mode = parse_choice(ReadMode, mode, "--mode")
    report = ReadReport()
    examples = list(
        read_examples(dataset, format=format, on_error=on_error, report=report, limit=limit)
    )
    print_skipped(report)
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
    print_json(content) if json else print_table(with_intervals(content))


def evaluate_pairs(
    reader: Annotated[str, typer.Argument(metavar="READER", help="A folder, or a hub name.")],
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET", help="Pairs with labels, or a folder of RACE.")
    ],
    mode: Mode = "decomposed",
    stored_segment: Annotated[
        str | None,
        typer.Option(
            help="Segment whose states are stored, first or second; default: as in training."
        ),
    ] = None,
    codec: Annotated[
        str, typer.Option(help="Codec of --mode stored: float16 or int8.")
    ] = "float16",
    limit: Limit = None,
    format: Annotated[PairFormat, typer.Option(help="Format of the data set.")] = PairFormat.AUTO,
    on_error: OnBadRecord = OnError.FAIL,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Classify the pairs of DATASET with READER, and score: accuracy, and F1 of true."""
    from ...reader import PairReader
    from ..evaluation.comprehension import ReadMode
    from ..evaluation.pairs import evaluate_pairs as run_evaluation

    chosen_mode = parse_choice(ReadMode, mode, "--mode")
    report = ReadReport()
    is_race = dataset.is_dir() or dataset.suffix == ".txt"
    examples = (
        list(read_choices(dataset, on_error=on_error, report=report, limit=limit))
        if is_race
        else list(read_pairs(dataset, format=format, on_error=on_error, report=report, limit=limit))
    )
    print_skipped(report)
    content = run_evaluation(
        PairReader.load(
            reader,
            device=device,
            num_lower_layers=0 if chosen_mode is ReadMode.FULL else None,
            stored_segment=stored_segment,
        ),
        examples,
        mode=chosen_mode,
        codec=codec,
        show_progress=True,
    )
    print_json(content) if json else print_table(with_intervals(content))
