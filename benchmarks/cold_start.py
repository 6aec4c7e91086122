"""How long do commands take from their start to an answer, and how much memory?

    python benchmarks/cold_start.py INDEX --rounds 5 --before OTHER_ENVIRONMENT/bin/preread

Each round runs `python -c "import torch"` and then each command in a process of its own, with one
question of the sample corpus, so that the ratios to PyTorch's import do not depend on the machine.
Processor seconds are those of the process and its children; other work on the machine changes them
less than the clock's. Memory is the most that the process had resident at any time, the mapped
files of Java and PyTorch included. A first round, which is not counted, warms the page cache.
``--before`` is the command of an older version, which runs in the same rounds, with an index of its
own if it cannot read INDEX.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import command_line, write_result
from preread.indexer import Manifest
from timing import ratios, spread

_QUESTION = "Who wrote the first novel about the island?"
_BY_WORDS = ("--retriever", "bm25")
_MIB = 1024


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took."""

    wall_s: float
    processor_s: float
    resident_mib: float


def measured(words: list[str]) -> Run:
    """Run a command to its end.

    Args:
        words: The program and its arguments.

    Raises:
        CalledProcessError: If the command fails.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begin
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / _MIB)


def commands(preread: Path, index: Path) -> dict[str, list[str]]:
    """The commands whose start is measured, by name.

    Args:
        preread: The command of a version.
        index: Folder of the index.
    """
    return {
        "info": [str(preread), "info", str(index)],
        "search --retriever bm25": [str(preread), "search", str(index), _QUESTION, *_BY_WORDS],
        "search": [str(preread), "search", str(index), _QUESTION],
        "ask --retriever bm25": [str(preread), "ask", str(index), _QUESTION, *_BY_WORDS],
        "ask": [str(preread), "ask", str(index), _QUESTION],
    }


def row(version: str, name: str, runs: list[Run], yardstick: list[Run]) -> dict[str, Any]:
    """The figures of one command.

    Args:
        version: ``now`` or ``before``; empty for the yardstick.
        name: Name of the command.
        runs: One run for each round.
        yardstick: The import of PyTorch in the same rounds.
    """
    processor = [run.processor_s for run in runs]
    wall = [run.wall_s for run in runs]
    return {
        "version": version,
        "command": name,
        "times_processor": spread(ratios(processor, [one.processor_s for one in yardstick])),
        "times_wall": spread(ratios(wall, [one.wall_s for one in yardstick])),
        "processor_s": spread(processor),
        "wall_s": spread(wall),
        "resident_mib": spread([run.resident_mib for run in runs]),
    }


def main() -> None:
    """Rounds over all commands, then one row for each."""
    parser = command_line(__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("--before", type=Path, help="the command of an older version")
    parser.add_argument("--before-index", type=Path, help="its index; default: INDEX")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--name", default="cold-start", help="of the result")
    options = parser.parse_args()
    torch_words = [sys.executable, "-c", "import torch"]
    versions = {"now": (Path(sys.executable).with_name("preread"), options.index)}
    if options.before is not None:
        versions["before"] = options.before, options.before_index or options.index
    asked = {
        (version, name): words
        for version, (preread, index) in versions.items()
        for name, words in commands(preread, index).items()
    }
    yardstick: list[Run] = []
    found: dict[tuple[str, str], list[Run]] = {key: [] for key in asked}
    for number in range(options.rounds + 1):
        one = measured(torch_words)
        runs = {key: measured(words) for key, words in asked.items()}
        if number:
            yardstick.append(one)
            for key, run in runs.items():
                found[key].append(run)
        print(f"round {number} of {options.rounds}", flush=True)
    rows = [row("", "import torch", yardstick, yardstick)]
    rows += [row(version, name, runs, yardstick) for (version, name), runs in found.items()]
    n_passages = Manifest.load(options.index).n_passages
    content = {"rounds": options.rounds, "n_passages": n_passages, "rows": rows}
    write_result(options.name, content)


if __name__ == "__main__":
    main()
