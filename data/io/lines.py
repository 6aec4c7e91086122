"""Lines of one file, plain or gzip, streamed."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import DataError
from .policy import ErrorPolicy, SourceLocation

_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_BUFFER_BYTES = 1 << 18


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading; gzip is recognised by its first bytes, whatever the name says.

    Raises:
        DataError: If there is no such file, it cannot be opened, or only its name says gzip.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise DataError("expected a file, found nothing. Check the path.", path=path) from None
    except IsADirectoryError:
        raise DataError("expected a file, found a folder. Name a file in it.", path=path) from None
    except OSError as error:
        raise DataError(f"cannot be opened: {error.strerror}.", path=path) from error
    magic = file.peek(2)[:2]
    if magic == _GZIP_MAGIC:
        file.close()
        # GzipFile.readline is Python; io.BufferedReader reads lines in C.
        return io.BufferedReader(cast(io.RawIOBase, gzip.open(path)), _BUFFER_BYTES)
    if path.suffix == ".gz" and magic:
        file.close()
        raise DataError(
            f"expected gzip because of its name, found a file that starts with {magic!r}. "
            "Compress it with gzip, or take .gz off its name.",
            path=path,
        )
    return file


def read_raw_lines(path: Path) -> Iterator[bytes]:
    r"""The file's lines as bytes, each with its ``\n``; a byte order mark is taken off.

    Raises:
        DataError: If the file cannot be read to its end; gzip damage is reported with the line
            after the last one that was whole.
    """
    line = 0
    with open_bytes(path) as file:
        try:
            for line, raw in enumerate(file, start=1):
                yield raw.removeprefix(_BOM) if line == 1 else raw
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(
                f"expected whole gzip data, found it cut or damaged ({error}). "
                "Fetch or compress the file again.",
                path=path,
                line=line + 1,
            ) from error
        except OSError as error:
            raise DataError(f"cannot be read: {error}.", path=path, line=line + 1) from error


def decode_line(raw: bytes, location: SourceLocation) -> str:
    """Decode one line strictly.

    Raises:
        DataError: If it is not UTF-8.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise location.error(
            f"expected UTF-8, found byte 0x{raw[error.start]:02x} at position {error.start + 1} "
            "of the line. Convert the file to UTF-8, for instance with iconv."
        ) from error


def read_lines(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, str]]:
    r"""The file's non-blank lines as text, each with its ``\n``; only ``\n`` ends a line.

    Args:
        path: A file, plain or gzip.
        policy: What to do with a line that is not UTF-8.

    Yields:
        Where the line stands (its record number counts the non-blank lines, usable or not), and
        the line.

    Raises:
        DataError: If the file cannot be read, or the policy says so.
    """
    number = 0
    for line, raw in enumerate(read_raw_lines(path), start=1):
        if raw.isspace():
            continue
        location = SourceLocation(path, line, number)
        number += 1
        try:
            text = decode_line(raw, location)
        except DataError as error:
            policy.reject(error)
        else:
            yield location, text


def read_whole_text(path: Path) -> str:
    """The whole file as text, its line ends as they are.

    Raises:
        DataError: If it cannot be read or is not UTF-8.
    """
    lines = enumerate(read_raw_lines(path), start=1)
    return "".join(decode_line(raw, SourceLocation(path, line)) for line, raw in lines)
