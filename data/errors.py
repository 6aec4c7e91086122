"""The exceptions every room raises for a caller's mistake."""

from functools import partial
from pathlib import Path


class PrereadError(Exception):
    """Base of every error that a caller can cause and mend.

    The command line prints it as ``error: …`` and exits with code 2; nothing else is caught there,
    so that our own mistakes keep their traceback.
    """


class DataError(PrereadError):
    """A file of passages or questions is not what its format promises.

    Attributes:
        path: The file.
        line: Line number, counted from 1; None where the file as a whole is at fault.
    """

    def __init__(self, message: str, *, path: str | Path, line: int | None = None) -> None:
        """Say what is wrong and where."""
        self._message = message
        self.path = Path(path)
        self.line = line
        place = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{place}: {message}")

    def with_advice(self, advice: str) -> "DataError":
        """The same error with a further sentence on what can be done."""
        return DataError(f"{self._message} {advice}", path=self.path, line=self.line)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the place when the error crosses to another process."""
        return partial(DataError, path=self.path, line=self.line), (self._message,)
