"""What every benchmark shares: its command line, the machine's shape, and the result files."""

import argparse
import datetime
import json
import os
import platform
import random
import subprocess
import sys
from collections.abc import Hashable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("torch", "transformers", "pyserini", "h5py", "numpy", "onnxruntime")
_Item = TypeVar("_Item")

Result = dict[str, Any]
"""A result file's content, and under ``file`` its name from the root of the repository."""


class NoResultError(LookupError):
    """A benchmark has no result yet."""


def command_line(description: str | None) -> argparse.ArgumentParser:
    """A command line that shows a script's docstring as it is laid out.

    Args:
        description: The docstring.
    """
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_sample(parser: argparse.ArgumentParser, what: str, default: int | None = None) -> None:
    """Add the options of `drawn`.

    Args:
        parser: Gets ``--sample`` and ``--seed``.
        what: What is drawn.
        default: How many are drawn by default; None for all.
    """
    shown = "all" if default is None else default
    parser.add_argument(
        "--sample", type=int, default=default, help=f"{what}, drawn with --seed; default: {shown}"
    )
    parser.add_argument("--seed", type=int, default=0)


def drawn(items: Sequence[_Item], n: int | None, seed: int) -> list[_Item]:
    """Some items in random order, or all of them as they are.

    Args:
        items: What is drawn from.
        n: How many; None, or a number beyond all, for all.
        seed: Of the draw.
    """
    if n is None or n >= len(items):
        return list(items)
    return random.Random(seed).sample(items, n)


def machine() -> dict[str, Any]:
    """Shape of the machine and versions of what runs on it."""
    import torch  # the renderer of tables does without it

    model = [line for line in _cpuinfo() if line.startswith("model name")]
    return {
        "cpu": model[0].split(":", 1)[1].strip() if model else platform.processor(),
        "threads": torch.get_num_threads(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def write_result(name: str, content: dict[str, Any]) -> Path:
    """Write a result beside the commit it was measured at.

    Where the working copy has no history, the environment variable ``COMMIT`` names it.

    Args:
        name: The benchmark.
        content: What was measured.

    Returns:
        ``results/<name>-<commit>.json``.
    """
    commit = os.environ.get("COMMIT") or subprocess.check_output(
        ["git", "rev-parse", "HEAD"], text=True
    )
    commit = commit.strip()[:12]
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{commit}.json"
    whole = {
        "benchmark": name,
        "commit": commit,
        "measured": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": ["python", f"benchmarks/{Path(sys.argv[0]).name}", *map(_shown, sys.argv[1:])],
        "machine": machine(),
        **content,
    }
    path.write_text(json.dumps(whole, indent=2) + "\n", "utf-8")
    print(path)
    return path


def all_results(name: str) -> list[Result]:
    """All results of a benchmark, and of those whose names go on from its, the newest first."""
    results = [
        {**json.loads(path.read_text("utf-8")), "file": f"benchmarks/results/{path.name}"}
        for path in RESULTS.glob(f"{name}-*.json")
    ]
    return sorted(results, key=lambda result: str(result["measured"]), reverse=True)


def newest(name: str, part: str | None = None) -> Result:
    """The result of a benchmark that was written last.

    Args:
        name: The benchmark.
        part: A key that the result must have, where a benchmark can be run in parts.

    Raises:
        NoResultError: If it has none.
    """
    for result in all_results(name):
        if result["benchmark"] == name and (part is None or part in result):
            return result
    missing = "no result" if part is None else f"no result with {part!r}"
    raise NoResultError(f"{name}: {missing} in {RESULTS}; run the benchmark")


def newest_by(name: str, *keys: str) -> list[Result]:
    """The newest results of a benchmark that differ in what was measured, in order of that.

    Args:
        name: The benchmark, or what the names of several begin with.
        keys: What makes results different; of a table of the result its names count.
    """

    def what(result: Result) -> tuple[Hashable, ...]:
        values = (result[key] for key in keys)
        return tuple(tuple(v) if isinstance(v, dict) else v for v in values)

    by_what: dict[tuple[Hashable, ...], Result] = {}
    for result in all_results(name):
        by_what.setdefault(what(result), result)
    return sorted(by_what.values(), key=what)


def _version(package: str) -> str | None:
    """None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _shown(word: str) -> str:
    """A word of a command. Of an absolute path the name alone: the rest is this machine's."""
    before, path = word[: word.find("=") + 1], word[word.find("=") + 1 :]
    return before + Path(path).name if Path(path).is_absolute() else word


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
