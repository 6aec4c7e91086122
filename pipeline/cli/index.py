"""``preread index | add | delete | set-reader | compact | verify | info``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...data import CorpusFormat, OnError
from .datasets import print_skipped
from .options import (
    Device,
    IndexPath,
    Json,
    Limit,
    OnBadRecord,
    ReadIndex,
    print_info,
    print_json,
)

if TYPE_CHECKING:
    from ...indexer import BuildEstimate
    from ...indexer.builder.executors.local import Executor as IndexExecutor

Corpus = Annotated[Path, typer.Argument(metavar="CORPUS", help="File or folder of passages.")]
Format = Annotated[CorpusFormat, typer.Option(help="Format of the corpus.")]
Engine = Annotated[str, typer.Option(help="Executor that encodes passages: local or ray.")]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT", help="With ray: address of a cluster; default: start one here."
    ),
]
GpusPerWorker = Annotated[float, typer.Option(help="With ray: GPUs per worker, may be a fraction.")]
Patience = Annotated[
    float, typer.Option(help="With ray: seconds without a finished shard before it gives up.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Number of encoding processes; default: one per core.")
]


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
            help="Codec of the states: float16, int8, pqN, rpqN (N bytes per token), or a codec "
            "file; default: the reader's own."
        ),
    ] = None,
    workers: Workers = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a build that stopped; start one if none did.")
    ] = False,
    limit: Limit = None,
    on_error: OnBadRecord = OnError.FAIL,
    passages_per_shard: Annotated[int, typer.Option(help="Passages per file of states.")] = 2_000,
    title_weight: Annotated[
        int, typer.Option(min=0, help="Times that BM25 counts the words of a title; 0: not at all.")
    ] = 1,
    no_vectors: Annotated[
        bool,
        typer.Option(
            "--no-vectors", help="Leave out the vectors that a reader with a retrieval head makes."
        ),
    ] = False,
    device: Device = "cpu",
    precision: Annotated[
        str,
        typer.Option(
            help="Number format of the lower layers: float32, or bfloat16, which is faster on "
            "processors and GPUs with instructions for it."
        ),
    ] = "float32",
    engine: Engine = "local",
    address: Address = None,
    gpus_per_worker: GpusPerWorker = 0.0,
    patience: Patience = 1800.0,
    json: Json = False,
) -> None:
    """Build INDEX from CORPUS: the lower layers read every passage ahead of time."""
    from ...indexer import IndexConfig, build_index
    from ...reader import Reader

    config = IndexConfig(
        corpus_format=format,
        codec=codec,
        passages_per_shard=passages_per_shard,
        precision=precision,
        title_weight=title_weight,
        workers=workers,
        vectors=not no_vectors,
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
        on_estimate=_print_estimate,
    )
    print_skipped(report)
    print_info(index, json)


def add(
    index: IndexPath,
    corpus: Corpus,
    format: Format = CorpusFormat.AUTO,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace passages that have the same identifier.")
    ] = False,
    workers: Workers = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an addition that stopped.")
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
    """Add the passages of CORPUS to INDEX."""
    from ...indexer import AddConfig, Manifest, add_passages
    from ...reader import Reader
    from ...reader.hub import hub_is_allowed

    config = AddConfig(
        corpus_format=format, on_error=on_error, limit=limit, workers=workers, replace=replace
    )
    chosen = _executor(engine, workers, address, gpus_per_worker, patience)
    before = Manifest.load(index)
    reader = Reader.load(before.plan.reader, device=device, allow_hub=hub_is_allowed())
    manifest, report = add_passages(
        index,
        corpus,
        reader,
        config,
        executor=chosen,
        resume=resume,
        show_progress=True,
        on_estimate=_print_estimate,
    )
    print_skipped(report)
    if json:
        print_info(index, json)
        return
    n_replaced = before.n_passages + report.n_read - manifest.n_passages
    typer.echo(
        f"Added {_passages(report.n_read)}"
        + (f", {n_replaced:,} of them in place of earlier ones" if n_replaced else "")
        + f". {index} now holds {_passages(manifest.n_passages)}."
    )


def delete(
    index: IndexPath,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID…]",
            help="Identifiers of passages. @FILE: the identifiers in a file, one per line. @@x: "
            "the identifier @x.",
        ),
    ] = None,
    documents: Annotated[
        list[str] | None,
        typer.Option(
            "--document", metavar="PATTERN", help="Delete documents; * and ? are wildcards."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Delete passages or whole documents from INDEX."""
    from ...data import PrereadError
    from ...data.io.outside import named_identifiers
    from ...indexer import delete_passages

    named = [name for one in ids or () for name in named_identifiers(one)]
    if documents:
        named += _passages_of(index, documents)
    if not named:
        raise PrereadError("delete: expected passages or documents, found none. Name some.")
    manifest, n_deleted = delete_passages(index, named)
    if json:
        print_json({"n_deleted": n_deleted, "n_passages": manifest.n_passages})
        return
    typer.echo(
        f"Deleted {_passages(n_deleted)}. {index} now holds {_passages(manifest.n_passages)}. "
        f"`preread compact {index}` frees the disk space."
    )


def _passages_of(index: Path, patterns: list[str]) -> list[str]:
    """The identifiers of the passages of documents; every pattern must match one."""
    from ...data import PrereadError
    from ...indexer import PassageIndex, stored_documents

    named = []
    with PassageIndex(index) as opened:
        for pattern in patterns:
            found = stored_documents(opened, [pattern])
            if not found:
                raise PrereadError(
                    f"{index}: holds no document {pattern!r}. `preread documents {index}` lists "
                    "the documents."
                )
            named += [opened.passage(o).passage_id for one in found for o in one.ordinals]
    return named


def set_reader(
    index: IndexPath,
    reader: Annotated[
        str,
        typer.Argument(metavar="READER", help="A reader with the same lower layers."),
    ],
    json: Json = False,
) -> None:
    """Make READER the reader of INDEX, as after training; nothing is encoded again."""
    from ...indexer import change_reader
    from ...reader import Reader

    change_reader(index, Reader.load(reader))
    print_info(index, json)


def compact(index: IndexPath, json: Json = False) -> None:
    """Remove deleted passages from the files of INDEX, and join small shards."""
    from ...indexer import compact_index

    compact_index(index, show_progress=True)
    print_info(index, json)


def verify(index: ReadIndex, json: Json = False) -> None:
    """Check every byte of INDEX against its manifest; the exit code is 1 if one differs."""
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
    """Show what INDEX holds, and how many bytes it takes."""
    print_info(index, json)


def _executor(
    name: str,
    workers: int | None,
    address: str | None,
    gpus_per_worker: float,
    patience: float,
) -> "IndexExecutor":
    from ...data import PrereadError
    from ...indexer.builder.executors.local import LocalExecutor
    from ...indexer.builder.executors.ray.executor import RayExecutor

    if name == "local":
        return LocalExecutor(workers)
    if name != "ray":
        raise PrereadError(f"--engine: expected one of local, ray, found {name!r}. Name one.")
    return RayExecutor(
        address=address, n_workers=workers, gpus_per_worker=gpus_per_worker, patience=patience
    )


def _print_estimate(estimate: "BuildEstimate") -> None:
    """What a build will cost, on standard error."""
    typer.echo(str(estimate), err=True)


def _passages(n: int) -> str:
    return f"{n:,} passage" if n == 1 else f"{n:,} passages"
