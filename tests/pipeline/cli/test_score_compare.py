"""The commands that score predictions and compare two systems."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from preread.data.sample import sample_questions_path

Preread = Callable[..., Any]

QUESTIONS = [
    {"id": "a", "question": "who?", "answer": ["Zo\u00e9", "the Cat"]},
    {"id": "b", "question": "when?", "answer": ["1998"]},
    {"id": "c", "question": "why?", "answer": []},
    {"id": "d", "question": "where?", "answer": ["New York City"]},
]


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """Four questions, one of them without an answer."""
    return write_lines(tmp_path / "gold.jsonl", QUESTIONS)


def write_lines(path: Path, records: list[dict[str, Any]]) -> Path:
    """Write JSON lines."""
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return path


def predict(path: Path, *predictions: str, by: str = "id") -> Path:
    """Write predictions to the first questions."""
    pairs = zip(QUESTIONS, predictions, strict=False)
    return write_lines(path, [{by: q[by], "prediction": text} for q, text in pairs])


def test_score_counts_missing_predictions_as_wrong(
    preread: Preread, gold: Path, tmp_path: Path
) -> None:
    found = preread("score", gold, predict(tmp_path / "p.jsonl", "Zoe\u0301", "in 1998"), "--json")
    scores = json.loads(found.out)
    assert scores["exact_match"] == 25.0  # the question without an answer got none
    assert scores["f1"] == pytest.approx(100 * (0 + 2 / 3 + 1 + 0) / 4, abs=0.01)
    assert scores["exact_match_nq_open"] == 50.0
    assert (scores["n_questions"], scores["n_missing"], scores["n_without_gold"]) == (4, 2, 1)
    assert scores["answer_match"] == "string"
    low, high = scores["f1_interval"]
    assert 0 <= low < scores["f1"] < high <= 100


def test_all_forms_of_predictions_score_alike(preread: Preread, gold: Path, tmp_path: Path) -> None:
    texts = ("a cat", "1998", "", "York")
    squad = {str(q["id"]): text for q, text in zip(QUESTIONS, texts, strict=True)}
    (tmp_path / "squad.json").write_text(json.dumps(squad, indent=1))
    files = [
        predict(tmp_path / "ids.jsonl", *texts),
        predict(tmp_path / "questions.jsonl", *texts, by="question"),
        tmp_path / "squad.json",
    ]
    outputs = {preread("score", gold, path, "--json").out for path in files}
    assert len(outputs) == 1
    scores = json.loads(outputs.pop())
    assert (scores["exact_match"], scores["f1"]) == (75.0, 87.5)
    assert "75.0 (" in preread("score", gold, files[0]).out


def test_patterns_score_curated_trec(preread: Preread, tmp_path: Path) -> None:
    topics = tmp_path / "topics.tsv"
    topics.write_text("1\twhat bird is it\n2\twhat year was it\n")
    patterns = tmp_path / "patterns.txt"
    patterns.write_text("1 tur(key|tle)\n2 19\\d\\d\n")
    predictions = write_lines(
        tmp_path / "p.jsonl",
        [{"id": 1, "prediction": "Turkey"}, {"id": 2, "prediction": "in 1998"}],
    )
    found = preread("score", topics, predictions, "--patterns", patterns, "--json")
    scores = json.loads(found.out)
    assert (scores["exact_match"], scores["f1"], scores["answer_match"]) == (50.0, 50.0, "regex")


def test_evaluate_takes_topics_and_patterns(
    preread: Preread, sample_index: Path, tmp_path: Path
) -> None:
    topics, patterns = tmp_path / "topics.tsv", tmp_path / "patterns.txt"
    topics.write_text("7\twhat is the belt of volcanoes around the pacific called\n")
    patterns.write_text("7 (the )?ring of f\\w+\n")
    options = ("--patterns", patterns, "--top-k", 2, "--json")
    scores = json.loads(preread("evaluate", sample_index, topics, *options).out)
    assert (scores["exact_match"], scores["top_k_accuracy"]["1"]) == (100.0, 100.0)
    assert scores["answer_match"] == "regex"


def test_compare_counts_wins_and_tests_them(preread: Preread, gold: Path, tmp_path: Path) -> None:
    scored = {}
    for name, texts in {
        "a": ("big red cat", "1997", "", "York"),
        "b": ("red cat", "1998", "x", "New York City"),
    }.items():
        scored[name] = tmp_path / f"{name}.scored.jsonl"
        predictions = predict(tmp_path / f"{name}.jsonl", *texts)
        preread("score", gold, predictions, "--scored", scored[name])
    found = preread("compare", scored["a"], scored["b"], "--json", "--show", 4)
    content = json.loads(found.out)
    exact, f1 = content["exact_match"], content["f1"]
    assert (exact["a"], exact["b"], exact["difference"]) == (25.0, 50.0, 25.0)
    assert (exact["wins"], exact["losses"], exact["ties"]) == (2, 1, 1)
    assert (f1["wins"], f1["losses"], f1["ties"]) == (3, 1, 0)
    assert f1["difference"] == pytest.approx(100 * (2 / 3 - 1 / 2 + 1 - 1 + 1 / 2) / 4, abs=0.01)
    assert exact["interval"][0] < 0 < exact["interval"][1]
    assert content["mcnemar_p"] == 1.0
    assert [pair["a"]["id"] for pair in content["differing"]] == ["b", "c", "d", "a"]

    swapped = json.loads(preread("compare", scored["b"], scored["a"], "--json").out)
    assert swapped["f1"]["difference"] == -f1["difference"]
    assert swapped["f1"]["interval"] == [-end for end in reversed(f1["interval"])]
    same = json.loads(preread("compare", scored["a"], scored["a"], "--json").out)
    assert same["f1"]["interval"] == [0.0, 0.0] and same["f1"]["ties"] == 4
    shown = preread("compare", scored["a"], scored["b"], "--show", 1).out
    assert "when?  [b]  gold: 1998" in shown and "why?" not in shown


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "z"}, "b.jsonl:1: expected question 'z' in "),
        ({"gold": ["1999"]}, "b.jsonl:1: question 'b': expected the question and gold answers of"),
        ({"f1": "high"}, "b.jsonl:1: expected 'f1' to be a finite number, found str 'high'"),
        ({"f1": None}, "b.jsonl:1: expected 'f1' to be a finite number"),
    ],
)
def test_files_that_cannot_be_compared_are_named(
    preread: Preread, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    line = {"id": "b", "question": "when?", "gold": ["1998"], "prediction": "1998",
            "exact_match": 1.0, "f1": 1.0}  # fmt: skip
    a = write_lines(tmp_path / "a.jsonl", [line])
    b = write_lines(tmp_path / "b.jsonl", [line | change])
    found = preread("compare", a, b)
    assert (found.code, found.out) == (2, "")
    assert message in found.err.replace(f"{tmp_path}/", "")


def test_question_of_one_file_only_is_named(preread: Preread, tmp_path: Path) -> None:
    line = {"id": "b", "question": "?", "gold": [], "prediction": "", "exact_match": 1, "f1": 1}
    a = write_lines(tmp_path / "a.jsonl", [line, line | {"id": "c"}])
    b = write_lines(tmp_path / "b.jsonl", [line])
    message = "a.jsonl:2: expected question 'c' in b.jsonl too"
    assert message in preread("compare", a, b).err.replace(f"{tmp_path}/", "")
    twice = write_lines(tmp_path / "twice.jsonl", [line, line])
    assert "twice.jsonl:2: expected one line for question 'b'" in preread(
        "compare", twice, b
    ).err.replace(f"{tmp_path}/", "")
    empty = write_lines(tmp_path / "empty.jsonl", [])
    assert "expected at least one scored answer" in preread("compare", empty, b).err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("score", "{tmp}/gold.jsonl", "{tmp}/other.jsonl"), "other.jsonl:1: expected a predict"),
        (("score", "{tmp}/gold.jsonl", "{tmp}/gold.jsonl"), "gold.jsonl:1: expected a string in"),
        (("score", "{tmp}/bare.jsonl", "{tmp}/other.jsonl"), "bare.jsonl:1: expected the answers"),
        (("score", "{tmp}/gold.jsonl", "{tmp}/nowhere"), "nowhere: expected a file"),
        (("evaluate", "{index}", "{tmp}/bare.jsonl"), "bare.jsonl:1: expected the answers"),
        (("evaluate", "{index}", "{tmp}/gold.jsonl", "--resume"), "name one"),
        (("evaluate", "{index}", "{tmp}/gold.jsonl", "--report", "x.doc"), "x.doc: expected"),
    ],
)
def test_mistakes_are_named_with_file_and_line(
    preread: Preread,
    gold: Path,
    sample_index: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    write_lines(tmp_path / "other.jsonl", [{"id": "z", "prediction": "x"}])
    write_lines(tmp_path / "bare.jsonl", [{"question": "who?"}])
    places = {"tmp": tmp_path, "index": sample_index}
    found = preread(*(argument.format(**places) for argument in arguments))
    assert (found.code, found.out) == (2, "")
    assert message in found.err, found.err
    assert "Traceback" not in found.err


@pytest.mark.slow
def test_score_and_compare_need_neither_torch_nor_java(gold: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    predictions = predict(tmp_path / "p.jsonl", "x")
    code = (
        "import sys; from preread.pipeline.cli.main import app\n"
        "from typer.testing import CliRunner\n"
        f"done = CliRunner().invoke(app, ['score', {str(gold)!r}, {str(predictions)!r}])\n"
        "assert done.exit_code == 0, done.output\n"
        "print(*sorted({'torch', 'jnius', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


def test_sample_questions_score_their_own_answers_right(preread: Preread, tmp_path: Path) -> None:
    lines = sample_questions_path().read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    predictions = write_lines(
        tmp_path / "p.jsonl",
        [{"id": r["id"], "prediction": (r["answer"] or [""])[0]} for r in records],
    )
    scores = json.loads(preread("score", sample_questions_path(), predictions, "--json").out)
    assert (scores["exact_match"], scores["f1"]) == (100.0, 100.0)
    assert scores["exact_match_interval"] == [100.0, 100.0]
