"""What a caller gives: questions, counts, numbers and paths."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from preread.data import PrereadError
from preread.data.arguments import (
    check_count,
    check_finite_number,
    check_number,
    check_path,
    check_question,
    check_questions,
)


@pytest.mark.parametrize("question", ["", "  \n", "\u200b", "\u2060\u3164", "\x00\x07", "\ufe0f"])
def test_what_shows_nothing_is_no_question(question: str) -> None:
    with pytest.raises(PrereadError, match="query: expected some words, found none. Search."):
        check_question(question, "query", "Search.")


def test_what_shows_something_is_a_question() -> None:
    for question in ("?", "a\u200b", "日本", "🎶", "नई", "0"):
        assert check_question(question) == question


@pytest.mark.parametrize(
    ("check", "given", "said"),
    [
        (check_question, None, "question: expected text, found None"),
        (check_question, 5, "question: expected text, found 5"),
        (check_question, b"who?", "question: expected text, found b'who\\?'"),
        (check_question, "caf\udce9", "question: expected UTF-8 text, found byte 0xe9"),
        (check_questions, "who?", "questions: expected a list of texts, found 'who\\?'"),
        (check_questions, 5, "questions: expected a list of texts, found 5"),
        (check_questions, ["who?", ""], r"questions\[1\]: expected some words, found none"),
        (check_questions, ["who?", 5], r"questions\[1\]: expected text, found 5"),
    ],
)
def test_a_wrong_question_is_named(check: Callable[[Any], object], given: Any, said: str) -> None:
    with pytest.raises(PrereadError, match=said):
        check(given)


def test_questions_may_come_one_by_one() -> None:
    assert check_questions(question for question in ("who?", "where?")) == ["who?", "where?"]
    assert check_questions([]) == []


@pytest.mark.parametrize("value", ["3", 2.5, None, [1], float("nan")])
def test_a_count_is_a_whole_number(value: object) -> None:
    with pytest.raises(PrereadError, match="top_k must be a whole number of at least 1, found"):
        check_count("top_k", value)


def test_counts_and_numbers_have_a_range() -> None:
    check_count("top_k", np.int64(1))
    check_number("k1", np.float32(1000), 0, 1000)
    with pytest.raises(PrereadError, match="top_k must be at least 1, found 0"):
        check_count("top_k", 0)
    check_count("doc_stride", 0, least=0)
    check_number("stop_margin", math.inf, 0, math.inf)
    with pytest.raises(PrereadError, match="doc_stride must be at least 0, found -1"):
        check_count("doc_stride", -1, least=0)
    for value in (1e300, 10**400, -1, float("nan"), "0.9", None):
        with pytest.raises(PrereadError, match="k1 must be between 0 and 1,000, found"):
            check_number("k1", value, 0, 1000)


@pytest.mark.parametrize("value", [math.nan, math.inf, 10**400, "3", None])
def test_a_finite_number_is_neither_infinite_nor_a_text(value: object) -> None:
    check_finite_number("score", np.float32(-3))
    with pytest.raises(PrereadError, match="score must be a finite number, found"):
        check_finite_number("score", value)


@pytest.mark.parametrize("value", [None, 3, b"index", os.scandir])
def test_a_path_is_a_string_or_a_path_object(value: object) -> None:
    assert check_path("index", "a/b") == check_path("index", Path("a/b")) == Path("a/b")
    with pytest.raises(PrereadError, match="index: expected a path, found .* Give a str or a Path"):
        check_path("index", value)
