"""Pairs of texts as JSON Lines: the form of this project, of BoolQ and of MultiNLI."""

from collections.abc import Iterator
from pathlib import Path

from ..io.fields import take_optional_id, take_optional_text, take_text
from ..io.json_records import JsonObject, read_json_lines
from ..io.policy import ErrorPolicy, SourceLocation, parse_each
from ..records import PairExample
from .labels import take_label


def parse_pair(record: JsonObject, location: SourceLocation) -> PairExample:
    """Parse a record with ``text_a``, ``text_b`` and ``label``.

    Args:
        record: The JSON object.
        location: Where it stands; its record number is the identifier of a pair without one.

    Raises:
        DataError: If a field is missing or wrong.
    """
    return PairExample(
        example_id=take_optional_id(record, ("id",), location) or str(location.number),
        first=take_text(record, "text_a", location),
        second=_titled(record, "text_b", location),
        label=take_label(record, "label", location),
    )


def parse_boolq(record: JsonObject, location: SourceLocation) -> PairExample:
    """Parse a record of BoolQ, whose passage gets its title in front.

    Args:
        record: The JSON object.
        location: Where it stands; its record number is the identifier of a pair without one.

    Raises:
        DataError: If a field is missing or wrong.
    """
    return PairExample(
        example_id=take_optional_id(record, ("id", "idx"), location) or str(location.number),
        first=take_text(record, "question", location),
        second=_titled(record, "passage", location),
        label=take_label(record, "answer" if "answer" in record else "label", location),
    )


def parse_mnli(record: JsonObject, location: SourceLocation) -> PairExample:
    """Parse a record of MultiNLI.

    Args:
        record: The JSON object.
        location: Where it stands; its record number is the identifier of a pair without one.

    Raises:
        DataError: If a field is missing or wrong.
    """
    return PairExample(
        example_id=take_optional_id(record, ("pairID",), location) or str(location.number),
        first=take_text(record, "sentence1", location),
        second=take_text(record, "sentence2", location),
        label=take_label(record, "gold_label", location),
    )


def _titled(record: JsonObject, name: str, location: SourceLocation) -> str:
    """Read a text, with the title in front where the record has one.

    Source: SuperGLUE's form of BoolQ (https://arxiv.org/abs/1905.00537), whose passages begin with
    the title.
    """
    text, title = take_text(record, name, location), take_optional_text(record, "title", location)
    return f"{title.strip()} -- {text}" if title.strip() else text


def read_jsonl_pairs(
    path: Path, policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, PairExample]]:
    """Read pairs in the form of this project.

    Args:
        path: A file, plain or gzip.
        policy: What to do with a line that cannot be used.

    Yields:
        The location of each pair, and the pair.

    Raises:
        DataError: If the file cannot be read, or the policy is to fail and a line is refused.
    """
    return parse_each(read_json_lines(path, policy), parse_pair, policy)


def read_boolq(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, PairExample]]:
    """Read BoolQ.

    Args:
        path: A file, plain or gzip.
        policy: What to do with a line that cannot be used.

    Yields:
        The location of each pair, and the pair.

    Raises:
        DataError: If the file cannot be read, or the policy is to fail and a line is refused.
    """
    return parse_each(read_json_lines(path, policy), parse_boolq, policy)


def read_mnli(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, PairExample]]:
    """Read MultiNLI from JSON Lines.

    Args:
        path: A file, plain or gzip.
        policy: What to do with a line that cannot be used.

    Yields:
        The location of each pair, and the pair.

    Raises:
        DataError: If the file cannot be read, or the policy is to fail and a line is refused.
    """
    return parse_each(read_json_lines(path, policy), parse_mnli, policy)
