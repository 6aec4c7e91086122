"""How much memory does reading the passages of a question take, beyond the loaded model?

    python benchmarks/peak_memory.py FOLDER --shapes bert-base bert-large default --top-k 100

FOLDER is what `speed.py` left: readers, indexes, questions. Every system reads in a process of its
own, which loads nothing else. The script notes its resident memory when it is ready, resets the
high-water mark (Linux), and lets it read the passages. The rise of the mark is the memory of
reading.
"""

import argparse
import ctypes
import gc
import json
from pathlib import Path
from typing import Any

from common import command_line, write_result
from reading_systems import SYSTEMS, Asked, Bench
from timing import run_apart, status_mib


def load_asked(folder: Path) -> list[Asked]:
    """The questions that `speed.py` drew."""
    return [Asked(**one) for one in json.loads((folder / "asked.json").read_text("utf-8"))]


def measure(folder: Path, shape: str, system: str, codec: str, top_k: int) -> dict[str, float]:
    """Read every question in this process, and see what it takes."""
    asked = load_asked(folder)
    bench = Bench(shape, folder, codec, asked)
    prepare = bench.system(system)
    readings = [prepare(number, top_k) for number in range(len(asked))]
    del bench, prepare  # the full model is made of our reader, but does not need it
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what loading left behind is not the model's
    ready = status_mib("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    for read in readings:
        read()
    most = status_mib("VmHWM")
    return {"ready_mib": round(ready, 1), "reading_mib": round(most - ready, 1)}


def main() -> None:
    """A process for each system."""
    parser = command_line(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shapes", nargs="+", default=["bert-base", "bert-large", "default"])
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS))
    parser.add_argument("--top-k", type=int, default=100)
    parser.add_argument("--codec", default="float16")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        shape, system = options.shapes[0], options.systems[0]
        found = measure(options.folder, shape, system, options.codec, options.top_k)
        print(json.dumps(found))
        return
    rows: list[dict[str, Any]] = []
    for shape in options.shapes:
        for system in options.systems:
            words = [options.folder, "--shapes", shape, "--systems", system, "--measure"]
            words += ["--top-k", options.top_k, "--codec", options.codec]
            rows.append({"shape": shape, "system": system, **run_apart(__file__, *words)})
            print(rows[-1], flush=True)
    n_questions = len(load_asked(options.folder))
    content = {"top_k": options.top_k, "codec": options.codec, "n_questions": n_questions}
    write_result("peak-memory", {**content, "rows": rows})


if __name__ == "__main__":
    main()
