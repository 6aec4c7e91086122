"""Spans of a Natural Questions document, in tokens, in bytes of its HTML, or in both."""

from dataclasses import asdict, dataclass

from ..io.fields import take_start
from ..io.json_records import JsonObject
from ..io.policy import SourceLocation

_MISSING = -1


@dataclass(frozen=True, slots=True)
class NqSpan:
    """A range of tokens, a range of bytes, or both; ends are exclusive.

    A range that is not given is -1 to -1. A span without any range is null and means no answer.
    """

    start_token: int = _MISSING
    end_token: int = _MISSING
    start_byte: int = _MISSING
    end_byte: int = _MISSING

    @property
    def has_tokens(self) -> bool:
        """Whether the range of tokens is given."""
        return self.start_token >= 0

    @property
    def has_bytes(self) -> bool:
        """Whether the range of bytes is given."""
        return self.start_byte >= 0

    @property
    def is_null(self) -> bool:
        """Whether neither range is given, which means no answer."""
        return not self.has_tokens and not self.has_bytes

    def equals(self, other: "NqSpan") -> bool:
        """Decide whether two spans have the same bytes or the same tokens.

        The documentation of the official script says that bytes take precedence; its code, followed
        here, also compares tokens where the bytes differ.

        Args:
            other: The span to compare with.

        Source: ``nonnull_span_equal``
        (https://github.com/google-research-datasets/natural-questions, eval_utils.py).
        """
        same_bytes = (self.start_byte, self.end_byte) == (other.start_byte, other.end_byte)
        same_tokens = (self.start_token, self.end_token) == (other.start_token, other.end_token)
        return (self.has_bytes and same_bytes) or (self.has_tokens and same_tokens)

    def to_dict(self) -> JsonObject:
        """Return the span as it is written in a predictions file."""
        return asdict(self)


def parse_span(record: JsonObject, location: SourceLocation) -> NqSpan:
    """Parse an object with ``start_token``, ``end_token``, ``start_byte`` and ``end_byte``.

    Args:
        record: The JSON object.
        location: Where it stands, for the error.

    Raises:
        DataError: If a range has only one end (the other missing or negative), or is empty.
    """
    return NqSpan(*_take_range(record, "token", location), *_take_range(record, "byte", location))


def _take_range(record: JsonObject, unit: str, location: SourceLocation) -> tuple[int, int]:
    """Read start and end in one unit; both are -1 where they are missing or negative."""
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
