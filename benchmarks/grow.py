"""An index made larger with generated passages, whose stored states are drawn, not computed.

    python benchmarks/grow.py INDEX FOLDER --passages 2000000

Everything except the lower layers and the codec's search is done as in ``preread add``: tokenising,
shards with their checksums, look-up, BM25, manifest. Codes are random bytes, so what is read in
generated passages means nothing. Finding, fetching, decoding and reading them costs what it costs
for real passages. INDEX does not change.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from common import command_line
from generated_text import Vocabulary, generated_passages
from preread.data import Passage, ReadReport
from preread.indexer import Manifest, PassageIndex
from preread.indexer.builder.executors.local import LocalExecutor
from preread.indexer.builder.extend import Extension, extend
from preread.indexer.storage.journal import Journal
from preread.indexer.storage.writing import writing
from preread.reader import Packed, Reader, Window
from preread.reader.codecs import Codec
from torch import Tensor

STAGES_FILE = "stages.json"
"""Beside the grown index: seconds of each stage of growing."""
COUNTED = 50_000
"""Passages whose words are counted."""
_TOKENS_A_PASSAGE = 150
SEED = 0
"""Of generated texts and codes."""


class StatelessReader(Reader):
    """Lays out windows as its base does, and computes no state."""

    def window_states(self, windows: Sequence[Window]) -> Packed:
        """Rows without numbers. Shape ``(n_rows, 0)``."""
        lengths = tuple(len(window.token_ids) for window in windows)
        return Packed(torch.empty(sum(lengths), 0), lengths)


class DrawnCodes:
    """A codec whose codes are random bytes."""

    dtype = torch.uint8

    def __init__(self, like: Codec, hidden_size: int, seed: int) -> None:
        """Take name and width from a codec of bytes."""
        self._like = like
        self._width = like.code_width(hidden_size)
        self._random = torch.Generator().manual_seed(seed)
        self.name = like.name

    def code_width(self, hidden_size: int) -> int:
        """Bytes of a token."""
        return self._width

    def encode(self, states: Packed, token_ids: Packed) -> Tensor:
        """Draw. Shape ``(n_rows, code_width)``, uint8."""
        shape = (len(states.rows), self._width)
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=self._random)

    def decode(self, codes: Tensor, token_ids: Packed) -> Packed:
        """As the codec does whose codes these could be."""
        return self._like.decode(codes, token_ids)


class Stopwatch:
    """How long an iterator's maker, and not its taker, takes."""

    seconds = 0.0

    def timed(self, passages: Iterator[Passage]) -> Iterator[Passage]:
        """Hand on what comes, and count the seconds it takes to come."""
        while True:
            begin = time.perf_counter()
            passage = next(passages, None)
            self.seconds += time.perf_counter() - begin
            if passage is None:
                return
            yield passage


def grow(base: Path, target: Path, n_passages: int) -> dict[str, Any]:
    """Copy an index and add generated passages until it has so many.

    Returns:
        Seconds of each stage, and how many passages came.
    """
    shutil.copytree(base, target)
    reader = StatelessReader.load("default")
    with PassageIndex(base) as index:
        codec = index.codec(reader)
        texts = (index.passage(int(o)).text for o in islice(index.ordinals(), COUNTED))
        vocabulary = Vocabulary(texts)
        missing = n_passages - len(index)
    manifest = Manifest.load(target)
    watch = Stopwatch()
    begin = time.time()
    with writing(target):
        journal = Journal(target, asdict(manifest.plan), resume=False)
        extension = Extension(
            index=target,
            base=manifest,
            plan=manifest.plan,
            codec=DrawnCodes(codec, reader.config.hidden_size, SEED),
            codec_file=manifest.codec_file,
            executor=LocalExecutor(1),
            n_shards=1 + missing // manifest.plan.passages_per_shard,
            n_tokens=missing * _TOKENS_A_PASSAGE,
        )
        passages = watch.timed(generated_passages(vocabulary, missing, seed=SEED))
        extend(extension, passages, reader, journal, ReadReport(), show_progress=True)
    end = time.time()
    grown = Manifest.load(target)
    shards = (target / grown.shards[-1].file).stat().st_mtime
    lookup = (target / grown.lookups[-1].file).stat().st_mtime
    return {
        "n_generated": missing,
        "generating_text": round(watch.seconds, 1),
        "tokenising_and_writing": round(shards - begin - watch.seconds, 1),
        "lookup": round(lookup - shards, 1),
        "bm25": round(end - lookup, 1),
    }


def resize(
    description: str | None, make: Callable[[Path, Path, int], dict[str, Any]], n_passages: int
) -> None:
    """The command line of a script that makes an index of another size.

    Args:
        description: The script's docstring.
        make: Makes the index of another, and returns the seconds of each stage.
        n_passages: How many the new index has by default.
    """
    parser = command_line(description)
    parser.add_argument("index", type=Path)
    parser.add_argument("folder", type=Path, help="the new index; its stages go beside it")
    parser.add_argument("--passages", type=int, default=n_passages)
    options = parser.parse_args()
    stages = make(options.index, options.folder, options.passages)
    print(stages)
    beside = options.folder.with_name(f"{options.folder.name}-{STAGES_FILE}")
    beside.write_text(json.dumps(stages, indent=2) + "\n", "utf-8")


def main() -> None:
    """Grow an index."""
    resize(__doc__, grow, 2_000_000)


if __name__ == "__main__":
    main()
