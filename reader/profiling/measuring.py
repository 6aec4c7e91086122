"""What a pass costs on this machine: time and memory."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch.profiler import ProfilerActivity, profile
from tqdm import tqdm

WARM_UPS = 2
"""Rounds that are not counted; the first allocates and chooses kernels."""
_MEMORY_EVENT = "[memory]"


@dataclass(frozen=True, slots=True)
class Latency:
    """Median and spread of several repetitions."""

    median_ms: float
    least_ms: float
    most_ms: float

    def to_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"median": self.median_ms, "least": self.least_ms, "most": self.most_ms}


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of one run."""

    peak_bytes: int
    """Most that was held at once."""
    requested_bytes: int
    """All that was ever asked for, given back or not: what upstream's figures of memory are
    (``total_requested_bytes``)."""


def measure_latency(
    passes: Sequence[Callable[[], object]],
    *,
    repeat: int,
    device: torch.device,
    show_progress: bool = False,
) -> list[Latency]:
    """Time passes in turns, so that whatever slows the machine for a while slows all of them.

    Args:
        passes: Each is run once a round.
        repeat: Rounds, after `WARM_UPS` that do not count.
        device: Where they run; it is waited for.
        show_progress: Draw a progress bar on standard error.

    Returns:
        One for each pass.
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
    """What a pass takes beyond weights and inputs.

    On a CPU these are all allocations by PyTorch's allocator, kernels' buffers included, added up
    in the order they came; the memory of the process would also count what earlier passes left
    behind. What MKL or oneDNN keep for themselves is seen by neither.

    Args:
        run: The pass; it should have run before.
        device: Where it runs.
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
    for event in sorted(events, key=lambda e: e.start_ns()):  # bytes are negative when freed
        held += event.nbytes()
        peak = max(peak, held)
        requested += max(0, event.nbytes())
    return Memory(peak, requested)


def _wait_for(device: torch.device) -> None:
    """Let a GPU finish what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
