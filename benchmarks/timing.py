"""Timing systems in turns, and the memory of processes."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def in_turns(
    systems: Mapping[str, Sequence[Callable[[], object]]],
    rounds: Iterable[object],
    clock: Callable[[Callable[[], object]], float] = seconds,
) -> dict[str, list[float]]:
    """Seconds of several systems, all of them once in each round.

    Args:
        systems: What each runs, one after the other, in a round.
        rounds: As many rounds as there are items.
        clock: Takes the time of one run.

    Returns:
        For each system the seconds of its rounds.
    """
    found: dict[str, list[float]] = {name: [] for name in systems}
    for _ in rounds:
        for name, runs in systems.items():
            found[name].append(sum(clock(run) for run in runs))
    return found


def ratios(slower: Sequence[float], faster: Sequence[float]) -> list[float]:
    """How many times as fast one system is as another, round by round."""
    return [a / b for a, b in zip(slower, faster, strict=True)]


def spread(values: Sequence[float], unit: float = 1.0) -> dict[str, float]:
    """Median, least and most.

    Args:
        values: Of all rounds.
        unit: Multiplies them.
    """
    found = {"median": statistics.median(values), "least": min(values), "most": max(values)}
    return {name: float(f"{value * unit:.5g}") for name, value in found.items()}


def status_mib(field: str, pid: int | str = "self") -> float:
    """A field of a process's status, in MiB (Linux).

    Args:
        field: ``VmRSS``, ``VmHWM``, ``RssAnon`` or another of /proc/PID/status.
        pid: The process; by default this one.
    """
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(field + ":"))
    return int(line.split()[1]) / 1024


def memory_mib(pid: int | str = "self") -> tuple[float, float]:
    """Resident memory of a process: its own, and pages of files (the kernel may drop these)."""
    return status_mib("RssAnon", pid), status_mib("RssFile", pid)


def run_apart(script: str, *words: object) -> Any:
    """Run a script in a process of its own.

    Args:
        script: Its file.
        words: Its command line.

    Returns:
        The JSON that its last line of output holds.
    """
    command = [sys.executable, script, *map(str, words)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out.splitlines()[-1])
