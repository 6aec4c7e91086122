"""Text from outside: arguments, terminals, lists of identifiers, passages that are printed."""

from pathlib import Path

from ..errors import PrereadError

_BOM = b"\xef\xbb\xbf"
_KEPT = "\t\n"
_PICTURES = 0x2400
"""First of Unicode's symbols for the control characters, in their order."""
_DELETE, _SYMBOL_OF_DELETE = 0x7F, 0x2421
_REPLACEMENT = "\ufffd"
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the order of those after them about, also of what is not theirs."""


def check_text(text: str, name: str) -> str:
    """The text, when it can be written as UTF-8.

    Args:
        text: What a caller gave.
        name: What it is, for the message.

    Raises:
        PrereadError: If it has half of a surrogate pair. Python makes such ones of bytes of
            arguments and of standard input that are not UTF-8.
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
    r"""A text as it may be shown on a terminal, in which no character acts on the terminal.

    Control characters become their symbols (``\x1b`` is shown as ``␛``) but for tabs and newlines;
    characters that reverse the direction of writing, and halves of surrogate pairs, become ``�``.

    Args:
        text: What somebody else wrote.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    """What stands for one character."""
    code = ord(character)
    if code < 0x20 and character not in _KEPT:
        return chr(_PICTURES + code)
    if code == _DELETE:
        return chr(_SYMBOL_OF_DELETE)
    if 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000 or character in _DIRECTIONS:
        return _REPLACEMENT
    return character


def read_identifiers(path: Path) -> list[str]:
    r"""Identifiers of a file, one a line.

    Lines end at ``\n`` or ``\r\n``; blank ones are passed over, and so is a byte order mark.

    Args:
        path: The file.

    Raises:
        PrereadError: If it cannot be read, or a line is not UTF-8.
    """
    try:
        lines = path.read_bytes().removeprefix(_BOM).split(b"\n")
    except OSError as error:
        raise PrereadError(f"{path}: cannot be read: {error.strerror}.") from error
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            identifier = line.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as error:
            raise PrereadError(
                f"{path}:{number}: expected UTF-8, found byte 0x{line[error.start]:02x} at "
                f"position {error.start + 1} of the line. Convert the file to UTF-8."
            ) from error
        if identifier.strip():
            found.append(identifier)
    return found


def named_identifiers(given: str) -> list[str]:
    """What an argument names: ``@FILE`` the identifiers of a file, ``@@x`` the identifier ``@x``.

    Args:
        given: The argument.

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
