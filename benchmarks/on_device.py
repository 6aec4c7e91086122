"""A clock that waits for the device, and what the device does at its best."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from preread.reader import DeformerConfig
from timing import spread


class Clock:
    """Times, once the device has done what it was given."""

    def __init__(self, device: torch.device) -> None:
        """Of one device."""
        self._is_cuda = device.type == "cuda"

    def now(self) -> float:
        """Seconds."""
        if self._is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter()

    def seconds(self, run: Callable[[], object]) -> float:
        """How long something takes."""
        begin = self.now()
        run()
        return self.now() - begin


def limits(
    device: torch.device, clock: Clock, repeat: int, size: int, n_bytes: int
) -> dict[str, Any]:
    """What the card does at its best, by number format, and by kind of copy."""
    found: dict[str, Any] = {"teraflops": {}, "gigabytes_a_second": {}}
    for dtype in (torch.float32, torch.bfloat16):
        a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
        _ = a @ b
        seconds = [clock.seconds(partial(torch.matmul, a, b)) for _ in range(repeat)]
        found["teraflops"][str(dtype).removeprefix("torch.")] = spread(
            [2 * size**3 / s / 1e12 for s in seconds]
        )
    here = torch.empty(n_bytes, dtype=torch.uint8, device=device)
    there = torch.empty_like(here)
    host = torch.ones(n_bytes, dtype=torch.uint8)
    copies: dict[str, tuple[Callable[[], object], int]] = {
        "device to device, read and written": (lambda: there.copy_(here), 2),
        "host to device": (lambda: here.copy_(host), 1),
        "device to host": (lambda: host.copy_(here), 1),
    }
    if device.type == "cuda":
        pinned = host.pin_memory()
        copies["pinned host to device"] = (lambda: here.copy_(pinned), 1)
    for name, (copy, times) in copies.items():
        copy()
        seconds = [clock.seconds(copy) for _ in range(repeat)]
        found["gigabytes_a_second"][name] = spread([times * n_bytes / s / 1e9 for s in seconds])
    return found


def layer_flops(config: DeformerConfig, lengths: Sequence[int], n_layers: int) -> float:
    """Floating-point operations of some layers, padding not counted.

    Args:
        config: The model's.
        lengths: Tokens of each segment.
        n_layers: How many layers run over them.

    Returns:
        Those of the matrix products, a multiply-add counting as two.
    """
    size, inner = config.hidden_size, config.intermediate_size
    of_rows = sum(lengths) * (8 * size**2 + 4 * size * inner)
    of_attention = 4 * size * sum(length**2 for length in lengths)
    return float(n_layers * (of_rows + of_attention))
