"""An index of the first passages of another, whose shards it shares.

    python benchmarks/shrink.py INDEX FOLDER --passages 20000

Look-up and BM25 are made anew, as in a build of so many passages, and timed. The states are those
of INDEX; the times at which its files were written show how long encoding took. INDEX does not
change.
"""

import time
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from grow import resize
from preread.indexer import Manifest
from preread.indexer.builder.lookup_and_bm25 import index_live_texts, write_lookup_of
from preread.indexer.storage.files import atomic_folder, link_or_copy
from preread.indexer.storage.manifest import LOOKUP_FOLDER, STATES_FOLDER
from preread.indexer.storage.snapshots import publish


def shrink(base: Path, target: Path, n_passages: int) -> dict[str, Any]:
    """Make an index of the first shards that hold so many passages.

    Returns:
        Seconds of each stage.
    """
    manifest = Manifest.load(base)
    ends = list(accumulate(shard.n_passages for shard in manifest.shards))
    if n_passages not in ends or manifest.deleted is not None:
        raise SystemExit(
            f"{base}: expected nothing deleted, and shards that end at passage {n_passages}; they "
            f"end at {ends[0]}, {ends[0]} more, … {ends[-1]}. Ask for one of these, or compact it."
        )
    n_shards = ends.index(n_passages) + 1
    shards = manifest.shards[:n_shards]
    with atomic_folder(target) as folder:
        for name in (STATES_FOLDER, LOOKUP_FOLDER):
            (folder / name).mkdir()
        for shard in shards:
            link_or_copy(base / shard.file, folder / shard.file)
        if manifest.codec_file is not None:
            link_or_copy(base / manifest.codec_file.file, folder / manifest.codec_file.file)
        begin = time.perf_counter()
        lookup = write_lookup_of(folder, shards, 0, show_progress=True)
        between = time.perf_counter()
        smaller = replace(
            manifest,
            plan=replace(manifest.plan, limit=n_passages),
            shards=shards,
            lookups=(lookup,),
            next_ordinal=shards[-1].last_ordinal + 1,
            next_shard=n_shards,
        )
        index_live_texts(folder, smaller, show_progress=True)
        end = time.perf_counter()
        publish(folder, smaller)
    first, *others = ((base / shard.file).stat().st_mtime for shard in shards)
    return {
        "n_encoded_after_first_shard": n_passages - shards[0].n_passages,
        "encoding_and_writing": round(max(others, default=first) - first, 1),
        "lookup": round(between - begin, 1),
        "bm25": round(end - between, 1),
    }


def main() -> None:
    """Make a smaller index."""
    resize(__doc__, shrink, 20_000)


if __name__ == "__main__":
    main()
