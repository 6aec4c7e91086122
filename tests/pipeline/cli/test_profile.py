"""``preread profile``: what it prints, and how it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
Preread = Callable[..., Any]
SHORT = ("--question-tokens", 5, "--passage-tokens", 20)


def test_profile_prints_one_json_object(preread: Preread) -> None:
    finished = preread("profile", "default", "--layout", "qqp", "--flops-only", *SHORT, "--json")
    assert finished.code == 0, finished.err
    content = json.loads(finished.out)
    assert content["reader"] == "default" and content["num_lower_layers"] == 4
    tokens = {(r["question_tokens"], r["passage_tokens"]) for r in content["rows"]}
    assert tokens == {(42, 58), (5, 20)}
    assert {r["stored"] for r in content["rows"]} == {"second"}


def test_profile_measures_time_and_memory(preread: Preread, tiny_reader_path: Path) -> None:
    finished = preread("profile", tiny_reader_path, "--layout", "qqp", "--repeat", 5, *SHORT)
    assert finished.code == 0, finished.err
    assert "trained" in finished.out and "least-most" in finished.out
    row = next(line for line in finished.out.splitlines() if "stored" in line)
    assert "qqp padded" in row and len(row.split()) == 10


def test_profile_of_a_shape_says_that_its_weights_are_random(preread: Preread) -> None:
    arguments = ("--layers", 6, "--layout", "mnli", "--stored", "second", "--flops-only")
    finished = preread("profile", "bert-base", *arguments, *SHORT)
    assert "random: of this shape" in finished.out and "least-most" not in finished.out
    assert "num lower layers   6" in finished.out


def test_sweep_prints_storage_and_f1_and_draws(
    preread: Preread, tiny_reader_path: Path, tmp_path: Path
) -> None:
    curve, plot = tmp_path / "curve.json", tmp_path / "sweep.svg"
    scores = {"sample": {"f1": 61.25}}
    curve.write_text(json.dumps({"rows": [{"num_lower_layers": 3, "scores": scores}]}))
    arguments = (tiny_reader_path, "--sweep", "--layout", "qqp", "--flops-only", *SHORT)
    files = ("--accuracy", curve, "--plot", plot)
    shown = preread("profile", *arguments, *files)
    assert shown.code == 0, shown.err
    assert "rpq8" in shown.out and "61.2" in shown.out
    assert plot.read_text("utf-8").count("<svg") == 1
    content = json.loads(preread("profile", *arguments, "--json", "--accuracy", curve).out)
    assert [r["num_lower_layers"] for r in content["rows"]] == [0, 1, 2, 3] * 2
    assert content["f1"] == {"sample": {"3": 61.25}}
    assert {s["codec"] for s in content["storage"]} >= {"float16", "int8", "pq16", "rpq8"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--plot", "x.png"), "expected --sweep with them"),
        (("--sweep", "--layers", 3), "Leave out --layers, or --sweep"),
        (("--layout", "nli"), "found 'nli'"),
        (("--repeat", 1), "--repeat: expected 5 or more"),
        (("--layers", 7), "num_lower_layers must lie in 0..6"),
    ],
)
def test_profile_refuses_in_one_line(
    preread: Preread, arguments: tuple[object, ...], message: str
) -> None:
    finished = preread("profile", "default", *arguments)
    assert finished.code == 2 and finished.out == ""
    last = finished.err.splitlines()[-1]
    assert last.startswith("error: ") and message in last
