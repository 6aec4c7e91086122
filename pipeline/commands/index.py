"""``preread index | verify | info``."""

from pathlib import Path
from typing import Annotated

import typer

from ...data import CorpusFormat, OnError
from .options import Device, IndexPath, Json, Limit, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(index)
    app.command()(verify)
    app.command()(info)


def index(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="File or folder of passages.")],
    index: IndexPath,
    format: Annotated[CorpusFormat, typer.Option(help="Form of the corpus.")] = CorpusFormat.AUTO,
    reader: Annotated[
        str, typer.Option(metavar="READER", help="'default', a folder, or a hub name.")
    ] = "default",
    codec: Annotated[str, typer.Option(help="How states are stored.")] = "float16",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a build that stopped; begin if none.")
    ] = False,
    limit: Limit = None,
    on_error: Annotated[OnError, typer.Option(help="What a bad record does.")] = OnError.FAIL,
    passages_per_shard: Annotated[int, typer.Option(help="Passages in a file of states.")] = 5_000,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Read a corpus ahead of time: make INDEX of CORPUS."""
    from ...indexer import CodecName, IndexConfig, build_index, index_info, make_codec
    from ...reader import Reader

    make_codec(codec)  # refuses an unknown name
    config = IndexConfig(
        corpus_format=format,
        codec=CodecName(codec),
        passages_per_shard=passages_per_shard,
        on_error=on_error,
        limit=limit,
    )
    loaded = Reader.load(reader, device=device)
    _, report = build_index(corpus, index, loaded, config, resume=resume, show_progress=True)
    if report.n_skipped:
        typer.echo(report.summary(), err=True)
    content = index_info(index)
    print_json(content) if json else print_table(content)


def verify(index: IndexPath, json: Json = False) -> None:
    """Check every byte of INDEX against its manifest."""
    from tqdm import tqdm

    from ...indexer import Manifest, verify_index

    total = sum(shard.bytes for shard in Manifest.load(index).shards)
    with tqdm(total=total, unit="B", unit_scale=True, desc="checking", delay=2) as bar:
        faults = verify_index(index, bar.update)
    if json:
        print_json({"ok": not faults, "faults": faults})
    else:
        typer.echo("\n".join(faults) or f"{index}: every byte is as it was written.")
    if faults:
        raise typer.Exit(1)


def info(index: IndexPath, json: Json = False) -> None:
    """Show what INDEX holds and what it costs."""
    from ...indexer import index_info

    content = index_info(index)
    print_json(content) if json else print_table(content)
