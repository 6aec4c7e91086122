"""How long does it take to fetch and decode the passages of a question?

    python benchmarks/random_access.py INDEX FOLDER --gib 40 --questions 200

Copies of INDEX's shards fill FOLDER until they take more than the machine's memory. One manifest
lists them with new ordinals, so that 100 random passages lie anywhere in them. Cold: the kernel is
asked to forget the files before each question. Warm: the same passages once more. Decoding, and
reading the texts of the passages after their states, are timed apart.
"""

import os
import random
import shutil
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from common import command_line, write_result
from index_files import forget
from preread.indexer import Manifest, PassageIndex
from preread.indexer.storage.shard_reader import ShardReader, passage_checksum
from preread.indexer.storage.snapshots import publish
from preread.reader import Reader


def repeat_index(index: Path, folder: Path, n_bytes: int) -> Path:
    """An index of copies of another's shards; look-up and BM25 are those of the first copy."""
    target = folder / "index"
    if target.exists():
        return target
    manifest = Manifest.load(index)
    shutil.copytree(index, target)
    shards = list(manifest.shards)
    size, ordinal, number = sum(s.bytes for s in shards), manifest.next_ordinal, len(shards)
    while size < n_bytes:
        for entry in manifest.shards:
            file = f"states/shard-{number:05d}.h5"
            shutil.copyfile(index / entry.file, target / file)
            _renumber(target / file, ordinal)
            last = ordinal + entry.n_passages - 1
            n = (target / file).stat().st_size  # opened for writing, HDF5 gives room back
            shards.append(
                replace(entry, file=file, bytes=n, first_ordinal=ordinal, last_ordinal=last)
            )
            size, ordinal, number = size + n, last + 1, number + 1
    manifest = replace(
        manifest, shards=tuple(shards), next_ordinal=ordinal, next_shard=number, generation=1
    )
    publish(target, manifest)
    return target


def _renumber(path: Path, first: int) -> None:
    """Give a shard's passages other ordinals."""
    opened = ShardReader(path)
    with h5py.File(path, "r+") as file:
        n = len(file["passage_ordinals"])
        file["passage_ordinals"][:] = np.arange(first, first + n, dtype="<u4")
        n_windows = file["passage_n_windows"][()].tolist()
        strings = [
            tuple(opened._bytes_of(name, row) for name in ("id", "title", "text"))
            for row in range(n)
        ]
        file["passage_crc32"][:] = [
            passage_checksum(first + row, n_windows[row], strings[row]) for row in range(n)
        ]


def summary(milliseconds: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {
        "p50_ms": round(statistics.median(milliseconds), 2),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 2),
    }


def main() -> None:
    """Fetch random passages."""
    parser = command_line(__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gib", type=float, default=40.0)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--passages", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    path = repeat_index(options.index, options.folder, int(options.gib * 2**30))
    index = PassageIndex(path)
    codec = index.codec(Reader.load(index.manifest.plan.reader))
    draw = random.Random(options.seed)
    kinds = ("states, cold", "texts, cold", "states, warm", "texts, warm", "decoding")
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(options.questions):
        ordinals = [draw.randrange(index.manifest.next_ordinal) for _ in range(options.passages)]
        index.close()
        forget(path)
        index = PassageIndex(path)
        for kind in ("cold", "warm"):
            begin = time.perf_counter()
            stored = index.fetch(ordinals)
            between = time.perf_counter()
            for ordinal in ordinals:
                index.passage(ordinal)
            times[f"states, {kind}"].append(1000 * (between - begin))
            times[f"texts, {kind}"].append(1000 * (time.perf_counter() - between))
        begin = time.perf_counter()
        stored.decode(codec)
        if number >= 5:  # after warm-up
            times["decoding"].append(1000 * (time.perf_counter() - begin))
    total = sum(shard.bytes for shard in index.manifest.shards)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    content: dict[str, Any] = {
        "codec": index.manifest.plan.codec,
        "n_passages_in_index": index.manifest.next_ordinal,
        "n_shards": len(index.manifest.shards),
        "gib": round(total / 2**30, 2),
        "memory_gib": round(memory / 2**30, 2),
        "passages_a_question": options.passages,
        "n_questions": options.questions,
        "times": {name: summary(values) for name, values in times.items()},
    }
    print(content)
    write_result("random-access", content)


if __name__ == "__main__":
    main()
