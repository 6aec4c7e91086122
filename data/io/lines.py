"""Lines of one file, plain or gzip, streamed.

Limits keep a damaged or malicious file from filling the memory: the length of a line, the size of
a file that is read as a whole, and how far gzip data may expand.
"""

import gzip
import io
import re
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import DataError
from .policy import ErrorPolicy, SourceLocation
from .system_errors import reason_of

MAX_LINE_BYTES = 128 << 20
"""Longest line; the pages of Natural Questions, one a line, have some megabytes."""
MAX_FILE_BYTES = 16 << 30
"""Largest file that is read as a whole; DPR's training files have several gigabytes."""
MAX_EXPANSION = 250
"""Expanded bytes for each byte of gzip data; text has 3 to 20, and deflate allows 1,032."""
FREE_EXPANSION_BYTES = 256 << 20
"""Bytes to which any gzip data may expand, however small it is."""

_GZIP_MAGIC = b"\x1f\x8b"
_OTHER_COMPRESSION = {
    b"\xfd7zXZ\x00": "xz",
    b"(\xb5/\xfd": "Zstandard",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf'\x1c": "7-Zip",
    b"\x04\x22\x4d\x18": "LZ4",
    **{b"BZh%d1AY&SY" % level: "bzip2" for level in range(1, 10)},
}
"""Name of a compression by the bytes with which its files begin."""
_BOM = b"\xef\xbb\xbf"
_MARKS = re.compile(rb"^(?:%b)+" % _BOM, re.MULTILINE)
_BUFFER_BYTES = 1 << 18


def _open_bytes(path: Path, *, is_text: bool = True) -> BinaryIO:
    """Open a file for reading; gzip, recognised by its first bytes, is decompressed."""
    try:
        file = path.open("rb")
        start = file.peek(16)[:16]
    except FileNotFoundError:
        found = describe_absence(path)
        raise DataError(f"expected a file, found {found}. Check the path.", path=path) from None
    except IsADirectoryError:
        raise DataError("expected a file, found a folder. Name a file in it.", path=path) from None
    except OSError as error:
        raise DataError(f"cannot be opened: {reason_of(error)}", path=path) from error
    if start.startswith(_GZIP_MAGIC):
        file.close()
        # GzipFile.readline is Python; io.BufferedReader reads lines in C.
        return io.BufferedReader(cast(io.RawIOBase, gzip.open(path)), _BUFFER_BYTES)
    fault = _fault_of_start(start, path)
    if fault and (is_text or path.suffix == ".gz"):
        file.close()
        raise DataError(fault, path=path)
    return file


def describe_absence(path: Path) -> str:
    """Say what stands at a path that names nothing: nothing at all, or a link that is broken.

    Args:
        path: The path.
    """
    if path.is_symlink():
        return f"a link to {path.readlink()}, where there is nothing"
    return "nothing"


def check_file(path: Path) -> None:
    """Refuse a path that cannot be opened, or that can be read only once.

    Args:
        path: A file, plain or gzip, that will be read from its start several times.

    Raises:
        DataError: If it is a pipe or a socket, there is no such file, it cannot be opened, or it is
            compressed in another way than gzip.
    """
    refuse_pipe(path)
    _open_bytes(path).close()


def refuse_pipe(path: Path) -> None:
    """Refuse a pipe or a socket: what is taken from it to detect its format is gone.

    Args:
        path: The path; one that names nothing is not refused.

    Raises:
        DataError: If it is a pipe or a socket.
    """
    try:
        mode = path.stat().st_mode
    except OSError:  # opening it says why
        return
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        raise DataError(
            "expected a file, found a pipe, which can be read only once. Write what comes from it "
            "to a file first, and name that file.",
            path=path,
        )


def without_marks(raw: bytes) -> bytes:
    """Remove the byte order marks at the start of a line; files that were joined have some inside.

    Args:
        raw: A line that begins a record.
    """
    while raw.startswith(_BOM):
        raw = raw[len(_BOM) :]
    return raw


def read_raw_lines(path: Path) -> Iterator[bytes]:
    r"""Read a file's lines as bytes.

    Args:
        path: A file, plain or gzip.

    Yields:
        Each line with its ``\n``; the first without a byte order mark.

    Raises:
        DataError: If the file cannot be read to its end, a line is longer than ``MAX_LINE_BYTES``,
            or gzip data is damaged or expands too far. The error names the line after the last
            whole one.
    """
    for line, raw in _pieces(path, MAX_LINE_BYTES + 1):
        if len(raw) > MAX_LINE_BYTES:
            raise DataError(
                f"expected lines of at most {MAX_LINE_BYTES >> 20} MiB, found a longer one. Check "
                "that this is a file of lines, and break or drop the line.",
                path=path,
                line=line,
            )
        yield raw


def read_first_line(path: Path) -> bytes:
    r"""Read the first line that is not blank, whatever its length.

    Args:
        path: A file, plain or gzip.

    Returns:
        The line or, where it is longer, its first 256 KiB; empty where all lines are blank.

    Raises:
        DataError: If the file cannot be read, or gzip data is damaged or expands too far.
    """
    return next((raw for _, raw in _pieces(path, _BUFFER_BYTES) if raw.strip()), b"")


def read_start(path: Path, n_bytes: int) -> bytes:
    """Read the first bytes of a file.

    Args:
        path: A file, plain or gzip.
        n_bytes: Number of bytes after which to stop, at the end of a line or 256 KiB later.

    Raises:
        DataError: If the file cannot be read, or gzip data is damaged or expands too far.
    """
    start = b""
    for _, raw in _pieces(path, _BUFFER_BYTES):
        start += raw
        if len(start) >= n_bytes:
            break
    return start


def decode_line(raw: bytes, location: SourceLocation) -> str:
    """Decode one line of UTF-8.

    Args:
        raw: The line.
        location: Where it stands, for the error.

    Raises:
        DataError: If the line is not UTF-8.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise location.error(
            f"expected UTF-8, found byte 0x{raw[error.start]:02x} at position {error.start + 1} "
            "of the line. Convert the file to UTF-8, for instance with iconv."
        ) from error


def read_lines(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, str]]:
    r"""Read a file's non-blank lines as text; only ``\n`` ends a line.

    Byte order marks at the start of a line are removed.

    Args:
        path: A file, plain or gzip.
        policy: What to do with a line that is not UTF-8.

    Yields:
        The location of a line, and the line with its ``\n``. The record number in the location
        counts non-blank lines, skipped ones included.

    Raises:
        DataError: If the file cannot be read, or the policy is to fail and a line is not UTF-8.
    """
    number = 0
    for line, raw in enumerate(read_raw_lines(path), start=1):
        raw = without_marks(raw)
        if not raw or raw.isspace():
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
    """Read a whole file as text, line ends unchanged, without a byte order mark.

    Args:
        path: A file, plain or gzip.

    Raises:
        DataError: If the file cannot be read, is not UTF-8, or is larger than ``MAX_FILE_BYTES``,
            or gzip data is damaged or expands too far.
    """
    content = _read_whole(path, MAX_FILE_BYTES)
    if _BOM in content:
        content = _MARKS.sub(b"", content)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        start, end = content.rfind(b"\n", 0, error.start) + 1, content.find(b"\n", error.start)
        line = content.count(b"\n", 0, start) + 1
        return decode_line(content[start : end if end >= 0 else None], SourceLocation(path, line))


def read_whole_bytes(path: Path, max_bytes: int) -> bytes:
    """Read a whole file that may be binary, decompressed, without a byte order mark.

    Args:
        path: A file, plain or gzip.
        max_bytes: Size above which the file is refused.

    Raises:
        DataError: If the file cannot be read or is too large, or gzip data is damaged or expands
            too far.
    """
    return _read_whole(path, max_bytes, is_text=False)


def _read_whole(path: Path, max_bytes: int, *, is_text: bool = True) -> bytes:
    """Read a whole file in blocks: each line by itself would take many times the memory."""
    content = bytearray()
    for _, raw in _pieces(path, _BUFFER_BYTES, is_text=is_text, by_line=False):
        content += raw
        if len(content) > max_bytes:
            raise DataError(
                f"expected a file of at most {max_bytes >> 20:,} MiB, because it is read as a "
                "whole, found a larger one. Split it.",
                path=path,
            )
    return bytes(content)


def _pieces(
    path: Path, max_bytes: int, *, is_text: bool = True, by_line: bool = True
) -> Iterator[tuple[int, bytes]]:
    """Yield lines, long ones in pieces, or blocks; each with the number of its first line."""
    line, n_expanded = 1, 0
    with _open_bytes(path, is_text=is_text) as file:
        is_gzip = isinstance(getattr(file, "raw", None), gzip.GzipFile)
        limit = max(FREE_EXPANSION_BYTES, MAX_EXPANSION * path.stat().st_size)
        try:
            while raw := (file.readline if by_line else file.read)(max_bytes):
                n_expanded += len(raw)
                if is_gzip and n_expanded > limit:
                    raise DataError(
                        f"expected gzip data that expands to at most {MAX_EXPANSION} times its "
                        "size, found more. If you trust the file, decompress it and name the "
                        "plain file.",
                        path=path,
                        line=line,
                    )
                yield line, raw.removeprefix(_BOM) if n_expanded == len(raw) else raw
                line += raw.count(b"\n")
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(
                f"expected whole gzip data, found it cut or damaged ({error}). "
                "Fetch or compress the file again.",
                path=path,
                line=line,
            ) from error
        except OSError as error:
            raise DataError(f"cannot be read: {reason_of(error)}", path=path, line=line) from error


def _fault_of_start(start: bytes, path: Path) -> str | None:
    """Say why a file that begins with these bytes is not plain text; None where it may be."""
    for magic, name in _OTHER_COMPRESSION.items():
        if start.startswith(magic):
            return (
                f"expected plain text or gzip, found {name} data. Decompress the file, or "
                "compress it with gzip."
            )
    if path.suffix == ".gz" and start:
        return (
            f"expected gzip because of its name, found a file that starts with {start[:2]!r}. "
            "Compress it with gzip, or remove .gz from its name."
        )
    return None
