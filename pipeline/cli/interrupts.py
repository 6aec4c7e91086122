"""Ctrl-C: a command ends, also where a library takes the exception for a fault of its own."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether SIGINT has come.

    Some libraries swallow the ``KeyboardInterrupt`` while they are imported, and fail later without
    what they did not import.
    """

    def __init__(self) -> None:
        """Take over SIGINT, unless it is ignored, as under ``nohup``."""
        self.has_come = False
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._raise)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        """Note the signal, and raise ``KeyboardInterrupt`` as Python does."""
        self.has_come = True
        signal.default_int_handler(number, frame)


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
