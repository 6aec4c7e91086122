"""Credentials in addresses, which no message, log or file shows."""

import re

_HIDDEN = "…"
_RUN = re.compile(r"[^\s'\"]++")
"""What may be an address with a password: any characters but white space and quotes."""
_USER = re.compile(
    r"://(?:(?P<name>[^\s/?#@:'\"]*+):(?!\d+(?:[/?#\s'\"]|$))[^\s'\"]*@|[^\s/?#@'\"]*+@)"
)
"""What stands before the host of an address. A password may hold any character but white space and
quotes; after a port, there is none."""
_VALUE = re.compile(r"(?<![\w.-])(?P<name>[\w.-]++)=(?:'[^']*+'|[^\s&#'\"]++)")
"""A parameter of an address, or of libpq."""
_SECRET = re.compile(r"pass|pwd|secret|token|key|sig|credential|auth", re.IGNORECASE)
"""What the names of parameters hold that are secrets."""


def redacted(text: str) -> str:
    """A text as it may be shown or kept: the credentials in its addresses are replaced by ``…``.

    Args:
        text: An address, or a message that may hold some.
    """
    return _VALUE.sub(_without_value, _RUN.sub(_without_users, text))


def _without_users(run: re.Match[str]) -> str:
    """The characters of a run without user names and passwords, which end at its last ``@``."""
    users, at, rest = run[0].rpartition("@")
    return _USER.sub(_without_user, users + at) + rest


def _without_user(found: re.Match[str]) -> str:
    """The address up to its host; a name is shown only where a password is what is secret."""
    name = f"{found['name']}:" if found["name"] else ""
    return f"://{name}{_HIDDEN}@"


def _without_value(found: re.Match[str]) -> str:
    """The parameter without its value, if that is secret."""
    return f"{found['name']}={_HIDDEN}" if _SECRET.search(found["name"]) else found[0]
