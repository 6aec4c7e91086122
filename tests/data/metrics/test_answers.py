"""Normalisation, scores and string matching."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import (
    exact_match_score,
    f1_score,
    find_answer,
    find_pattern,
    has_answer,
    metric_max_over_answers,
    normalize_answer,
    score_answer,
    top_k_accuracy,
)

some_words = st.lists(st.sampled_from(["the", "a", "x", "y", "Zoë", ",", "'s"])).map(" ".join)


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("The  Cat,\tsat.", "cat sat"),
        ("a an the", ""),
        ("", ""),
        ("...", ""),
        ("U.S.A.", "usa"),
        ("t.h.e", ""),
        ("A-1", "a1"),
        ("another theme", "another theme"),
        ("ÉCOLE", "école"),
        ("«Zoë» – 5 €", "«zoë» – 5 €"),
        ("l’an", "l’"),
        ("10,000", "10000"),
        ("a\u00a0b\u2003c", "b c"),
    ],
)
def test_normalisation_is_squads(text: str, normalized: str) -> None:
    assert normalize_answer(text) == normalized


@given(text=st.text() | some_words)
def test_normalisation_twice_is_normalisation_once(text: str) -> None:
    assert normalize_answer(normalize_answer(text)) == normalize_answer(text)


@given(prediction=some_words | st.text(), answer=some_words | st.text())
def test_f1_is_symmetric_and_between_zero_and_one(prediction: str, answer: str) -> None:
    score = f1_score(prediction, answer)
    assert 0.0 <= score <= 1.0
    assert score == pytest.approx(f1_score(answer, prediction))


@given(prediction=some_words, answer=some_words)
def test_exact_match_implies_full_f1(prediction: str, answer: str) -> None:
    if exact_match_score(prediction, answer):
        assert f1_score(prediction, answer) == 1.0


@pytest.mark.parametrize(
    ("prediction", "answer", "f1"),
    [
        ("the Eiffel Tower in Paris", "Eiffel Tower", 2 * (2 / 4) * 1 / (2 / 4 + 1)),
        ("x x y", "x y y", 2 / 3),
        ("Rome", "Paris", 0.0),
        ("", "Paris", 0.0),
        ("the", "Paris", 0.0),
        ("", "", 1.0),
        ("the", "", 1.0),
    ],
)
def test_f1_counts_words_in_common(prediction: str, answer: str, f1: float) -> None:
    assert f1_score(prediction, answer) == pytest.approx(f1)


def test_best_answer_counts() -> None:
    assert score_answer("Barack Obama", ["Obama", "barack obama"]) == (1.0, 1.0)
    assert score_answer("Barack Obama", ["Obama", "Trump"]) == pytest.approx((0.0, 2 / 3))
    assert metric_max_over_answers(exact_match_score, "x", ["y", "X"]) == 1.0


def test_question_without_answers_wants_none() -> None:
    assert score_answer("", []) == (1.0, 1.0)
    assert score_answer("Paris", []) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("passage", "answer", "is_there"),
    [
        ("He lived in New York City.", "new york", True),
        ("He lived in Newark.", "New", False),
        ("about 10,000 men", "10,000", True),
        ("about 10,000 men", "000", True),
        ("about 10,000 men", "10000", False),
        ("Zoe\u0301 came", "zoé", True),
        ("Zoé came", "Zoe", False),
        ("the U.S. Navy", "U.S.", True),
        ("the US Navy", "U.S.", False),
        ("new\u00a0\n york", "New York", True),
        ("don't", "don ' t", True),
        ("anything", "", False),
        ("anything", " \u200b ", False),
    ],
)
def test_has_answer_matches_whole_tokens(passage: str, answer: str, is_there: bool) -> None:
    assert has_answer(passage, [answer]) is is_there


def test_has_answer_wants_any_of_the_answers() -> None:
    assert has_answer("Ann and Bob", ["Carl", "bob"])
    assert not has_answer("Ann and Bob", [])


@pytest.mark.parametrize(
    ("passage", "answers", "found"),
    [
        ("Newark, then New York City", ["New"], (13, 16)),
        ("It may rain in May", ["May"], (15, 18)),
        ("It MAY rain in mAY", ["May"], (3, 6)),
        ("Australia and the US", ["US"], (18, 20)),
        ("🙂 Zoe\u0301 and Zo\u00e9", ["Zo\u00e9"], (11, 14)),
        ("🙂 Zoe\u0301 came", ["zo\u00e9"], (2, 6)),
        ("new\u00a0\n york", ["New York"], (0, 10)),
        ("the U.S. Navy", ["U.S."], (4, 8)),
        ("a red, red rose", ["rose", "red"], (2, 5)),
        ("the Ring of Fire", ["Ring", "Ring of Fire"], (4, 8)),
        ("the Ring of Fire", ["Ring of Fire", "Ring"], (4, 16)),
        ("aaa a a b", ["a a b"], (4, 9)),
        ("3 \u2260 4", ["="], None),  # only decomposition sets the sign free
        ("Newark", ["New"], None),
        ("anything", [""], None),
        ("anything", [], None),
        ("", ["x"], None),
    ],
)
def test_answer_is_found_in_code_points_of_the_text(
    passage: str, answers: list[str], found: tuple[int, int] | None
) -> None:
    assert find_answer(passage, answers) == found


some_marks = st.text(st.sampled_from("aAé e\u0301\u200b.,ß🙂東\n"), max_size=12)


@given(passage=some_marks, answers=st.lists(some_marks, max_size=3))
def test_answer_is_found_where_and_only_where_there_is_one(
    passage: str, answers: list[str]
) -> None:
    found = find_answer(passage, answers)
    assert (found is not None) == has_answer(passage, answers)
    if found is not None:
        slice_ = passage[found[0] : found[1]]
        assert any(has_answer(slice_, [a]) and has_answer(a, [slice_]) for a in answers)


@given(passage=st.text(), answers=st.lists(st.text(), max_size=3))
def test_found_answer_is_an_answer_in_any_text(passage: str, answers: list[str]) -> None:
    found = find_answer(passage, answers)
    if found is not None:
        assert has_answer(passage[found[0] : found[1]], answers)


def test_top_k_accuracy_is_a_percentage_at_each_cutoff() -> None:
    hits = [[False, True, False], [True, False, False], [False, False, False], [False, False, True]]
    assert top_k_accuracy(hits, [1, 2, 3, 100]) == {1: 25.0, 2: 50.0, 3: 75.0, 100: 75.0}
    assert top_k_accuracy([[], [True]], [1]) == {1: 50.0}


def test_top_k_accuracy_refuses_what_has_no_value() -> None:
    with pytest.raises(ValueError, match="at least one question"):
        top_k_accuracy([], [1])
    with pytest.raises(ValueError, match="cutoffs of at least 1"):
        top_k_accuracy([[True]], [0])


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (("z[uü]+rich",), "Zu\u0308rich"),  # matching is on decomposed text
        ((r"\s*in\s*",), "in"),
        (("lake", "café"), "Café"),  # the first match in the text, not in the list
        (("u",), None),  # would leave the dots behind: within a character where it is composed
        (("", "(", "Geneva"), None),
    ],
)
def test_pattern_is_found_in_the_passage_as_it_is_written(
    patterns: tuple[str, ...], found: str | None
) -> None:
    passage = "A Café in Z\u00fcrich at the lake"
    span = find_pattern(passage, patterns)
    expected = None if found is None else unicodedata.normalize("NFC", found)
    assert (span and passage[slice(*span)]) == expected
