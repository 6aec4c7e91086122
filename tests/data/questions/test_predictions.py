"""Files of predictions in their three forms, and their scores on awkward answers."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from preread.data import (
    DataError,
    Question,
    exact_match_score,
    match_predictions,
    nq_open_match_score,
    score_answer,
)

WriteFile = Callable[[str, str | bytes], Path]

QUESTIONS = [
    Question("a", "who?", ("Ann",)),
    Question("b", "when?", ("1998",)),
    Question("c", "who?", ("Bob",)),
]


def found_in(path: Path) -> list[str | None]:
    """The prediction for each question."""
    return [one.prediction if one else None for one in match_predictions(QUESTIONS, path)]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "p.jsonl",
            '{"id": "b", "prediction": ""}\n{"id": "a", "prediction": "x"}\n',
            ["x", "", None],
        ),
        ("p", '{"question_id": "c", "question": "?", "prediction": "x"}\n', [None, None, "x"]),
        ("p.jsonl.gz", '{"question": "who?", "prediction": "x"}\n', ["x", None, "x"]),
        ("p.json", '{"a": "x", "c": ""}', ["x", None, ""]),
        ("p.json", '{\n "a": "x",\n "b": "y"\n}\n', ["x", "y", None]),
        ("p", '{"a": "x", "c": ""}', ["x", None, ""]),
        (
            "p.json",
            '{"question": "who?", "prediction": "x"}\n{"question": "when?", "prediction": "y"}\n',
            ["x", "y", "x"],
        ),
    ],
)
def test_predictions_find_their_questions(
    write_file: WriteFile, name: str, content: str, expected: list[str | None]
) -> None:
    assert found_in(write_file(name, content)) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "p.jsonl",
            '{"id": "a", "prediction": "x"}\n{"id": "z", "prediction": "x"}\n',
            "p.jsonl:2: expected a prediction for one of the 3 questions, found one for 'z'",
        ),
        ("p.jsonl", '{"question": "where?", "prediction": "x"}\n', "found one for 'where?'"),
        ("p.jsonl", '{"id": "a", "prediction": "x"}\n' * 2, "p.jsonl:2: expected one prediction"),
        ("p.json", '{"z": "x"}', "p.json: z: expected a prediction for one of the 3 questions"),
        ("p.json", '{"a": ["x"]}', "p.json: a: expected the answer as a string, found list"),
        ("p.json", '{"a": "x",\n "b" }', "p.json:2: expected predictions, one JSON object"),
        ("p.json", '["x"]', "p.json: expected a JSON object"),
        ("p.json", "{}", "p.json: expected at least one prediction"),
        ("p.jsonl", '{"id": "a", "answer": "x"}\n', "found None (fields: 'id', 'answer')"),
        ("p.jsonl", '{"prediction": "x"}\n', "p.jsonl:1: expected the field 'question'"),
        ("p.jsonl", '{"id": "a", "prediction": 3}\n', "expected a string in 'prediction', found 3"),
        ("p.jsonl", '{"id": "a", "prediction": "x"}\n{"id":', "p.jsonl:2: expected one JSON obj"),
        ("p.jsonl", "who\tAnn\n", "p.jsonl:1: expected one JSON object on the line"),
        ("p.jsonl", "", "expected at least one prediction"),
    ],
)
def test_fault_of_a_predictions_file_is_named(
    write_file: WriteFile, name: str, content: str, message: str
) -> None:
    path = write_file(name, content)
    with pytest.raises(DataError) as caught:
        match_predictions(QUESTIONS, path)
    assert message in str(caught.value).replace(f"{path.parent}/", "")


@pytest.mark.parametrize(
    ("prediction", "answers", "exact_match", "f1"),
    [
        ("The  Beatles.", ["beatles"], 1.0, 1.0),
        ("a-ha", ["A Ha", "aha"], 1.0, 1.0),  # the hyphen goes before the article is looked for
        ("a - ha", ["ha"], 1.0, 1.0),
        ("Theatre", ["atre"], 0.0, 0.0),
        ("«Paris»", ["Paris"], 0.0, 0.0),  # only ASCII punctuation is taken out
        ("5–3", ["53"], 0.0, 0.0),
        ("5-3", ["53"], 1.0, 1.0),
        ("Zoe\u0301", ["Zo\u00e9"], 0.0, 0.0),  # SQuAD and DPR leave accents as they are
        ("İstanbul", ["istanbul"], 0.0, 0.0),  # its lower case has a dot of its own
        ("", ["Paris"], 0.0, 0.0),
        ("", [], 1.0, 1.0),
        ("the", [""], 1.0, 1.0),
        ("New York City", ["York", "New York", "city of New York"], 0.0, 2 * 3 / (3 + 4)),
        ("1 1 2", ["1 2 2"], 0.0, 2 / 3),
        ("東京", ["東京"], 1.0, 1.0),
        ("in the year 1998", ["1998", "year 1998"], 0.0, 0.8),
    ],
)
def test_scores_are_squads_on_awkward_answers(
    prediction: str, answers: list[str], exact_match: float, f1: float
) -> None:
    assert score_answer(prediction, answers) == pytest.approx((exact_match, f1))


@pytest.mark.parametrize(
    ("prediction", "answer", "squad", "nq_open"),
    [
        ("Zoe\u0301", "Zo\u00e9", 0.0, 1.0),
        ("Zoe", "Zo\u00e9", 0.0, 0.0),
        ("the Cat!", "cat", 1.0, 1.0),
        (
            "\u00e0 la carte",
            "la carte",
            0.0,
            0.0,
        ),  # the a is taken for an article, its accent stays
        ("\u2126", "\u03a9", 1.0, 1.0),
        ("\ufb01n", "fin", 0.0, 0.0),  # a ligature comes apart in NFKD only
    ],
)
def test_nq_opens_script_takes_accents_apart(
    prediction: str, answer: str, squad: float, nq_open: float
) -> None:
    assert exact_match_score(prediction, answer) == squad
    assert nq_open_match_score(prediction, answer) == nq_open


def test_our_own_lines_are_read_as_anyones(write_file: WriteFile) -> None:
    line = {"id": "a", "question": "who?", "gold": ["Ann"], "prediction": "Ann", "exact_match": 1.0}
    assert found_in(write_file("p.jsonl", json.dumps(line) + "\n")) == ["Ann", None, None]
