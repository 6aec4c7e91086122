"""What every benchmark shares: the machine's shape, and where results go."""

import datetime
import json
import os
import platform
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("torch", "transformers", "pyserini", "h5py", "numpy", "onnxruntime")


def machine() -> dict[str, Any]:
    """Shape of the machine and versions of what runs on it."""
    model = [line for line in _cpuinfo() if line.startswith("model name")]
    return {
        "cpu": model[0].split(":", 1)[1].strip() if model else platform.processor(),
        "threads": torch.get_num_threads(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _version(package: str) -> str | None:
    """None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


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
    command = ["python", *sys.argv]
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    whole: dict[str, Any] = {
        "benchmark": name,
        "commit": commit,
        "measured": now,
        "command": command,
    }
    whole["machine"] = machine()
    path.write_text(json.dumps({**whole, **content}, indent=2) + "\n", "utf-8")
    print(path)
    return path


def all_results(name: str) -> list[dict[str, Any]]:
    """All results of a benchmark, and of those whose names go on from its, the newest first."""
    results = [
        {**json.loads(path.read_text("utf-8")), "file": f"benchmarks/results/{path.name}"}
        for path in RESULTS.glob(f"{name}-*.json")
    ]
    return sorted(results, key=lambda result: str(result["measured"]), reverse=True)


def newest(name: str) -> dict[str, Any]:
    """The result of a benchmark that was written last.

    Raises:
        LookupError: If it has none.
    """
    for result in all_results(name):
        if result["benchmark"] == name:
            return result
    raise LookupError(f"{name}: no result in {RESULTS}; run the benchmark")


def fill(path: Path, blocks: dict[str, str]) -> None:
    """Replace what stands in a file between ``<!-- name -->`` and ``<!-- /name -->``."""
    text = path.read_text("utf-8")
    for name, body in blocks.items():
        pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = pattern.sub(lambda found, body=body: f"{found[1]}{body}\n{found[2]}", text)
    path.write_text(text, "utf-8")


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
