"""What a pass costs on this machine: time and memory."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch.profiler import ProfilerActivity, profile
from tqdm import tqdm

WARM_UPS = 2
"""Rounds before the measurement, in which memory is allocated and kernels are chosen."""
_MEMORY_EVENT = "[memory]"


@dataclass(frozen=True, slots=True)
class Latency:
    """Median and range of several repetitions."""

    median_ms: float
    least_ms: float
    most_ms: float

    def to_dict(self) -> dict[str, float]:
        """Values for JSON."""
        return {"median": self.median_ms, "least": self.least_ms, "most": self.most_ms}


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of one run, in bytes."""

    peak_bytes: int
    """Most memory held at one time."""
    requested_bytes: int
    """Sum of all allocations, whether freed or not. The figures of the authors' code are this sum
    (``total_requested_bytes``)."""


def measure_latency(
    passes: Sequence[Callable[[], object]],
    *,
    repeat: int,
    device: torch.device,
    show_progress: bool = False,
) -> list[Latency]:
    """Time passes in turns, so that a slower phase of the machine affects all of them.

    Args:
        passes: Functions to time; each is run once in every round.
        repeat: Number of rounds that count, after `WARM_UPS` others.
        device: Device that runs them. Its pending work is finished before and after each run.
        show_progress: Whether to draw a progress bar on standard error.
    """
    times: list[list[float]] = [[] for _ in passes]
    rounds = range(WARM_UPS + repeat)
    for number in tqdm(rounds, desc="timing", unit=" rounds", disable=not show_progress):
        for run, of_pass in zip(passes, times, strict=True):
            _wait_for(device)
            begin = time.perf_counter()
            run()
            _wait_for(device)
            if number >= WARM_UPS:
                of_pass.append(1000 * (time.perf_counter() - begin))
    return [Latency(*(round(f(t), 3) for f in (median, min, max))) for t in times]


def measure_memory(run: Callable[[], object], device: torch.device) -> Memory:
    """Memory that a pass takes in addition to weights and inputs.

    On a CPU the allocations of PyTorch's allocator are added up in order, buffers of kernels
    included. The memory of the process would also count what earlier passes left behind. Memory
    that MKL or oneDNN keep for themselves is not seen.

    Args:
        run: The pass; it should have run once before.
        device: Device that runs it.
    """
    if device.type == "cuda":
        _wait_for(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_stats(device)
        run()
        after = torch.cuda.memory_stats(device)
        return Memory(
            after["allocated_bytes.all.peak"] - before["allocated_bytes.all.current"],
            after["allocated_bytes.all.allocated"] - before["allocated_bytes.all.allocated"],
        )
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    inner = profiler.profiler
    assert inner is not None and inner.kineto_results is not None
    events = [e for e in inner.kineto_results.events() if e.name() == _MEMORY_EVENT]
    held = peak = requested = 0
    for event in sorted(events, key=lambda e: e.start_ns()):  # freed bytes are negative
        held += event.nbytes()
        peak = max(peak, held)
        requested += max(0, event.nbytes())
    return Memory(peak, requested)


def _wait_for(device: torch.device) -> None:
    """Wait until a GPU has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
