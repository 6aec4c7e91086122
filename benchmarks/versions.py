"""Do two versions of preread open an index and answer a question equally fast?

    python benchmarks/versions.py INDEX BEFORE_PYTHON AFTER_PYTHON --rounds 9

INDEX was built by the older version, so that both can read it. BEFORE_PYTHON and AFTER_PYTHON are
interpreters of two environments. Each round runs both in processes of their own, in turns. A
process opens the index, asks all questions once to warm up, and then takes the median of several
repetitions: opening the index and one fetch, opening it with its reader and BM25, and one question.
"""

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

from common import command_line, write_result
from timing import ratios, spread

_MEASURE = """
import json, statistics, sys, time
from pathlib import Path
from preread.indexer import PassageIndex
from preread.pipeline import OpenDomainQA

path, n = Path(sys.argv[1]), int(sys.argv[2])
questions = ["Who wrote the Tale of Genji?", "How many keys does a piano have?",
             "When was Hangul completed?", "Which river is the longest?"]

def seconds(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin

def opening():
    with PassageIndex(path) as index:
        index.fetch([int(index.ordinals()[0])])

qa = OpenDomainQA.from_index(path)
for question in questions:
    qa(question)
opened = statistics.median(seconds(opening) for _ in range(5 * n))
ready = statistics.median(seconds(lambda: OpenDomainQA.from_index(path)) for _ in range(n))
asked = statistics.median(
    sum(seconds(lambda: qa(question)) for question in questions) / len(questions) for _ in range(n)
)
print(json.dumps({"opening_s": opened, "ready_s": ready, "question_s": asked}))
"""


def measured(python: Path, index: Path, repetitions: int) -> dict[str, float]:
    """Run the measurement in another environment.

    Args:
        python: Interpreter of the environment.
        index: Folder of the index.
        repetitions: Repetitions of the questions within the process.
    """
    words = [str(python), "-P", "-c", _MEASURE, str(index.resolve()), str(repetitions)]
    out = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return found


def main() -> None:
    """Rounds of both versions in turns."""
    parser = command_line(__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--about", default="", help="what the versions are")
    options: argparse.Namespace = parser.parse_args()
    before: list[dict[str, float]] = []
    after: list[dict[str, float]] = []
    for number in range(options.rounds):
        order = [(before, options.before), (after, options.after)]
        for found, python in order if number % 2 == 0 else order[::-1]:
            found.append(measured(python, options.index, options.repetitions))
        print(before[-1], after[-1], flush=True)
    rows: dict[str, Any] = {}
    for name in ("opening_s", "ready_s", "question_s"):
        old, new = [one[name] for one in before], [one[name] for one in after]
        rows[name] = {
            "before": spread(old),
            "after": spread(new),
            "ratio": spread(ratios(new, old)),
        }
    content = {"about": options.about, "rounds": options.rounds, "index": options.index.name}
    write_result("versions", {**content, **rows})


if __name__ == "__main__":
    main()
