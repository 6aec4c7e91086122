"""Which passages a request searches, and by which formula: its filter, and parameters of BM25."""

import json
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...data import PrereadError
from ...indexer import Bm25Parameters, PassageIndex
from ...indexer.filters import Filter, check_filter
from .limits import MOST_CONDITIONS, MOST_FILTER_CHARS, MOST_FILTER_NUMBER, MOST_ITEMS


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How passages are found for a request."""

    filter: Filter | None = None
    """Conditions on the metadata of passages; None: no condition."""
    k1: float | None = None
    """Saturation of a word's frequency; None: that of the index."""
    b: float | None = None
    """Penalty for long passages; None: that of the index."""

    def key(self) -> Hashable:
        """What is equal for requests that may be searched together."""
        return json.dumps(self.filter, sort_keys=True), self.k1, self.b

    def bm25_parameters(self, index: PassageIndex) -> Bm25Parameters | None:
        """Parameters of BM25; None if the request names none.

        Args:
            index: Gives the parameters that the request does not name.
        """
        named = {"k1": self.k1, "b": self.b}
        given = {name: value for name, value in named.items() if value is not None}
        return replace(index.bm25.parameters, **given) if given else None


def checked_filter(filter: Filter) -> Filter:
    """Refuse a filter that cannot be applied, or that has too much in it.

    Args:
        filter: As a client sent it.

    Returns:
        The filter.

    Raises:
        ValueError: If it is refused.
    """
    if len(filter) > MOST_CONDITIONS:
        raise ValueError(f"expected at most {MOST_CONDITIONS} fields, found {len(filter)}")
    leaves = list(_leaves(filter))
    if len(leaves) > MOST_ITEMS:
        raise ValueError(f"expected at most {MOST_ITEMS:,} values, found {len(leaves):,}")
    for text in (*filter, *(leaf for leaf in leaves if isinstance(leaf, str))):
        if len(text) > MOST_FILTER_CHARS:
            raise ValueError(f"expected texts of at most {MOST_FILTER_CHARS:,} characters")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueError("expected text, found half of a UTF-16 surrogate pair")
    try:
        check_filter(filter)
    except PrereadError as error:
        raise ValueError(str(error).removeprefix("filter: ").rstrip(".")) from None
    return filter


def _leaves(filter: Filter) -> Iterator[str | int | float | bool]:
    """The values of all conditions: texts, truth values and numbers of usual size."""
    for name, condition in filter.items():
        operands = condition.values() if isinstance(condition, Mapping) else [condition]
        for operand in operands:
            for value in operand if isinstance(operand, list) else [operand]:
                if not _is_plain(value):
                    raise ValueError(
                        f"{name[:MOST_FILTER_CHARS]}: expected a text, a truth value or a number "
                        f"to ±{MOST_FILTER_NUMBER:.0e}, or a list or operators of these"
                    )
                yield value


def _is_plain(value: Any) -> bool:
    """Whether a value is a text, a truth value, or a number of usual size."""
    if isinstance(value, int | float):
        return abs(value) <= MOST_FILTER_NUMBER
    return isinstance(value, str)
