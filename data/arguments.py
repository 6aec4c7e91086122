"""Checks of what a caller gives: questions, counts, numbers and paths."""

import math
import operator
import os
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import Any

from .errors import PrereadError
from .io.json_records import shorten
from .io.outside import check_text
from .text.characters import is_blank


def check_question(question: object, name: str = "question", remedy: str = "Ask something.") -> str:
    """Check a question or a query, and return it.

    Args:
        question: What the caller gave.
        name: Its name, for the error.
        remedy: What to do about an empty one, as a sentence.

    Raises:
        PrereadError: If it is no string, no Unicode text, or has nothing but spaces and characters
            without a shape.
    """
    if not isinstance(question, str):
        raise PrereadError(f"{name}: expected text, found {shorten(question)}. Give a string.")
    check_text(question, name)
    if is_blank(question):
        raise PrereadError(f"{name}: expected some words, found none. {remedy}")
    return question


def check_questions(questions: object, name: str = "questions") -> list[str]:
    """Check questions or queries before the first is used, and return them.

    Args:
        questions: What the caller gave: any iterable of strings.
        name: Its name, for the error.

    Raises:
        PrereadError: If it is a string or no iterable, or `check_question` refuses a question. The
            error has the position of the question, from 0, in brackets.
    """
    if isinstance(questions, str | bytes) or not isinstance(questions, Iterable):
        raise PrereadError(
            f"{name}: expected a list of texts, found {shorten(questions)}. Put a single one into "
            "a list."
        )
    return [
        check_question(question, f"{name}[{place}]", "Leave it out.")
        for place, question in enumerate(questions)
    ]


def check_count(name: str, value: Any, least: int = 1) -> None:
    """Check a whole number that must not be below a limit.

    Args:
        name: Name of the argument, for the error.
        value: What the caller gave.
        least: Smallest number that is allowed.

    Raises:
        PrereadError: If it is no whole number, or below ``least``.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise PrereadError(
            f"{name} must be a whole number of at least {least}, found {shorten(value)}."
        ) from None
    if number < least:
        raise PrereadError(f"{name} must be at least {least}, found {number}.")


def check_number(name: str, value: object, least: float, most: float) -> None:
    """Check a number that must be within a range.

    Args:
        name: Name of the argument, for the error.
        value: What the caller gave.
        least: Smallest number that is allowed.
        most: Largest number that is allowed.

    Raises:
        PrereadError: If it is no number, or outside of the range.
    """
    if not least <= _as_float(value) <= most:
        raise PrereadError(
            f"{name} must be between {least:,g} and {most:,g}, found {shorten(value)}."
        )


def check_finite_number(name: str, value: object) -> None:
    """Check a number that may have any finite value.

    Args:
        name: Name of the argument, for the error.
        value: What the caller gave.

    Raises:
        PrereadError: If it is no number, is infinite, or is not a number (NaN).
    """
    if not math.isfinite(_as_float(value)):
        raise PrereadError(f"{name} must be a finite number, found {shorten(value)}.")


def check_path(name: str, value: object, expected: str = "a path") -> Path:
    """Check a path, and return it.

    Args:
        name: Name of the argument, for the error.
        value: What the caller gave.
        expected: What the argument takes, for the error.

    Raises:
        PrereadError: If it is neither a string nor an object that stands for a path.
    """
    if not isinstance(value, str | os.PathLike):
        raise PrereadError(
            f"{name}: expected {expected}, found {shorten(value)}. Give a str or a Path."
        )
    return Path(value)


def _as_float(value: object) -> float:
    """A number as a float; NaN for anything else, and for a number too large for one."""
    try:
        return float(value) if isinstance(value, Real) else math.nan
    except OverflowError:
        return math.nan
