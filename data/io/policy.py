"""What becomes of a record that cannot be used: where it was, stop or skip, and the count."""

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
"""A report keeps, and the log shows, this many errors; all are counted."""

Raw = TypeVar("Raw")
Parsed = TypeVar("Parsed")


class OnError(StrEnum):
    """What to do with a record that cannot be used."""

    FAIL = "fail"
    """Raise at the first one."""
    SKIP = "skip"
    """Log it, count it and go on with the next."""


@dataclass(slots=True)
class ReadReport:
    """What one reading of a file or folder met; filled while the records are drawn."""

    n_read: int = 0
    n_skipped: int = 0
    errors: list[DataError] = field(default_factory=list)
    """The first ``MAX_ERRORS_KEPT`` errors of the skipped records."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Sound records that cannot be turned into what was asked for, by reason."""

    @property
    def is_complete(self) -> bool:
        """Whether every record was read."""
        return not self.n_skipped and not self.left_out

    def count_skipped(self, error: DataError) -> None:
        """Count a skipped record, and keep its error while there is room."""
        self.n_skipped += 1
        if len(self.errors) < MAX_ERRORS_KEPT:
            self.errors.append(error)

    def summary(self) -> str:
        """One line for people: how many were read, skipped and left out, and the first error."""
        line = f"{self.n_read:,} read, {self.n_skipped:,} skipped"
        if self.errors:
            line += f" (first: {self.errors[0]})"
        if self.left_out:
            reasons = ", ".join(f"{reason}: {n:,}" for reason, n in self.left_out.most_common())
            line += f", {self.left_out.total():,} left out ({reasons})"
        return line


class SourceLocation(NamedTuple):
    """Where a record stands in its file."""

    path: Path
    line: int | None
    """Line number, counted from 1; None where the format has no lines."""
    number: int = 0
    """Record number in the file, counted from 0."""
    within: str = ""
    """The way to the record in a file without lines, such as ``data[0].paragraphs[2]``."""

    def error(self, message: str) -> DataError:
        """A ``DataError`` that names this place."""
        message = f"{self.within}: {message}" if self.within else message
        return DataError(message, path=self.path, line=self.line)


@dataclass(frozen=True, slots=True)
class ErrorPolicy:
    """One caller's choice about unusable records, with the report that counts them."""

    on_error: OnError = OnError.FAIL
    report: ReadReport = field(default_factory=ReadReport)

    @classmethod
    def of(cls, on_error: OnError | str, report: ReadReport | None) -> Self:
        """The policy of a caller, who may name the choice by its value and want no report.

        Raises:
            ValueError: If there is no such choice.
        """
        return cls(OnError(on_error), ReadReport() if report is None else report)

    def reject(self, error: DataError) -> None:
        """Raise the error or, where the caller chose to skip, log and count it."""
        if self.on_error is OnError.FAIL:
            raise error.with_advice("Or skip and count such records: --on-error skip.")
        self.report.count_skipped(error)
        if self.report.n_skipped <= MAX_ERRORS_KEPT:
            logger.warning("skipped %s", error)
        elif self.report.n_skipped == MAX_ERRORS_KEPT + 1:
            logger.warning("further skipped records are counted, not logged")


def parse_each(
    records: Iterable[tuple[SourceLocation, Raw]],
    parse: Callable[[Raw, SourceLocation], Parsed],
    policy: ErrorPolicy,
) -> Iterator[tuple[SourceLocation, Parsed]]:
    """Parse records one by one; those for which ``parse`` raises ``DataError`` meet the policy."""
    for location, record in records:
        try:
            parsed = parse(record, location)
        except DataError as error:
            policy.reject(error)
        else:
            yield location, parsed


def check_limit(limit: int | None) -> None:
    """Raise ``ValueError`` where a limit is negative."""
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
    """Yield and count up to ``limit`` records.

    Raises:
        DataError: If there is not one, though the limit allows it.
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
