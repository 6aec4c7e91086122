"""What codecs are called: ``float16``, ``int8``, ``pq16``, ``rpq8``."""

import re
from dataclasses import dataclass
from enum import StrEnum

from ...data import PrereadError

MAX_BYTES = 96


class CodecKind(StrEnum):
    """The kinds of codec."""

    FLOAT16 = "float16"
    """States as they are, in half precision."""
    INT8 = "int8"
    """A byte a dimension, and a scale a token."""
    PQ = "pq"
    """Product quantiser: so many bytes a token."""
    RPQ = "rpq"
    """Product quantiser of what the token ids do not tell: so many bytes a token."""

    @property
    def is_learned(self) -> bool:
        """Whether its numbers come from states of a reader."""
        return self in (CodecKind.PQ, CodecKind.RPQ)


@dataclass(frozen=True, slots=True)
class CodecName:
    """A kind of codec and, for product quantisers, its size."""

    kind: CodecKind
    n_bytes: int = 0
    """Bytes of a token's code; 0 where the kind and the states' width decide it."""

    @classmethod
    def parse(cls, text: str) -> "CodecName":
        """Read a name.

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
            f"codec: expected float16, int8, pqN or rpqN (N bytes a token, 1 to {MAX_BYTES}), "
            f"found {text!r}."
        )

    def __str__(self) -> str:
        """The name as `parse` takes it."""
        return f"{self.kind.value}{self.n_bytes or ''}"
