"""Computing in forked processes."""

import os
from functools import cache

import torch


@cache
def survive_forks() -> None:
    """Let processes that are forked from this one compute, with one thread each.

    The threads of PyTorch's pool do not exist in a forked process, which would wait for them for
    ever. With one thread there is no pool. PyTorch's data loaders do the same in their workers.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))
