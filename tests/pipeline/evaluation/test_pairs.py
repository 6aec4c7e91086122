"""``preread evaluate-pairs`` on classifiers and on choices."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from preread.reader import DeformerForMultipleChoice, DeformerForSequenceClassification, Reader

ARTICLE = {
    "article": "Etna is on Sicily.",
    "questions": ["Where is Etna?"],
    "options": [["Rome", "Sicily", "Naples", "Milan"]],
    "answers": ["B"],
}


@pytest.fixture(scope="module")
def data(tiny_reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier and a reader of choices, both random, and a data set for each."""
    folder = tmp_path_factory.mktemp("pairs")
    for name, kind in (
        ("classifier", DeformerForSequenceClassification),
        ("chooser", DeformerForMultipleChoice),
    ):
        config = type(tiny_reader.config).from_dict(tiny_reader.config.to_dict())
        if name == "classifier":
            config.id2label = {0: "false", 1: "true"}
        torch.manual_seed(0)
        kind(config).save_pretrained(folder / name)
        tiny_reader.tokenizer.save_pretrained(folder / name)
    rows = [
        {"question": f"is it {number}", "passage": f"It is {number % 7}.", "answer": number < 7}
        for number in range(40)
    ]
    (folder / "boolq.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "race").mkdir()
    (folder / "race" / "1.txt").write_text(json.dumps(ARTICLE))
    return folder


def scores(preread: Callable[..., Any], *arguments: object) -> dict[str, Any]:
    """What the command prints."""
    finished = preread("evaluate-pairs", *arguments, "--json")
    assert finished.code == 0, finished.err
    found: dict[str, Any] = json.loads(finished.out)
    return found


def test_a_classifier_in_its_three_modes(preread: Callable[..., Any], data: Path) -> None:
    arguments = data / "classifier", data / "boolq.jsonl"
    by_mode = {
        mode: scores(preread, *arguments, "--mode", mode)
        for mode in ("full", "decomposed", "stored")
    }
    assert [by_mode[mode]["num_lower_layers"] for mode in by_mode] == [0, 2, 2]
    spot, stored = by_mode["decomposed"], by_mode["stored"]
    assert spot["n_examples"] == 40 and spot["stored_segment"] == "second"
    assert {**stored, "mode": "decomposed"} == spot
    low, high = spot["accuracy_interval"]
    assert low <= spot["accuracy"] <= high
    other = scores(preread, *arguments, "--mode", "stored", "--stored-segment", "first")
    assert other["stored_segment"] == "first" and other["accuracy"] == spot["accuracy"]


def test_accuracy_and_f1_are_those_of_what_is_said(preread: Callable[..., Any], data: Path) -> None:
    from preread.data import read_pairs
    from preread.reader import PairReader

    reader = PairReader.load(str(data / "classifier"))
    judged = [(f.gold, said) for f, said in reader.judge(read_pairs(data / "boolq.jsonl"))]
    n_both = sum(gold == said == 1 for gold, said in judged)
    n_gold, n_said = (sum(column) for column in zip(*judged, strict=True))
    found = scores(preread, data / "classifier", data / "boolq.jsonl")
    assert found["accuracy"] == 100 * sum(gold == said for gold, said in judged) / 40
    assert found["f1"] == round(200 * n_both / (n_gold + n_said), 2)


def test_choices_have_accuracy_alone(preread: Callable[..., Any], data: Path) -> None:
    found = scores(preread, data / "chooser", data / "race", "--mode", "stored")
    assert found["n_examples"] == 1 and found["accuracy"] in (0.0, 100.0) and "f1" not in found
    printed = preread("evaluate-pairs", data / "chooser", data / "race")
    assert "stored segment" in printed.out and " to " in printed.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{data}/classifier", "{data}/race"), "expected pairs with labels, .* found questions"),
        (("{data}/chooser", "{data}/boolq.jsonl"), "expected questions with choices"),
        (("{data}/classifier", "{data}/none.jsonl"), "none.jsonl"),
        (("{data}/nothing", "{data}/race"), "expected a reader's folder"),
        (("{data}/classifier", "{data}/boolq.jsonl", "--mode", "half"), "one of full"),
        (("{data}/classifier", "{data}/boolq.jsonl", "--stored-segment", "a"), "first or second"),
        (
            ("{data}/classifier", "{data}/boolq.jsonl", "--mode", "stored", "--codec", "rpq8"),
            "expected float16 or int8, found rpq8",
        ),
    ],
)
def test_mistakes_are_one_clear_error(
    arguments: tuple[str, ...], message: str, preread: Callable[..., Any], data: Path
) -> None:
    import re

    finished = preread("evaluate-pairs", *(a.format(data=data) for a in arguments))
    assert finished.code == 2 and re.search(message, finished.err), finished.err


def test_a_span_reader_is_refused(preread: Callable[..., Any], data: Path,
                                  tiny_reader_path: Path) -> None:  # fmt: skip
    finished = preread("evaluate-pairs", tiny_reader_path, data / "boolq.jsonl")
    assert finished.code == 2 and "found DeformerForQuestionAnswering" in finished.err
