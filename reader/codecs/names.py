"""Names of codecs: ``float16``, ``int8``, ``pq16``, ``rpq8``."""

import re
from dataclasses import dataclass
from enum import StrEnum

from ...data import PrereadError

MAX_BYTES = 96


class CodecKind(StrEnum):
    """The kinds of codec."""

    FLOAT16 = "float16"
    """States in half precision."""
    INT8 = "int8"
    """One byte for each dimension, and one scale for each token."""
    PQ = "pq"
    """Product quantiser with a given number of bytes for each token."""
    RPQ = "rpq"
    """Product quantiser of the part that token ids do not predict, with a given number of bytes for
    each token."""

    @property
    def is_learned(self) -> bool:
        """Whether a codec of this kind is learned from the states of a reader."""
        return self in (CodecKind.PQ, CodecKind.RPQ)


@dataclass(frozen=True, slots=True)
class CodecName:
    """A kind of codec, and for a product quantiser its size."""

    kind: CodecKind
    n_bytes: int = 0
    """Bytes of a token's code; 0 for a kind whose size follows from the width of the states."""

    @classmethod
    def parse(cls, text: str) -> "CodecName":
        """Parse a name.

        Args:
            text: ``float16``, ``int8``, ``pqN`` or ``rpqN``.

        Raises:
            PrereadError: If there is no such codec.
        """
        match = re.fullmatch(r"([a-z]+)([0-9]*)", text)
        if text in (CodecKind.FLOAT16, CodecKind.INT8):
            return cls(CodecKind(text))
        if match and match[1] in (CodecKind.PQ, CodecKind.RPQ) and match[2]:
            n_bytes = int(match[2])
            if 1 <= n_bytes <= MAX_BYTES:
                return cls(CodecKind(match[1]), n_bytes)
        raise PrereadError(
            f"codec: expected float16, int8, pqN or rpqN (N bytes for each token, 1 to "
            f"{MAX_BYTES}), found {text!r}."
        )

    def __str__(self) -> str:
        """The name, as `parse` accepts it."""
        return f"{self.kind.value}{self.n_bytes or ''}"
