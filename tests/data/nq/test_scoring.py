"""Scores of Natural Questions, each worked out by hand."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import DataError, NqScores, score_nq
from preread.data.nq import (
    AnswerScores,
    NqAnswer,
    NqPrediction,
    NqSpan,
    OperatingPoint,
    YesNo,
    read_nq_predictions,
    write_nq_predictions,
)
from preread.data.nq.scoring import NqOutcome, long_outcome, operating_points, short_outcome

WriteFile = Callable[[str, str | bytes], Path]
MakeNq = Callable[..., dict[str, Any]]

DOCUMENT = Path(__file__).parents[3] / "docs" / "guide" / "natural-questions.md"
LONG, OTHER, SHORT, SECOND = NqSpan(0, 10), NqSpan(0, 9), NqSpan(1, 3), NqSpan(5, 6)
NULL = NqAnswer()

outcomes = st.lists(
    st.builds(
        lambda has_gold, has_prediction, right, score: NqOutcome(
            has_gold, has_prediction, has_gold and has_prediction and right, score
        ),
        *[st.booleans()] * 3,
        st.sampled_from([0.0, 1.0, 2.5, -3.0]),
    ),
    min_size=1,
)


def long_is(gold: list[NqAnswer], predicted: NqSpan) -> tuple[bool, bool, bool]:
    """Whether there is a gold long answer, a predicted one, and whether it is right."""
    return long_outcome(gold, NqAnswer(predicted), 0.0, 2)[:3]


def short_is(gold: list[NqAnswer], predicted: NqAnswer) -> tuple[bool, bool, bool]:
    """Whether there is a gold short answer, a predicted one, and whether it is right."""
    return short_outcome(gold, predicted, 0.0, 2)[:3]


def shorts(*spans: NqSpan) -> NqAnswer:
    """An answer of some short spans."""
    return NqAnswer(LONG, spans)


def test_one_annotator_of_five_gives_no_long_answer() -> None:
    assert long_is([NqAnswer(LONG), *[NULL] * 4], LONG) == (False, True, False)
    assert long_is([NULL] * 5, NqSpan()) == (False, False, False)


def test_two_annotators_give_a_long_answer_and_either_is_right() -> None:
    gold = [NqAnswer(LONG), NqAnswer(OTHER), NULL, NULL, NULL]
    assert long_is(gold, LONG) == (True, True, True)
    assert long_is(gold, OTHER) == (True, True, True)
    assert long_is(gold, NqSpan(1, 10)) == (True, True, False)
    assert long_is(gold, NqSpan()) == (True, False, False)


def test_short_answer_is_right_where_all_its_spans_are_an_annotators() -> None:
    gold = [shorts(SHORT, SECOND), shorts(SHORT, SECOND), NULL, NULL, NULL]
    assert short_is(gold, shorts(SECOND, SHORT)) == (True, True, True)
    assert short_is(gold, shorts(SHORT)) == (True, True, False)
    assert short_is(gold, shorts(SHORT, SECOND, NqSpan(8, 9))) == (True, True, False)
    assert short_is(gold, NULL) == (True, False, False)
    assert short_is([shorts(SHORT, SECOND), *[NULL] * 4], shorts(SHORT, SECOND)) == (
        False,
        True,
        False,
    )
    # Spans of two annotators do not make up one answer.
    apart = [shorts(SHORT), shorts(SECOND), NULL, NULL, NULL]
    assert short_is(apart, shorts(SHORT, SECOND)) == (True, True, False)


def test_yes_or_no_is_a_short_answer() -> None:
    yes, no = NqAnswer(LONG, yes_no=YesNo.YES), NqAnswer(LONG, yes_no=YesNo.NO)
    gold = [yes, shorts(SHORT), NULL, NULL, NULL]
    assert short_is(gold, yes) == (True, True, True)
    assert short_is(gold, no) == (True, True, False)
    assert short_is(gold, shorts(SHORT)) == (True, True, True)
    assert short_is([yes, *[NULL] * 4], yes) == (False, True, False)


@pytest.mark.parametrize(
    ("gold", "predicted", "is_right"),
    [
        (NqSpan(3, 12, 25, 58), NqSpan(3, 12), True),
        (NqSpan(3, 12, 25, 58), NqSpan(start_byte=25, end_byte=58), True),
        (NqSpan(3, 12, 25, 58), NqSpan(start_byte=25, end_byte=57), False),
        (NqSpan(3, 12, 25, 58), NqSpan(3, 12, 25, 57), True),  # by its tokens, as the script has it
        (NqSpan(3, 12, 25, 58), NqSpan(3, 11, 25, 58), True),
        (NqSpan(3, 12), NqSpan(start_byte=3, end_byte=12), False),
        (NqSpan(0, 1), NqSpan(), False),
    ],
)
def test_spans_are_compared_by_bytes_or_tokens(
    gold: NqSpan, predicted: NqSpan, is_right: bool
) -> None:
    assert long_is([NqAnswer(gold)] * 2, predicted)[2] is is_right


def test_best_threshold_and_recall_at_precision() -> None:
    #              gold   predicted  right  score    precision  recall  F1
    found = [
        NqOutcome(True, True, True, 4.0),  #   1/1        1/3     1/2
        NqOutcome(True, True, False, 3.0),  #  1/2        1/3     2/5
        NqOutcome(False, True, False, 2.0),  # 1/3        1/3     1/3
        NqOutcome(True, True, True, 1.0),  #   2/4        2/3     4/7
        NqOutcome(False, False, False, 9.0),  # null: 0/0, first by its score
    ]
    scores = AnswerScores.of(found)
    assert scores.best == OperatingPoint(1 / 2, 2 / 3, 1.0)
    assert scores.best.f1 == pytest.approx(4 / 7)
    assert scores.unthresholded == OperatingPoint(1 / 2, 2 / 3)
    assert scores.at_precision == {
        0.5: OperatingPoint(1 / 2, 2 / 3, 1.0),
        0.75: OperatingPoint(1.0, 1 / 3, 4.0),
        0.9: OperatingPoint(1.0, 1 / 3, 4.0),
    }
    assert (scores.n_gold, scores.n_predicted) == (3, 4)
    assert AnswerScores.of(found[::-1]) == scores


def test_a_wrong_answer_of_higher_score_spoils_precision() -> None:
    # The official script's own test: precision 1/2 at recall 1, no recall at 0.75.
    scores = AnswerScores.of(
        [NqOutcome(True, True, True, 1.0), NqOutcome(False, True, False, 10.0)]
    )
    assert scores.best == OperatingPoint(0.5, 1.0, 1.0)
    assert scores.at_precision[0.5].recall == 1.0
    assert scores.at_precision[0.75] == scores.at_precision[0.9] == OperatingPoint()


def test_equal_scores_are_one_threshold() -> None:
    scores = AnswerScores.of([NqOutcome(True, True, True, 0.0), NqOutcome(True, True, False, 0.0)])
    assert scores.best == OperatingPoint(0.5, 0.5, 0.0)
    assert scores.at_precision[0.75] == OperatingPoint()


def test_nothing_right_scores_nothing() -> None:
    scores = AnswerScores.of(
        [NqOutcome(True, True, False, 1.0), NqOutcome(False, False, False, 0.0)]
    )
    assert scores.best == OperatingPoint()
    assert (scores.best.f1, scores.n_gold, scores.n_predicted) == (0.0, 1, 1)


@given(outcomes)
def test_each_point_counts_the_predictions_above_its_threshold(found: list[NqOutcome]) -> None:
    points = operating_points(found)
    assert [point.threshold for point in points] == sorted({o.score for o in found}, reverse=True)
    n_gold = sum(outcome.has_gold for outcome in found)
    for point in points:
        kept = [outcome for outcome in found if outcome.score >= (point.threshold or 0.0)]
        n_right = sum(outcome.is_correct for outcome in kept)
        assert point.precision * sum(o.has_prediction for o in kept) == pytest.approx(n_right)
        assert point.recall * n_gold == pytest.approx(n_right)
    scores = AnswerScores.of(found)
    assert scores.best.f1 == max(point.f1 for point in points)
    recalls = [point.recall for point in scores.at_precision.values()]
    assert recalls == sorted(recalls, reverse=True)


PARAGRAPH, ANN, ARE = (3, 12), (7, 8), (9, 10)
NONE: tuple[None, list[Any], str] = (None, [], "NONE")


@pytest.fixture
def gold(write_file: WriteFile, make_nq: MakeNq) -> Path:
    """An answer of two spans, a yes by two of five, and an answer by one of five."""
    both = (PARAGRAPH, [ANN, ARE], "NONE")
    records = [
        make_nq(both, both, both, NONE, NONE, example_id=1),
        make_nq(*[(PARAGRAPH, [], "YES")] * 2, *[NONE] * 3, example_id=-2),
        make_nq((PARAGRAPH, [ANN], "NONE"), *[NONE] * 4, example_id=3),
    ]
    return write_file("nq-dev.jsonl.gz", "".join(json.dumps(record) + "\n" for record in records))


def prediction(
    example_id: int, long: Any = None, short: Any = (), **changes: Any
) -> dict[str, Any]:
    """A prediction by tokens, with scores of 0."""
    spans = [{"start_token": start, "end_token": end} for start, end in short]
    made: dict[str, Any] = {
        "example_id": example_id,
        "long_answer": {"start_token": long[0], "end_token": long[1]} if long else None,
        "long_answer_score": 0.0,
        "short_answers": spans,
        "short_answers_score": 0.0,
        "yes_no_answer": "NONE",
    }
    return made | changes


def score(gold: Path, predictions: list[Any], threshold: int = 2) -> NqScores:
    """Write predictions and score them."""
    path = gold.parent / "predictions.json"
    path.write_text(json.dumps({"predictions": predictions}), encoding="utf-8")
    return score_nq(gold, path, non_null_threshold=threshold)


def score_error(gold: Path, predictions: list[Any], threshold: int = 2) -> str:
    """The message of the error that scoring raises, paths shortened to their names."""
    with pytest.raises(DataError) as caught:
        score(gold, predictions, threshold)
    return str(caught.value).replace(f"{gold.parent}/", "")


def test_file_is_scored(gold: Path) -> None:
    found = score(
        gold,
        [
            # By bytes alone: those of the whole paragraph, of Ann and of Åre.
            prediction(
                1,
                long_answer={"start_byte": 25, "end_byte": 58},
                short_answers=[
                    {"start_byte": 42, "end_byte": 45, "start_token": -1, "end_token": -1},
                    {"start_byte": 49, "end_byte": 53},
                ],
                long_answer_score=3,
                short_answers_score=1.5,
            ),
            prediction(-2, (12, 27), yes_no_answer="yes", short_answers_score=2),
            prediction(3, PARAGRAPH, [ANN], long_answer_score=2, short_answers_score=1),
        ],
    )
    # Long: 1 right (score 3), 3 without gold (2), -2 wrong (0): best is 1/1 and 1/2.
    assert found.long.best == OperatingPoint(1.0, 0.5, 3.0)
    assert found.long.unthresholded == OperatingPoint(1 / 3, 0.5)
    # Short: -2 right (2), 1 right (1.5), 3 without gold (1): best is 2/2 and 2/2.
    assert found.short.best == OperatingPoint(1.0, 1.0, 1.5)
    assert found.short.unthresholded == OperatingPoint(2 / 3, 1.0)
    assert (found.n_examples, found.long.n_gold, found.short.n_gold) == (3, 2, 2)


def test_threshold_of_one_takes_what_one_annotator_says(gold: Path) -> None:
    predictions = [prediction(1), prediction(-2), prediction(3, PARAGRAPH, [ANN])]
    assert score(gold, predictions).long.best == OperatingPoint()
    assert score(gold, predictions, 1).long.best == OperatingPoint(1.0, 1 / 3, 0.0)


def test_simplified_gold_is_scored_by_tokens(write_file: WriteFile, make_nq: MakeNq) -> None:
    record = make_nq((PARAGRAPH, [ANN], "NONE"), simplified=True)
    gold = write_file("simplified.jsonl", json.dumps(record) + "\n")
    assert score(gold, [prediction(-7, PARAGRAPH, [ANN])], 1).short.best.f1 == 1.0
    message = score_error(gold, [prediction(-7, PARAGRAPH, [ANN])])
    assert "expected examples with at least 2 annotations, found at most 1" in message
    assert "Lower the non-null threshold to 1" in message


def test_without_scores_every_prediction_counts(gold: Path) -> None:
    predictions = [prediction(1, PARAGRAPH), prediction(-2, PARAGRAPH), prediction(3, PARAGRAPH)]
    for record in predictions:
        del record["long_answer_score"]
    assert score(gold, predictions).long.best == OperatingPoint(2 / 3, 1.0, 0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"example_id": 8}, "predictions.json: expected predictions for the 3 examples of"),
        ({"example_id": 8}, "nq-dev.jsonl.gz, found 1 for others: 8."),
        ({"example_id": 1}, "predictions[2] (example 1): expected one prediction, found a second"),
        ({"example_id": None}, "predictions[2]: expected the field 'example_id'"),
        ({"yes_no_answer": "YES"}, "(example 3): expected short answers or YES, found both"),
        ({"yes_no_answer": "PERHAPS"}, "(example 3): expected 'yes_no_answer' to be one of NONE"),
        ({"long_answer_score": None}, "(example 3): expected 'long_answer_score' in every"),
        ({"long_answer_score": float("nan")}, "expected 'long_answer_score' to be a finite number"),
        ({"short_answers_score": "1"}, "'short_answers_score' to be a finite number, found str"),
        ({"long_answer": 5}, "(example 3).long_answer: expected a JSON object"),
        (
            {"short_answers": [{"start_token": 5, "end_token": 5}]},
            "(example 3).short_answers[0]: expected 'start_token' below 'end_token'",
        ),
        (
            {"long_answer": {"start_byte": 25, "end_byte": -1}},
            "(example 3).long_answer: expected 'start_byte' below 'end_byte', or -1 in both",
        ),
        (
            {"long_answer": {"start_token": 3, "end_token": 12, "start_byte": 26, "end_byte": 58}},
            "(example 3): expected bytes 25:58 for tokens 3:12, found 26:58",
        ),
        (
            {"long_answer": {"start_token": 3, "end_token": 36, "start_byte": 25, "end_byte": 58}},
            "(example 3): expected tokens within the document's 35, found tokens 3:36",
        ),
    ],
)
def test_fault_of_a_prediction_is_named_with_its_example(
    gold: Path, changes: dict[str, Any], message: str
) -> None:
    changed = prediction(3, None, [ANN]) | changes
    last = {name: value for name, value in changed.items() if value is not None}
    found = score_error(gold, [prediction(1), prediction(-2), last])
    assert found.startswith("predictions.json: ")
    assert message in found


def test_missing_predictions_are_named(gold: Path) -> None:
    found = score_error(gold, [prediction(-2)])
    assert "expected a prediction for each of the 3 examples of nq-dev.jsonl.gz" in found
    assert "found none for 2: 1, 3. Add them" in found


def test_span_copied_from_the_data_is_never_refused(write_file: WriteFile, make_nq: MakeNq) -> None:
    # The published toy example has a candidate that ends before its last token does.
    odd = {"start_token": 28, "end_token": 31, "start_byte": 10, "end_byte": 11, "top_level": False}
    record = make_nq(NONE, NONE, long_answer_candidates=[odd])
    gold = write_file("nq.jsonl", json.dumps(record) + "\n")
    assert score(gold, [prediction(-7, long_answer=odd)]).long.n_predicted == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"predictions": [\n{"example_id": 1,}]}', "p.json:2: expected one JSON object with"),
        ("[]", "p.json: expected a JSON object {…}, found list"),
        ('{"answers": []}', "p.json: expected the field 'predictions', found 'answers'"),
        ('{"predictions": 3}', "p.json: expected 'predictions' to be a list of JSON objects"),
        ('{"predictions": [3]}', "p.json: predictions[0]: expected a JSON object"),
    ],
)
def test_file_that_is_no_prediction_file_is_refused(
    write_file: WriteFile, content: str, message: str
) -> None:
    path = write_file("p.json", content)
    with pytest.raises(DataError) as caught:
        read_nq_predictions(path)
    assert str(caught.value).replace(f"{path.parent}/", "").startswith(message)


def test_gold_faults_are_named_with_their_line(
    gold: Path, write_file: WriteFile, make_nq: MakeNq
) -> None:
    line = json.dumps(make_nq(NONE, NONE)) + "\n"
    twice = write_file("twice.jsonl", line * 2)
    assert score_error(twice, [prediction(-7)]).startswith(
        "twice.jsonl:2: expected each example once, found '-7' again"
    )
    bare = write_file("bare.jsonl", line + json.dumps(make_nq(example_id=2)) + "\n")
    assert score_error(bare, [prediction(-7)]).startswith(
        "bare.jsonl:2: example '2': expected annotations, found none"
    )
    assert "expected examples, found none" in score_error(write_file("empty.jsonl", ""), [])
    with pytest.raises(ValueError, match="expected a threshold of at least 1, found 0"):
        score_nq(gold, gold, non_null_threshold=0)


def test_predictions_are_read_back_as_written(tmp_path: Path) -> None:
    written = [
        NqPrediction("-7", NqAnswer(LONG, (SHORT, NqSpan(5, 6, 42, 45))), 1.5, -2.0),
        NqPrediction("x", NqAnswer(yes_no=YesNo.NO), 0.0, 0.0),
    ]
    path = tmp_path / "p.json"
    assert write_nq_predictions(path, written) == 2
    assert [found for _, found in read_nq_predictions(path).values()] == written
    assert json.loads(path.read_text("utf-8"))["predictions"][0]["example_id"] == -7


def test_python_of_the_document_writes_predictions_that_can_be_scored(
    tmp_path: Path, make_nq: MakeNq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nq-dev-folder").mkdir()
    records = [make_nq(*[(PARAGRAPH, [ARE], "NONE")] * 2), make_nq(NONE, NONE, example_id=2)]
    records[1]["long_answer_candidates"] = []
    lines = "".join(json.dumps(record) + "\n" for record in records)
    Path("nq-dev-folder", "nq-dev-00.jsonl").write_text(lines, encoding="utf-8")

    def read(question: str, text: str) -> tuple[float, int, int]:
        start = max(text.find("Åre"), 0)
        return float(start), start, start + 3

    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    exec(compile(code, DOCUMENT.name, "exec"), {"read": read})
    scores = score_nq("nq-dev-folder", "predictions.json")
    assert scores.long.best == scores.short.best == OperatingPoint(1.0, 1.0, 17.0)
