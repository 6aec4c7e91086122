"""Is every changed byte of an index found, and none read as if it were right?

    python benchmarks/byte_changes.py --changes 2000

An index of the sample corpus, with a learned codec and deleted passages, so that it has every kind
of file. In each trial one random byte of one file (each file as often) becomes another; `verify`
must report it. Then every passage and its states are read: they must be right, or refused.
"""

import argparse
import random
import tempfile
from collections import Counter
from pathlib import Path

import torch
from common import write_result
from kills import tiny_reader
from preread.data import Passage, PrereadError
from preread.data.sample import sample_corpus_path
from preread.indexer import (
    IndexConfig,
    PassageIndex,
    build_index,
    delete_passages,
    verify_index,
)
from preread.reader import Reader
from tqdm import tqdm


def read_all(index: Path, reader: Reader) -> tuple[list[Passage], torch.Tensor]:
    """Every passage and its states."""
    with PassageIndex(index) as opened:
        ordinals = opened.ordinals().tolist()
        passages = [opened.passage(ordinal) for ordinal in ordinals]
        return passages, opened.fetch(ordinals).decode(opened.codec(reader)).rows


def is_reported(index: Path) -> bool:
    """Whether `verify` finds a fault."""
    try:
        return bool(verify_index(index))
    except PrereadError:
        return True


def kind_of(file: Path) -> str:
    """Files of one kind are counted together."""
    folder = file.parent.name
    if folder.startswith("lucene-"):
        return "BM25"
    return {"states": "shard", "snapshots": "snapshot"}.get(folder, file.name)


def main() -> None:
    """Change, verify, read, change back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    draw = random.Random(options.seed)
    outcomes: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        tiny_reader(Path(name) / "reader")
        reader = Reader.load(str(Path(name) / "reader"))
        index = Path(name) / "index"
        config = IndexConfig(codec="rpq4", passages_per_shard=40)
        build_index(sample_corpus_path(), index, reader, config)
        with PassageIndex(index) as opened:
            gone = [opened.passage(n).passage_id for n in opened.ordinals().tolist()[3::17]]
        delete_passages(index, gone)
        passages, states = read_all(index, reader)
        files = sorted(f for f in index.rglob("*") if f.is_file() and f.stat().st_size)
        for trial in tqdm(range(options.changes), unit=" changes"):
            file = files[trial % len(files)]
            before = file.read_bytes()
            place = draw.randrange(len(before))
            changed = bytes([before[place] ^ draw.randrange(1, 256)])
            file.write_bytes(before[:place] + changed + before[place + 1 :])
            of_kind = outcomes.setdefault(kind_of(file), Counter())
            of_kind["reported by verify" if is_reported(index) else "NOT REPORTED"] += 1
            try:
                found = read_all(index, reader)
            except (PrereadError, IndexError):  # an ordinal that is another number is not found
                of_kind["refused when read"] += 1
            else:
                right = found[0] == passages and torch.equal(found[1], states)
                of_kind["read as it was" if right else "READ WRONG"] += 1
            file.write_bytes(before)
        assert verify_index(index) == []
    total = sum(outcomes.values(), Counter())
    print(total)
    content = {
        "seed": options.seed,
        "n_files": len(files),
        "n_changes": options.changes,
        "outcomes": dict(total),
        "by_kind_of_file": {kind: dict(counts) for kind, counts in sorted(outcomes.items())},
    }
    write_result("byte-changes", content)


if __name__ == "__main__":
    main()
