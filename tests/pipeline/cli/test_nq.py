"""Natural Questions from the command line: an index of its pages, its questions, its scores."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = [
    ["<P>", *"Mount Etna is a volcano near Catania .".split(), "</P>"],
    ["<Ul>", "<Li>", "Vesuvius", "</Li>", "<Li>", "Stromboli", "</Li>", "</Ul>"],
]


@pytest.fixture
def nq(tmp_path: Path) -> Path:
    """Two simplified records of one page: where Etna is, and a question without an answer."""
    spans = [{"start_token": 0, "end_token": 10}, {"start_token": 10, "end_token": 18}]
    etna = {
        "long_answer": spans[0],
        "short_answers": [{"start_token": 8, "end_token": 9}],
        "yes_no_answer": "NONE",
    }
    null = {"long_answer": {"start_token": -1, "end_token": -1}, "short_answers": []}
    records: list[dict[str, Any]] = [
        {
            "example_id": number,
            "question_text": question,
            "document_url": "https://en.wikipedia.org/wiki/Mount_Etna",
            "document_text": " ".join(token for part in PAGE for token in part),
            "long_answer_candidates": [span | {"top_level": True} for span in spans],
            "annotations": [annotation],
        }
        for number, question, annotation in [
            (1, "what city is mount etna near", etna),
            (2, "when did etna last erupt", null),
        ]
    ]
    path = tmp_path / "simplified-nq-train.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.mark.slow
def test_index_and_questions_come_of_one_file(
    preread: Callable[..., Any], nq: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    built = preread("index", nq, index, "--json")
    assert built.code == 0, built.err
    assert json.loads(built.out)["n_passages"] == 2
    assert "2 read, 0 skipped, 1 left out (page seen before: 1)" in built.err
    found = preread("evaluate", index, nq, "--format", "nq", "--json")
    assert found.code == 0, found.err
    scores = json.loads(found.out)
    assert (scores["n_questions"], scores["top_k_accuracy"]["1"]) == (1, 100.0)
    assert "1 read, 0 skipped, 1 left out (no answer: 1)" in found.err


def test_score_nq_prints_percent(preread: Callable[..., Any], nq: Path, tmp_path: Path) -> None:
    path = tmp_path / "predictions.json"
    right = {
        "long_answer": {"start_token": 0, "end_token": 10},
        "short_answers": [{"start_token": 7, "end_token": 9}],
        "long_answer_score": 2.0,
        "short_answers_score": 2.0,
    }
    predictions = [right | {"example_id": 1}, right | {"example_id": 2, "long_answer_score": 1.0}]
    path.write_text(json.dumps({"predictions": predictions}), encoding="utf-8")
    found = preread("score-nq", nq, path, "--non-null-threshold", 1, "--json")
    assert found.code == 0, found.err
    assert json.loads(found.out) == {
        "n_examples": 2,
        "long_answer": {"f1": 100.0, "precision": 100.0, "recall": 100.0, "threshold": 2.0},
        "long_answer_without_threshold": {"f1": 66.67, "precision": 50.0, "recall": 100.0},
        "long_answer_recall_at_precision": {"0.5": 100.0, "0.75": 100.0, "0.9": 100.0},
        "long_answer_counts": {"gold": 1, "predicted": 2},
        "short_answer": {"f1": 0.0, "precision": 0.0, "recall": 0.0, "threshold": None},
        "short_answer_without_threshold": {"f1": 0.0, "precision": 0.0, "recall": 0.0},
        "short_answer_recall_at_precision": {"0.5": 0.0, "0.75": 0.0, "0.9": 0.0},
        "short_answer_counts": {"gold": 1, "predicted": 2},
    }
    assert "long answer" in preread("score-nq", nq, path, "--non-null-threshold", 1).out
    refused = preread("score-nq", nq, path)
    assert refused.code == 2 and "Lower the non-null threshold to 1" in refused.err
