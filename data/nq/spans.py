"""Places in a Natural Questions document: tokens, bytes of its HTML, or both."""

from dataclasses import dataclass

from ..io.fields import take_start
from ..io.json_records import JsonObject
from ..io.policy import SourceLocation

_MISSING = -1


@dataclass(frozen=True, slots=True)
class NqSpan:
    """Half-open ranges of tokens and of bytes; -1 where one is not given, null where neither is."""

    start_token: int = _MISSING
    end_token: int = _MISSING
    start_byte: int = _MISSING
    end_byte: int = _MISSING

    @property
    def has_tokens(self) -> bool:
        """Whether the tokens are given."""
        return self.start_token >= 0

    @property
    def has_bytes(self) -> bool:
        """Whether the bytes are given."""
        return self.start_byte >= 0

    @property
    def is_null(self) -> bool:
        """Whether it is no place at all: no answer."""
        return not self.has_tokens and not self.has_bytes

    def equals(self, other: "NqSpan") -> bool:
        """Whether two places are one, by their bytes or by their tokens.

        Either is enough, where both spans have it. The script's own documentation gives bytes
        precedence; its code compares the tokens too where the bytes differ.

        Source: ``nonnull_span_equal``
        (https://github.com/google-research-datasets/natural-questions, eval_utils.py).
        """
        same_bytes = (self.start_byte, self.end_byte) == (other.start_byte, other.end_byte)
        same_tokens = (self.start_token, self.end_token) == (other.start_token, other.end_token)
        return (self.has_bytes and same_bytes) or (self.has_tokens and same_tokens)

    def contains(self, other: "NqSpan") -> bool:
        """Whether the tokens of another lie within this one's; both must have tokens."""
        return self.start_token <= other.start_token and other.end_token <= self.end_token

    def to_dict(self) -> JsonObject:
        """The span as it stands in a file of predictions."""
        return {
            "start_token": self.start_token,
            "end_token": self.end_token,
            "start_byte": self.start_byte,
            "end_byte": self.end_byte,
        }


def parse_span(record: JsonObject, location: SourceLocation) -> NqSpan:
    """The span of an object with ``start_token``, ``end_token``, ``start_byte``, ``end_byte``.

    Raises:
        DataError: If one of a pair is missing or negative and the other is not, or a range is
            empty.
    """
    return NqSpan(*_take_range(record, "token", location), *_take_range(record, "byte", location))


def _take_range(record: JsonObject, unit: str, location: SourceLocation) -> tuple[int, int]:
    """Start and end in one unit; both -1 where they are absent or negative."""
    names = (f"start_{unit}", f"end_{unit}")
    start, end = (_MISSING if n not in record else take_start(record, n, location) for n in names)
    if start < 0 and end < 0:
        return _MISSING, _MISSING
    if start < 0 or start >= end:
        raise location.error(
            f"expected {names[0]!r} below {names[1]!r}, or -1 in both, found {start} and {end}. "
            "Ends are exclusive; correct the span."
        )
    return start, end
