"""Which names a server answers to, and which web pages may ask it.

A web page can have a browser send requests to a server on the same machine or network. Two checks
keep pages of other sites out where no key does:

- ``Host``: a page whose own name was made to resolve to this server (DNS rebinding) sends that
  name. IP addresses cannot be rebound, so they are always accepted.
- ``Sec-Fetch-Site`` and ``Origin``: a browser says that a request comes from another site.

Source: Fetch Metadata Request Headers, https://www.w3.org/TR/fetch-metadata/; RFC 6454 (Origin).
"""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

_OWN_SITES = ("same-origin", "none")
"""Requests of the server's own pages, and those that a person typed."""


class HostRules:
    """The names that a server answers to."""

    def __init__(self, names: Iterable[str], *, has_keys: bool) -> None:
        """Take names.

        Args:
            names: Names that are accepted besides IP addresses and localhost, without ports.
            has_keys: Whether the server has keys. If so, and there are no names, all are accepted.
        """
        self._names = {name.strip().rstrip(".").lower() for name in names} | {"localhost"}
        self._accepts_all = has_keys and self._names == {"localhost"}

    def accept(self, host: str) -> bool:
        """Whether the server answers to a name.

        Args:
            host: The header ``Host``: a name or IP address, with or without a port.
        """
        if self._accepts_all:
            return True
        name = _name_of(host)
        return name in self._names or _is_address(name)

    def is_foreign(self, headers: Mapping[str, str]) -> bool:
        """Whether a browser says that a request comes from a page of another site.

        Args:
            headers: Headers of the request, with names in lower case.
        """
        site = headers.get("sec-fetch-site")
        if site is not None and site not in _OWN_SITES:
            return True
        origin = headers.get("origin")
        if origin is None:
            return False
        own = headers.get("host", "").lower()
        netloc = _netloc_of(origin)
        # A reverse proxy may pass on another Host than the one that the browser knows.
        return netloc != own and _name_of(netloc) not in self._names - {"localhost"}


def _netloc_of(origin: str) -> str:
    """``host:port`` of an origin; empty where there is none, as in ``null``."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # a bracket without its other half
        return ""


def _name_of(host: str) -> str:
    """A host without its port and the full stop that may end it."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
