"""Credentials in addresses, which no message, log or file shows."""

import re

_HIDDEN = "…"
_USER = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)"
    r"(?:(?P<name>[^\s/?#@:'\"]*):(?!\d+(?:[/?#\s'\"]|$))[^\s'\"]*@|[^\s/?#@'\"]*@)"
)
"""What stands before the host of an address. A password may hold any character but white space and
quotes; after a port, there is none."""
_VALUE = re.compile(
    r"(?P<name>\b[\w.-]*(?:pass|pwd|secret|token|key|sig|credential|auth)[\w.-]*=)"
    r"(?:'[^']*'|[^\s&#'\"]+)",
    re.IGNORECASE,
)
"""A parameter of an address, or of libpq, with a name as secrets have."""


def redacted(text: str) -> str:
    """A text as it may be shown or kept: the credentials in its addresses are replaced by ``…``.

    Args:
        text: An address, or a message that may hold some.
    """
    return _VALUE.sub(rf"\g<name>{_HIDDEN}", _USER.sub(_without_user, text))


def _without_user(found: re.Match[str]) -> str:
    """The address up to its host; a name is shown only where a password is what is secret."""
    name = f"{found['name']}:" if found["name"] else ""
    return f"{found['scheme']}{name}{_HIDDEN}@"
