"""Filters: which passages count, by what is known of them besides their texts.

Texts are compared in Unicode's form NFC: names of files are decomposed on some systems.

``{"source": "handbook", "page": [3, 4], "date": {"gte": "2025"}, "document": {"like": "faq/*"}}``
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import translate
from functools import lru_cache
from typing import Any
from unicodedata import normalize

from ..data import PrereadError
from ..data.io.json_records import shorten
from ..data.io.outside import check_text
from ..data.records import Metadata

Filter = Mapping[str, Any]
"""A condition for each of some fields; all must hold. A condition is a value, a list of values of
which one must be there, or an object of operators and values."""

_WRITTEN = re.compile(r"([^=<>!~]+)(>=|<=|!=|=|>|<|~)(.*)", re.DOTALL)
_PATTERNS_KEPT = 64
_OPERATOR_OF = {"=": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "~": "like"}


def _is_equal(found: Any, wanted: Any) -> bool:
    """Whether two values are written alike, so that the number 3 is the text ``3``."""
    return found == wanted or _written(found) == _written(wanted)


def _written(value: Any) -> str:
    """A value as it is compared with a text."""
    return normalize("NFC", value) if isinstance(value, str) else json.dumps(value)


def _is_one_of(found: Any, wanted: Any) -> bool:
    return any(_is_equal(found, one) for one in wanted)


def is_like(found: Any, pattern: Any) -> bool:
    """Decide whether a value fits a pattern.

    Args:
        found: A text, number or truth value.
        pattern: A text, in which ``*`` stands for any characters, ``?`` for one and ``[ab]`` for
            one of some.
    """
    return _pattern(_written(pattern)).match(_written(found)) is not None


@lru_cache(_PATTERNS_KEPT)
def _pattern(written: str) -> re.Pattern[str]:
    """A pattern, compiled. The cache of `fnmatch` itself keeps 32,768, which clients may choose."""
    return re.compile(translate(written))


def _compared(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A comparison of numbers by size, and of texts by their letters; of a number with a text none.

    A text is compared with a number as it is written: the date 2025-03-01 is not before 2025.
    """

    def compare(found: Any, wanted: Any) -> bool:
        if isinstance(found, str):
            return holds(_written(found), _written(wanted))
        return not isinstance(wanted, str) and holds(found, wanted)

    return compare


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": _is_equal,
    "in": _is_one_of,
    "like": is_like,
    "gt": _compared(lambda found, wanted: bool(found > wanted)),
    "gte": _compared(lambda found, wanted: bool(found >= wanted)),
    "lt": _compared(lambda found, wanted: bool(found < wanted)),
    "lte": _compared(lambda found, wanted: bool(found <= wanted)),
}
_NOT = {"ne": "eq", "nin": "in"}
"""Operators that hold where others do not, also where the field is missing."""


def check_filter(filter: Filter) -> None:
    """Refuse a filter that cannot be applied.

    Args:
        filter: A condition for each of some fields.

    Raises:
        PrereadError: If it is no dictionary, the name of a field is no text, an operator is
            unknown, or its value is of a kind that it does not take.
    """
    if not isinstance(filter, Mapping):
        raise PrereadError(
            f"filter: expected a dictionary of conditions, such as {{'page': 3}}, found "
            f"{shorten(filter)}. Give a condition for each field, or None."
        )
    for name, condition in filter.items():
        if not isinstance(name, str):
            raise PrereadError(
                f"filter: expected the name of a field as text, found {shorten(name)}. Give a "
                "string."
            )
        for operator, wanted in _conditions(condition):
            if operator not in _OPERATORS and operator not in _NOT:
                known = ", ".join([*_OPERATORS, *_NOT])
                raise PrereadError(
                    f"filter: {name}: expected one of the operators {known}, found {operator!r}."
                )
            is_list = isinstance(wanted, Sequence) and not isinstance(wanted, str)
            if operator in ("in", "nin"):
                if not is_list:
                    raise _wrong_value(name, "a list", operator, wanted)
                for one in wanted:
                    if not _is_plain(one):
                        raise _wrong_value(name, "texts, numbers or truth values", operator, one)
            elif not _is_plain(wanted):
                raise _wrong_value(name, "a text, number or truth value", operator, wanted)


def _is_plain(value: object) -> bool:
    """Whether a value is a text, a number or a truth value."""
    return isinstance(value, str | int | float)


def _wrong_value(name: str, expected: str, operator: str, found: object) -> PrereadError:
    """The error for a value of a kind that an operator does not take."""
    return PrereadError(
        f"filter: {name}: expected {expected} for {operator}, found {shorten(found)}."
    )


def passes(metadata: Metadata, filter: Filter) -> bool:
    """Whether a passage passes a filter.

    Args:
        metadata: What is known of it. Of a field that is a list, one of its values must pass.
        filter: A condition for each of some fields.
    """
    return all(
        _holds(metadata.get(name), operator, wanted)
        for name, condition in filter.items()
        for operator, wanted in _conditions(condition)
    )


def parse_filter(written: Sequence[str]) -> Filter:
    """A filter as it is written on a command line.

    Args:
        written: ``page=3``, ``date>=2025``, ``document~faq/*``; the operators are ``=``, ``!=``,
            ``>``, ``>=``, ``<``, ``<=`` and ``~``. What is a JSON number or truth value is one.

    Raises:
        PrereadError: If one is of another form, or no Unicode text.
    """
    found: dict[str, dict[str, Any]] = {}
    for one in written:
        check_text(one, "filter")
        match = _WRITTEN.fullmatch(one)
        if match is None:
            raise PrereadError(
                f"filter: expected a field, an operator and a value, such as page=3, found {one!r}."
            )
        name, operator, value = match.groups()
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = value
        is_plain = isinstance(parsed, int | float)
        is_text = operator == "~" or not is_plain
        found.setdefault(name.strip(), {})[_OPERATOR_OF[operator]] = value if is_text else parsed
    return found


def _conditions(condition: Any) -> list[tuple[str, Any]]:
    if isinstance(condition, Mapping):
        return list(condition.items())
    is_list = isinstance(condition, Sequence) and not isinstance(condition, str)
    return [("in" if is_list else "eq", condition)]


def _holds(found: Any, operator: str, wanted: Any) -> bool:
    """Whether one condition holds of one field; None is a field that is missing."""
    if operator in _NOT:
        return not _holds(found, _NOT[operator], wanted)
    values = found if isinstance(found, list) else [] if found is None else [found]
    return any(_OPERATORS[operator](value, wanted) for value in values)
