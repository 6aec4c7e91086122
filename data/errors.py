"""Errors that callers can cause: the base of all rooms, and the errors of data files."""

from functools import partial
from pathlib import Path


class PrereadError(Exception):
    """Base of all errors that a caller can cause and correct.

    The command line prints such an error as ``error: …`` and exits with code 2. Other exceptions
    are bugs and keep their traceback.
    """


class DataError(PrereadError):
    """A file of passages, questions or other records is not what its format requires."""

    def __init__(self, message: str, *, path: str | Path, line: int | None = None) -> None:
        """Make the error.

        Args:
            message: What was expected, what was found and what to do.
            path: The file or folder.
            line: Line number, counted from 1; None where the error concerns the whole file.
        """
        self._message = message
        self.path = Path(path)
        self.line = line
        place = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{place}: {message}")

    def with_advice(self, advice: str) -> "DataError":
        """Return the same error with one more sentence, ``advice``, at its end."""
        return DataError(f"{self._message} {advice}", path=self.path, line=self.line)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep path and line when the error is sent to another process."""
        return partial(DataError, path=self.path, line=self.line), (self._message,)
