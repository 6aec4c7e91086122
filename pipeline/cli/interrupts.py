"""Ctrl-C: a command ends cleanly, at any moment."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_IMPORTING = "<frozen importlib._bootstrap>"
"""File name of the code that imports modules."""
EXIT_INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""
INTERRUPTED = (
    "error: interrupted. These commands continue what was stopped: `preread index … --resume`, "
    "`preread add … --resume`, `preread evaluate … --predictions FILE --resume`, `preread train … "
    "--resume`, `preread calibrate … --reads FILE`, and `dense`, `label`, `download` and "
    "`reproduce` as they were\n"
)


def handle_interrupts() -> None:
    """Have SIGINT raise ``KeyboardInterrupt``, but end the process at once while it imports.

    Libraries do not expect an exception within an import: some end the process with a core dump,
    others go on without a part of themselves. An index is then as after a kill: complete, or to be
    continued. A SIGINT that is ignored, as under ``nohup``, stays so.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Handle SIGINT."""
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTING:
            os.write(2, INTERRUPTED.encode())
            os._exit(EXIT_INTERRUPTED)
        frame = frame.f_back
    raise KeyboardInterrupt


@contextmanager
def ended_by_interrupts() -> Iterator[None]:
    """Have SIGINT end the process at once, as SIGTERM does.

    For work in which nothing has to be finished, such as loading, or reading from a pipe in a
    thread that nothing else could end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
