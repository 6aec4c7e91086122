"""``preread split | merge``: one index on several machines, and several indexes in one."""

from pathlib import Path
from typing import Annotated

import typer

from .options import IndexPath, Json, print_info, print_json, print_table


def split(
    index: IndexPath,
    n: Annotated[int, typer.Argument(metavar="N", help="Number of partitions.")],
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder to make, with one folder each.")
    ],
    json: Json = False,
) -> None:
    """Divide INDEX into N partitions whose scores compare; nothing is encoded again.

    Whole shards go to a partition, so an index needs N shards at least: see `preread info`, and
    --passages-per-shard of `preread index`.
    """
    from ...indexer import Manifest, split_index

    partitions = split_index(index, folder, n, show_progress=True)
    content = {str(one): Manifest.load(one).n_passages for one in partitions}
    print_json({"n_passages": content}) if json else print_table(content)


def merge(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE...", help="Indexes, partitions, or folders that `split` made."
        ),
    ],
    index: IndexPath,
    json: Json = False,
) -> None:
    """Join partitions, or indexes of one reader and codec, to INDEX; nothing is encoded again."""
    from ...indexer import merge_indexes
    from ...indexer.maintenance.split import partitions_in

    found = [one for source in sources for one in (partitions_in(source) or [source])]
    merge_indexes(found, index, show_progress=True)
    print_info(index, json)
