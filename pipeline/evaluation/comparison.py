"""Comparing the answers of two systems to the same questions, with a test of significance."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import Any

from ...data import DataError
from .analysis import MeanEstimate, estimates
from .outcomes import ScoredAnswer, read_scored
from .summary import interval, percent


@dataclass(frozen=True, slots=True)
class Comparison:
    """The scored answers of two systems to the same questions."""

    pairs: Sequence[tuple[ScoredAnswer, ScoredAnswer]]

    @property
    def differing(self) -> list[tuple[ScoredAnswer, ScoredAnswer]]:
        """The pairs whose scores differ; pairs with one right answer come first."""
        found = [(a, b) for a, b in self.pairs if (a.exact_match, a.f1) != (b.exact_match, b.f1)]
        return sorted(found, key=lambda pair: pair[0].exact_match == pair[1].exact_match)

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``preread compare --json``; differences are B minus A."""
        exact = [(a.exact_match, b.exact_match) for a, b in self.pairs]
        f1 = [(a.f1, b.f1) for a, b in self.pairs]
        differences = estimates([[b - a for a, b in exact], [b - a for a, b in f1]])
        of_exact_match = _measure(exact, differences[0])
        return {
            "n_questions": len(self.pairs),
            "exact_match": of_exact_match,
            "f1": _measure(f1, differences[1]),
            "mcnemar_p": mcnemar_exact(of_exact_match["wins"], of_exact_match["losses"]),
        }


def compare(a: str | Path, b: str | Path) -> Comparison:
    """Compare two files of scored answers.

    Args:
        a: A file of ``preread evaluate --predictions`` or ``preread score --scored``.
        b: Another such file of the same questions, in any order.

    Raises:
        DataError: If a file is damaged, or the files differ in questions or gold answers.
    """
    first, second = _by_question(Path(a)), _by_question(Path(b))
    for name, (line, one) in second.items():
        if name not in first:
            raise DataError(_missing(name, Path(a)), path=b, line=line)
        other = first[name][1]
        if (one.question, one.gold) != (other.question, other.gold):
            raise DataError(
                f"question {name!r}: expected the question and gold answers of {a}:"
                f"{first[name][0]}, found others. Name files of the same questions.",
                path=b,
                line=line,
            )
    for name, (line, _) in first.items():
        if name not in second:
            raise DataError(_missing(name, Path(b)), path=a, line=line)
    return Comparison([(one, second[name][1]) for name, (_, one) in first.items()])


def mcnemar_exact(n_wins: int, n_losses: int) -> float:
    """The p-value of McNemar's exact test, two-sided.

    It is the probability of a division at least as uneven if wins and losses were equally likely.

    Args:
        n_wins: Number of questions that only the second system answers right.
        n_losses: Number of questions that only the first system answers right.

    Returns:
        The p-value; 1.0 without wins and losses.

    Source: McNemar 1947 (https://doi.org/10.1007/BF02295996), in its exact, binomial form.
    """
    n_pairs = n_wins + n_losses
    tail = sum(comb(n_pairs, k) for k in range(min(n_wins, n_losses) + 1))
    return min(1.0, 2 * tail / (1 << n_pairs))


def _by_question(path: Path) -> dict[str, tuple[int | None, ScoredAnswer]]:
    """The answers of a file with their line numbers, by identifier."""
    found: dict[str, tuple[int | None, ScoredAnswer]] = {}
    for place, one in read_scored(path):
        if one.question_id in found:
            raise place.error(
                f"expected one line for question {one.question_id!r}, found a second one after "
                f"line {found[one.question_id][0]}. Remove one of them."
            )
        found[one.question_id] = place.line, one
    if not found:
        raise DataError(
            "expected at least one scored answer, found none. Name another file.", path=path
        )
    return found


def _missing(name: str, other: Path) -> str:
    """The error message for a question that is in one file only."""
    return (
        f"expected question {name!r} in {other} too, found it here only. Compare files of the same "
        "questions."
    )


def _measure(scores: Sequence[tuple[float, float]], difference: MeanEstimate) -> dict[str, Any]:
    """One measure of both systems, and the difference."""
    n_questions = len(scores)
    n_wins, n_losses = sum(b > a for a, b in scores), sum(b < a for a, b in scores)
    return {
        "a": percent(sum(a for a, _ in scores) / n_questions),
        "b": percent(sum(b for _, b in scores) / n_questions),
        "difference": percent(difference.mean),
        "interval": interval(difference),
        "wins": n_wins,
        "losses": n_losses,
        "ties": n_questions - n_wins - n_losses,
    }
