"""API keys."""

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from ...data import PrereadError

KEYS_VARIABLE = "PREREAD_API_KEYS"
_LEAST_LENGTH = 16


class ApiKeys:
    """The keys of the clients that may ask; without keys everybody may.

    Only hashes are kept, so that keys of any length are compared in the same time and none shows
    where the object is printed.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        """Take keys.

        Args:
            keys: The keys, as clients send them.

        Raises:
            PrereadError: If a key is too short to be a secret. The message does not show it.
        """
        self._hashes = []
        for number, key in enumerate(keys, start=1):
            if len(key) < _LEAST_LENGTH:
                raise PrereadError(
                    f"API key {number}: expected {_LEAST_LENGTH} characters or more, found "
                    f"{len(key)}. `openssl rand -hex 24` makes a good one."
                )
            self._hashes.append(_hash(key))

    def __len__(self) -> int:
        """How many keys there are."""
        return len(self._hashes)

    @classmethod
    def load(cls, file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Self:
        """Load keys from a file and from the environment.

        Args:
            file: A file with one key a line, in which ``#`` begins a comment; None for none.
            environment: Variables, of which ``PREREAD_API_KEYS`` holds keys separated by spaces or
                commas.

        Raises:
            PrereadError: If the file cannot be read or holds no key, or a key is too short.
        """
        keys = environment.get(KEYS_VARIABLE, "").replace(",", " ").split()
        if file is not None:
            try:
                lines = file.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or type(error).__name__
                raise PrereadError(f"{file}: the API keys cannot be read: {reason}.") from None
            found = [line.strip() for line in lines]
            found = [line for line in found if line and not line.startswith("#")]
            if not found:
                raise PrereadError(
                    f"{file}: expected API keys, one a line, found none. Write one, or leave "
                    "--api-keys out to let everybody ask."
                )
            keys += found
        return cls(keys)

    def admit(self, headers: Mapping[str, str]) -> bool:
        """Whether a client may ask.

        Args:
            headers: Headers of its request, with names in lower case.
        """
        if not self._hashes:
            return True
        scheme, _, token = headers.get("authorization", "").partition(" ")
        sent = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        hashed = _hash(sent)
        # Every key is compared, also after one that fits, so that the time reveals nothing.
        return sum(hmac.compare_digest(hashed, known) for known in self._hashes) > 0


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
