"""Standard input and outputs: no character ends a command, and an error names its output."""

import io
import os
import sys
from typing import Any


class _NamedOutput(io.FileIO):
    """An output of the process, whose errors name it as those of a file name the file."""

    def __init__(self, descriptor: int, shown: str) -> None:
        """Take over a descriptor, which stays open.

        Args:
            descriptor: The descriptor.
            shown: What the output is called in an error.
        """
        super().__init__(descriptor, "wb", closefd=False)
        self._shown = shown
        self._is_broken = False

    def write(self, data: Any, /) -> int:
        """Write bytes; after an error has said that they cannot be written, drop them.

        Python tries again what it could not write, when the process ends at the latest.
        """
        if self._is_broken:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except OSError as error:
            self._is_broken = True
            raise OSError(error.errno, error.strerror, self._shown) from error


def prepare_streams() -> None:
    """Have no byte of input and no character of output end a command, and outputs named in errors.

    A byte of standard input that is not UTF-8 is decoded as in arguments, and is refused where the
    text is used. A character that the encoding of an output lacks is printed as its escape. A width
    of 0, which some programs set for a terminal of unknown width, leaves no room for tables: it is
    dropped.
    """
    if os.environ.get("COLUMNS", "").strip() == "0":
        del os.environ["COLUMNS"]
    sys.stdout = _named(sys.stdout, sys.__stdout__, "standard output")
    sys.stderr = _named(sys.stderr, sys.__stderr__, "standard error")
    for stream, errors in (
        (sys.stdin, "surrogateescape"),
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _named(stream: Any, own: Any, shown: str) -> Any:
    """An output whose errors name it; another program's stand-in for the output as it is."""
    if stream is None or stream is not own or not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_NamedOutput(stream.fileno(), shown)),
        encoding=stream.encoding,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
