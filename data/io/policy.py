"""Handling of records that cannot be used: where they stand, stopping or skipping, counting."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

from ..errors import DataError

logger = logging.getLogger(__name__)

MAX_ERRORS_KEPT = 20
"""Number of errors that a report keeps and the log shows; all are counted."""

Raw = TypeVar("Raw")
Parsed = TypeVar("Parsed")


class OnError(StrEnum):
    """What to do with a record that cannot be used."""

    FAIL = "fail"
    """Raise its error."""
    SKIP = "skip"
    """Log it, count it and go on with the next record."""


@dataclass(slots=True)
class ReadReport:
    """Counts of one reading of a file or folder, updated while records are drawn."""

    n_read: int = 0
    n_skipped: int = 0
    errors: list[DataError] = field(default_factory=list)
    """The first ``MAX_ERRORS_KEPT`` errors of skipped records."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Number of valid records of the wrong kind, such as questions without an answer, and of files
    of a folder that are not read, by reason."""
    n_doubtful: int = 0
    """Number of records read that may be several: a quoted field holds a line like a row."""
    logs: bool = True
    """Whether skipped and doubtful records are logged; False where an earlier reading did so."""

    @property
    def is_complete(self) -> bool:
        """Whether no record was skipped, left out or doubtful."""
        return not self.n_skipped and not self.left_out and not self.n_doubtful

    def count_skipped(self, error: DataError) -> None:
        """Count a skipped record, and keep its error up to ``MAX_ERRORS_KEPT``.

        Args:
            error: What is wrong with the record.
        """
        self.n_skipped += 1
        if len(self.errors) < MAX_ERRORS_KEPT:
            self.errors.append(error)

    def summary(self) -> str:
        """Describe the reading in one line: records read, skipped, left out; the first error."""
        line = f"{self.n_read:,} read, {self.n_skipped:,} skipped"
        if self.errors:
            line += f" (first: {self.errors[0]})"
        if self.left_out:
            reasons = ", ".join(f"{reason}: {n:,}" for reason, n in self.left_out.most_common())
            line += f", {self.left_out.total():,} left out ({reasons})"
        if self.n_doubtful:
            line += f", {self.n_doubtful:,} of the records read may be several"
        return line


class SourceLocation(NamedTuple):
    """Where a record stands in its file."""

    path: Path
    line: int | None
    """Line number, counted from 1; None where the format has no lines."""
    number: int = 0
    """Record number in the file, counted from 0."""
    within: str = ""
    """Path of the record within a JSON document, such as ``data[0].paragraphs[2]``."""

    def error(self, message: str) -> DataError:
        """Make an error that names this location.

        Args:
            message: What was expected, what was found and what to do.
        """
        message = f"{self.within}: {message}" if self.within else message
        return DataError(message, path=self.path, line=self.line)


@dataclass(frozen=True, slots=True)
class ErrorPolicy:
    """What one reading does with records that cannot be used, and the report that counts them."""

    on_error: OnError = OnError.FAIL
    report: ReadReport = field(default_factory=ReadReport)
    advice: str = ""
    """Sentence added to the error that ends the reading."""

    @classmethod
    def of(cls, on_error: OnError | str, report: ReadReport | None) -> Self:
        """Make the policy of a caller who can choose; a failure then mentions ``--on-error skip``.

        Args:
            on_error: What to do with a record that cannot be used, as a member or its value.
            report: The report to update; None for one that nobody reads.

        Raises:
            ValueError: If ``on_error`` is not a valid choice.
        """
        advice = "Or skip and count such records: --on-error skip."
        return cls(OnError(on_error), ReadReport() if report is None else report, advice)

    def reject(self, error: DataError) -> None:
        """Raise an error, or log and count it, as the policy says.

        Args:
            error: What is wrong with a record.

        Raises:
            DataError: The error itself, where the policy is to fail.
        """
        if self.on_error is OnError.FAIL:
            raise error.with_advice(self.advice) if self.advice else error
        self.report.count_skipped(error)
        self._warn(f"skipped {error}", self.report.n_skipped, "skipped")

    def doubt(self, error: DataError) -> None:
        """Log and count a record that is read, although it may be several.

        Args:
            error: What is doubtful about the record.
        """
        self.report.n_doubtful += 1
        self._warn(str(error), self.report.n_doubtful, "doubtful")

    def _warn(self, warning: str, n: int, kind: str) -> None:
        """Log the n-th warning of a kind, up to ``MAX_ERRORS_KEPT``."""
        if not self.report.logs:
            return
        if n <= MAX_ERRORS_KEPT:
            logger.warning("%s", warning)
        elif n == MAX_ERRORS_KEPT + 1:
            logger.warning("further %s records are counted, not logged", kind)


def parse_each(
    records: Iterable[tuple[SourceLocation, Raw]],
    parse: Callable[[Raw, SourceLocation], Parsed],
    policy: ErrorPolicy,
) -> Iterator[tuple[SourceLocation, Parsed]]:
    """Parse records one by one.

    Args:
        records: Each record with its location.
        parse: Parses one record; raises ``DataError`` where it cannot be used.
        policy: What to do with a record that ``parse`` refuses.

    Yields:
        The location and the result of each record that ``parse`` accepts.

    Raises:
        DataError: If ``parse`` refuses a record and the policy is to fail.
    """
    for location, record in records:
        try:
            parsed = parse(record, location)
        except DataError as error:
            policy.reject(error)
        else:
            yield location, parsed


def parsing(
    records: Callable[[Path, ErrorPolicy], Iterator[tuple[SourceLocation, Raw]]],
    parse: Callable[[Raw, SourceLocation], Parsed],
) -> Callable[[Path, ErrorPolicy], Iterator[tuple[SourceLocation, Parsed]]]:
    """Make the reader of a format whose records are parsed one by one.

    Args:
        records: Reads the raw records of a file, each with its location.
        parse: Parses one record; raises ``DataError`` where it cannot be used.
    """
    return lambda path, policy: parse_each(records(path, policy), parse, policy)


def check_limit(limit: int | None) -> None:
    """Refuse a negative limit.

    Args:
        limit: Number of records after which to stop; None for all.

    Raises:
        ValueError: If it is negative.
    """
    if limit is not None and limit < 0:
        raise ValueError(f"expected limit to be None or at least 0, found {limit}")


def draw(
    found: Iterator[tuple[SourceLocation, Parsed]],
    *,
    path: Path,
    noun: str,
    report: ReadReport,
    limit: int | None,
) -> Iterator[Parsed]:
    """Yield records without their locations, and count them.

    Args:
        found: The records, each with its location.
        path: The file or folder they come from, for the error.
        noun: What a record is called in the error, in the singular.
        report: Its ``n_read`` is increased by one for each record.
        limit: Number of records after which to stop; None for all.

    Yields:
        The records.

    Raises:
        DataError: If there is no record and the limit is not 0.
    """
    n_drawn = 0
    while limit is None or n_drawn < limit:
        _, record = next(found, (None, None))
        if record is None:
            break
        n_drawn += 1
        report.n_read += 1
        yield record
    if n_drawn == 0 and limit != 0:
        skipped = "" if report.is_complete else f" ({report.summary()})"
        raise DataError(
            f"expected at least one {noun}, but it holds no {noun}{skipped}. Name another path.",
            path=path,
        )
