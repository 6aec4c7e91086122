"""``preread split | merge``."""

from pathlib import Path
from typing import Annotated

import typer

from .options import IndexPath, Json, print_json, print_table


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(split)
    app.command()(merge)


def split(
    index: IndexPath,
    n: Annotated[int, typer.Argument(metavar="N", help="How many parts.")],
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the parts go; must not exist.")
    ],
    json: Json = False,
) -> None:
    """Divide INDEX into N parts that score as the whole does; nothing is encoded again."""
    from ...indexer import Manifest, split_index

    parts = split_index(index, folder, n, show_progress=True)
    content = {str(part): Manifest.load(part).n_passages for part in parts}
    print_json({"n_passages": content}) if json else print_table(content)


def merge(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="PART...", help="Indexes, or folders of parts that `split` made."),
    ],
    index: IndexPath,
    json: Json = False,
) -> None:
    """Make one INDEX of parts or of others of the same make; nothing is encoded again."""
    from ...indexer import index_info, merge_indexes
    from ...indexer.maintenance.split import partitions_in

    found = [part for source in sources for part in (partitions_in(source) or [source])]
    merge_indexes(found, index, show_progress=True)
    content = index_info(index)
    print_json(content) if json else print_table(content)
