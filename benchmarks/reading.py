"""How well does the reader answer when it is given the passage?

python benchmarks/reading.py --reader default DATASET…
"""

import argparse
from pathlib import Path

from common import write_result
from preread.data import read_examples
from preread.pipeline import ReadMode, evaluate_reader
from preread.reader import Reader


def main() -> None:
    """Evaluate every data set, decomposed and from stored states."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--reader", default="default")
    options = parser.parse_args()
    reader = Reader.load(options.reader)
    rows = []
    for dataset in options.datasets:
        examples = list(read_examples(dataset))
        for mode in (ReadMode.DECOMPOSED, ReadMode.STORED):
            scores = evaluate_reader(reader, examples, mode=mode, show_progress=True)
            rows.append({"dataset": dataset.name, **scores})
            print(rows[-1])
    content = {"reader": options.reader, "fingerprint": reader.fingerprint, "rows": rows}
    write_result("reading", content)


if __name__ == "__main__":
    main()
