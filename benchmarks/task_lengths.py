"""How long are the two texts of each of the paper's tasks, beside the slots they are padded to?

    python benchmarks/task_lengths.py FOLDER

FOLDER holds development sets as JSON Lines, ``NAME-dev*.jsonl.gz``: with ``text_a`` and ``text_b``,
or with a context and its questions; RACE as it was released, ``RACE/dev/*/*.txt``, question and
choice being the first text. What is not there is left out. Means are of wordpieces of uncased BERT,
[CLS] and [SEP]s included, each text cut to its slot. `preread.reader.profiling.layouts` holds what
comes out.
"""

import argparse
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

from common import write_result
from preread.reader import Reader
from preread.reader.profiling import LAYOUTS

FILES = {"squad": "squad11", "boolq": "boolq", "mnli": "mnli", "qqp": "qqp"}


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """First and second text of every example."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record: dict[str, Any] = json.loads(line)
            if "text_a" in record:
                yield record["text_a"], record["text_b"]
            else:
                yield record["question"], record["context"]


def race_texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Question with one choice, and article, of every example of RACE."""
    for path in sorted(folder.glob("RACE/dev/*/*.txt")):
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        for question, choices in zip(record["questions"], record["options"], strict=True):
            for choice in choices:
                yield f"{question} {choice}", record["article"]


def datasets(folder: Path) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Layout, name and texts of every data set that is there."""
    for name, stem in FILES.items():
        for path in folder.glob(f"{stem}-dev*.jsonl.gz"):
            yield name, path.name, list(texts(path))
    if found := list(race_texts(folder)):
        yield "race", "RACE/dev", found


def main() -> None:
    """Measure every data set that is there, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    tokenizer = Reader.load("default").tokenizer.backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    rows = []
    for name, dataset, found in datasets(folder):
        layout = LAYOUTS[name]
        first, second = zip(*found, strict=True)
        lengths = []
        for some, n_special, slot in (
            (first, 2, layout.question_slot),
            (second, 1, layout.passage_slot),
        ):
            encoded = tokenizer.encode_batch(list(some), add_special_tokens=False)
            lengths.append(fmean(min(len(e.ids) + n_special, slot) for e in encoded))
        row = {"layout": name, "dataset": dataset, "n_examples": len(first)}
        rows.append(row | {"question": round(lengths[0], 1), "passage": round(lengths[1], 1)})
        print(rows[-1])
    write_result("task-lengths", {"rows": rows})


if __name__ == "__main__":
    main()
