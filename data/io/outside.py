"""Text from and to the outside: arguments, lists of identifiers, output on a terminal."""

from pathlib import Path

from ..errors import PrereadError
from .lines import decode_line, read_raw_lines, without_marks
from .policy import SourceLocation

_KEPT = "\t\n"
_PICTURES = 0x2400
"""First of Unicode's symbols for control characters, which are in the same order."""
_DELETE, _SYMBOL_OF_DELETE = 0x7F, 0x2421
_REPLACEMENT = "\ufffd"
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that reverse the writing direction of all that follows, other output included."""


def check_text(text: str, name: str) -> str:
    """Check that a text can be written as UTF-8, and return it.

    Args:
        text: The text, from a command line, standard input or a caller.
        name: What the text is, for the error, such as ``"question"``.

    Raises:
        PrereadError: If it contains half of a surrogate pair. Python makes one of each byte of an
            argument or of standard input that is not UTF-8.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        is_byte = 0xDC80 <= code <= 0xDCFF
        found = (
            f"byte 0x{code - 0xDC00:02x}" if is_byte else f"half of a surrogate pair ({code:#x})"
        )
        raise PrereadError(
            f"{name}: expected UTF-8 text, found {found} at character {error.start + 1}. Convert "
            "it to UTF-8, or set the terminal's encoding."
        ) from None
    return text


def printable(text: str) -> str:
    r"""Replace, one for one, the characters of a text that would control a terminal.

    Control characters except tabs and newlines become their symbols (``\x1b`` becomes ``␛``).
    Characters that reverse the writing direction, and halves of surrogate pairs, become ``�``.

    Args:
        text: Text that may come from anyone, such as a passage.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    """Return what is shown in place of one character."""
    code = ord(character)
    if code < 0x20 and character not in _KEPT:
        return chr(_PICTURES + code)
    if code == _DELETE:
        return chr(_SYMBOL_OF_DELETE)
    if 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000 or character in _DIRECTIONS:
        return _REPLACEMENT
    return character


def read_identifiers(path: Path) -> list[str]:
    r"""Read a file of identifiers, one a line.

    Lines end with ``\n`` or ``\r\n``. Blank lines, and byte order marks at the start of a line, are
    skipped.

    Args:
        path: The file, plain or gzip.

    Raises:
        DataError: If the file cannot be read, or a line is not UTF-8.
    """
    lines = (
        decode_line(without_marks(raw), SourceLocation(path, line))
        for line, raw in enumerate(read_raw_lines(path), start=1)
    )
    identifiers = (line.removesuffix("\n").removesuffix("\r") for line in lines)
    return [identifier for identifier in identifiers if identifier.strip()]


def named_identifiers(given: str) -> list[str]:
    """Return the identifiers that an argument names.

    Args:
        given: ``@FILE`` for the identifiers of a file, ``@@x`` for the identifier ``@x``, or an
            identifier.

    Raises:
        PrereadError: If the file cannot be read, or the argument is not UTF-8.
    """
    if given.startswith("@@"):
        return [check_text(given[1:], "identifier")]
    if given.startswith("@"):
        path = Path(given[1:])
        if not path.exists():
            raise PrereadError(
                f"{path}: expected a file of identifiers, found nothing. Check the path; for the "
                f"identifier {given!r} itself, write @{given}."
            )
        return read_identifiers(path)
    return [check_text(given, "identifier")]
