"""``preread index | add | delete | set-reader | compact | verify | info``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...data import CorpusFormat, OnError
from .options import Device, IndexPath, Json, Limit, ReadIndex, print_json, print_table

if TYPE_CHECKING:
    from ...data import ReadReport
    from ...indexer import BuildEstimate
    from ...indexer.builder.executors.local import Executor as IndexExecutor

Corpus = Annotated[Path, typer.Argument(metavar="CORPUS", help="File or folder of passages.")]
Format = Annotated[CorpusFormat, typer.Option(help="Form of the corpus.")]
OnBadRecord = Annotated[OnError, typer.Option(help="What a bad record does.")]
Engine = Annotated[str, typer.Option(help="Where passages are encoded: local, or ray.")]
Address = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Of a Ray cluster; by default one is started here."),
]
GpusPerWorker = Annotated[float, typer.Option(help="With ray: share of a GPU a worker takes.")]
Patience = Annotated[
    float, typer.Option(help="With ray: seconds without a finished shard until it gives up.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that encode; by default one a core.")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(index)
    app.command()(add)
    app.command()(delete)
    app.command("set-reader")(set_reader)
    app.command()(compact)
    app.command()(verify)
    app.command()(info)


def index(
    corpus: Corpus,
    index: IndexPath,
    format: Format = CorpusFormat.AUTO,
    reader: Annotated[
        str, typer.Option(metavar="READER", help="'default', a folder, or a hub name.")
    ] = "default",
    codec: Annotated[
        str | None,
        typer.Option(
            help="float16, int8, pqN, rpqN (N bytes a token), or a codec's file; default: the "
            "reader's own."
        ),
    ] = None,
    workers: Workers = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a build that stopped; begin if none.")
    ] = False,
    limit: Limit = None,
    on_error: OnBadRecord = OnError.FAIL,
    passages_per_shard: Annotated[int, typer.Option(help="Passages in a file of states.")] = 2_000,
    title_weight: Annotated[
        int, typer.Option(min=0, help="How often titles count for BM25; 0: not at all.")
    ] = 1,
    device: Device = "cpu",
    engine: Engine = "local",
    address: Address = None,
    gpus_per_worker: GpusPerWorker = 0.0,
    patience: Patience = 1800.0,
    json: Json = False,
) -> None:
    """Read a corpus ahead of time: make INDEX of CORPUS."""
    from ...indexer import IndexConfig, build_index
    from ...reader import Reader

    config = IndexConfig(
        corpus_format=format,
        codec=codec,
        passages_per_shard=passages_per_shard,
        title_weight=title_weight,
        workers=workers,
        on_error=on_error,
        limit=limit,
    )
    chosen = _executor(engine, workers, address, gpus_per_worker, patience)
    loaded = Reader.load(reader, device=device)
    _, report = build_index(
        corpus,
        index,
        loaded,
        config,
        executor=chosen,
        resume=resume,
        show_progress=True,
        on_estimate=_say,
    )
    _print_result(index, report, json)


def add(
    index: IndexPath,
    corpus: Corpus,
    format: Format = CorpusFormat.AUTO,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of passages with the same id.")
    ] = False,
    workers: Workers = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an addition that stopped.")
    ] = False,
    limit: Limit = None,
    on_error: OnBadRecord = OnError.FAIL,
    device: Device = "cpu",
    engine: Engine = "local",
    address: Address = None,
    gpus_per_worker: GpusPerWorker = 0.0,
    patience: Patience = 1800.0,
    json: Json = False,
) -> None:
    """Put the passages of CORPUS into INDEX."""
    from ...indexer import AddConfig, Manifest, add_passages
    from ...reader import Reader

    config = AddConfig(
        corpus_format=format, on_error=on_error, limit=limit, workers=workers, replace=replace
    )
    chosen = _executor(engine, workers, address, gpus_per_worker, patience)
    reader = Reader.load(Manifest.load(index).plan.reader, device=device)
    _, report = add_passages(
        index,
        corpus,
        reader,
        config,
        executor=chosen,
        resume=resume,
        show_progress=True,
        on_estimate=_say,
    )
    _print_result(index, report, json)


def delete(
    index: IndexPath,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID…]",
            help="Identifiers of passages; @FILE: those of a file, one a line; @@x: @x.",
        ),
    ] = None,
    documents: Annotated[
        list[str] | None,
        typer.Option("--document", metavar="PATTERN", help="All passages of documents; * and ?."),
    ] = None,
    json: Json = False,
) -> None:
    """Take passages out of INDEX."""
    from ...data import PrereadError
    from ...data.io.outside import named_identifiers
    from ...indexer import delete_passages

    named = [name for given in ids or () for name in named_identifiers(given)]
    if documents:
        named += _passages_of(index, documents)
    if not named:
        raise PrereadError("expected passages or documents to be deleted, found none. Name some.")
    manifest, n_deleted = delete_passages(index, named)
    content = {"n_deleted": n_deleted, "n_passages": manifest.n_passages}
    print_json(content) if json else print_table(content)


def _passages_of(index: Path, patterns: list[str]) -> list[str]:
    """Identifiers of the passages of documents, each pattern of which fits some."""
    from ...data import PrereadError
    from ...indexer import PassageIndex, stored_documents

    named = []
    with PassageIndex(index) as opened:
        for pattern in patterns:
            found = stored_documents(opened, [pattern])
            if not found:
                raise PrereadError(
                    f"{index}: holds no document {pattern!r}. `preread documents {index}` lists "
                    "them."
                )
            named += [opened.passage(o).passage_id for one in found for o in one.ordinals]
    return named


def set_reader(
    index: IndexPath,
    reader: Annotated[str, typer.Argument(metavar="READER", help="With the same lower layers.")],
    json: Json = False,
) -> None:
    """Let READER read INDEX from now on, as after training; nothing is encoded again."""
    from ...indexer import change_reader
    from ...reader import Reader

    change_reader(index, Reader.load(reader))
    _print_result(index, None, json)


def compact(index: IndexPath, json: Json = False) -> None:
    """Clear away what deleted passages and small additions left in INDEX."""
    from ...indexer import compact_index

    compact_index(index, show_progress=True)
    _print_result(index, None, json)


def verify(index: ReadIndex, json: Json = False) -> None:
    """Check every byte of INDEX against its manifest."""
    from tqdm import tqdm

    from ...indexer import bytes_to_verify, verify_index

    total = bytes_to_verify(index)
    with tqdm(total=total, unit="B", unit_scale=True, desc="checking", delay=2) as bar:
        faults = verify_index(index, bar.update)
    if json:
        print_json({"ok": not faults, "faults": faults})
    else:
        typer.echo("\n".join(faults) or f"{index}: every byte is as it was written.")
    if faults:
        raise typer.Exit(1)


def info(index: ReadIndex, json: Json = False) -> None:
    """Show what INDEX holds and what it costs."""
    _print_result(index, None, json)


def _executor(
    name: str,
    workers: int | None,
    address: str | None,
    gpus_per_worker: float,
    patience: float,
) -> "IndexExecutor":
    """What encodes, by name."""
    from ...data import PrereadError
    from ...indexer.builder.executors.local import LocalExecutor
    from ...indexer.builder.executors.ray.executor import RayExecutor

    if name == "local":
        return LocalExecutor(workers)
    if name != "ray":
        raise PrereadError(f"engine: expected one of local, ray, found {name!r}.")
    return RayExecutor(
        address=address, n_workers=workers, gpus_per_worker=gpus_per_worker, patience=patience
    )


def _say(estimate: "BuildEstimate") -> None:
    typer.echo(str(estimate), err=True)


def _print_result(index: Path, report: "ReadReport | None", json: bool) -> None:
    """What an index holds now, and what was skipped on the way."""
    from ...indexer import index_info

    if report is not None and not report.is_complete:
        typer.echo(report.summary(), err=True)
    content = index_info(index)
    print_json(content) if json else print_table(content)
