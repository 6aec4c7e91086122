"""Training files of open-domain examples: ours, DPR's, and the faults of each."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import (
    DataError,
    OnError,
    OpenDomainExample,
    Passage,
    ReadReport,
    read_open_domain_examples,
    read_questions,
    write_open_domain_examples,
)
from preread.data.text.characters import is_blank

WriteFile = Callable[[str, str | bytes], Path]

EXAMPLE = OpenDomainExample(
    example_id="q1",
    question="Who met Zoë?",
    answers=("Ann", "Ann Lee"),
    positive=Passage("", "Zoë 🙂 met Ann.\u2028Ann left.\r\n", "T"),
    answer="Ann",
    answer_start=10,
    negatives=(Passage("7", "Zoë met Bob."), Passage("p 8", "Zoë\tleft.", "Zoë")),
)
DPR: dict[str, Any] = {
    "dataset": "nq_train_psgs_w100",
    "question": "where is etna",
    "answers": ["sicily"],
    "positive_ctxs": [
        {"title": "Etna", "text": "A volcano.", "score": 1000, "title_score": 1, "passage_id": "1"},
        {"title": "Etna", "text": "On Sicily.", "score": 999, "title_score": 1, "passage_id": "2"},
    ],
    "negative_ctxs": [{"title": "", "text": "Plain.", "score": 0, "passage_id": "3"}],
    "hard_negative_ctxs": [{"title": "", "text": "Hard.", "score": 8.5, "psg_id": 4}],
}

some_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
full_text = some_text.filter(lambda text: not is_blank(text))
passages = st.builds(
    Passage, passage_id=st.just("") | full_text.map(str), text=full_text, title=some_text
)


@st.composite
def examples(draw: st.DrawFn) -> OpenDomainExample:
    """Sound examples of any text."""
    before, answer, after = draw(some_text), draw(full_text), draw(some_text)
    return OpenDomainExample(
        example_id=draw(full_text),
        question=draw(full_text),
        answers=tuple(draw(st.lists(full_text, min_size=1, max_size=3))),
        positive=replace(draw(passages), text=before + answer + after),
        answer=answer,
        answer_start=len(before),
        negatives=tuple(draw(st.lists(passages, max_size=3))),
    )


def as_record(**changes: object) -> dict[str, Any]:
    """The example as its file has it, with changes; a field that is None is left out."""
    record = {
        "id": "q1",
        "question": "who?",
        "answers": ["Ann"],
        "positive_ctxs": [{"text": "Met Ann.", "answer": "Ann", "answer_start": 4}],
    }
    return {k: v for k, v in {**record, **changes}.items() if v is not None}


@given(written=st.lists(examples(), min_size=1, max_size=4), suffix=st.sampled_from(["", ".gz"]))
def test_what_was_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, written: list[OpenDomainExample], suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"written.jsonl{suffix}"
    assert write_open_domain_examples(path, written) == len(written)
    assert list(read_open_domain_examples(path)) == written


def test_equal_examples_give_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = tmp_path / "one.jsonl.gz", tmp_path / "other"
    write_open_domain_examples(one, [EXAMPLE])
    monkeypatch.setattr("time.time", lambda: 1e9)  # gzip's header has room for the time
    write_open_domain_examples(other, [EXAMPLE], compress=True)
    assert one.read_bytes() == other.read_bytes()
    assert gzip.decompress(one.read_bytes()).count(b"\n") == 1


def test_written_keys_are_those_of_dpr(tmp_path: Path) -> None:
    path = tmp_path / "mined.jsonl"
    write_open_domain_examples(path, [EXAMPLE])
    record = json.loads(path.read_text("utf-8"))
    assert set(record) - {"id"} == set(DPR) - {"dataset"}
    assert record["positive_ctxs"] == [
        {"title": "T", "text": EXAMPLE.positive.text, "passage_id": ""}
        | {"answer": "Ann", "answer_start": 10}
    ]
    assert record["hard_negative_ctxs"][1] == {
        "title": "Zoë",
        "text": "Zoë\tleft.",
        "passage_id": "p 8",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"answer_start": 11},
        {"answer_start": -1},
        {"answers": ()},
        {"question": " "},
        {"negatives": (Passage("1", ""),)},
        {"question": "\ud800"},
    ],
)
def test_what_could_not_be_read_back_is_not_written(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = tmp_path / "mined.jsonl"
    with pytest.raises(DataError) as caught:
        write_open_domain_examples(path, [EXAMPLE, replace(EXAMPLE, **changes)])
    assert caught.value.line == 2
    assert path.read_bytes().count(b"\n") == 1


def test_written_file_also_holds_questions(tmp_path: Path) -> None:
    path = tmp_path / "mined.jsonl"
    write_open_domain_examples(path, [EXAMPLE])
    (question,) = read_questions(path)
    assert (question.question_id, question.answers) == ("q1", EXAMPLE.answers)


@pytest.mark.parametrize("name", ["nq-train.json", "nq-train.json.gz", "nq-train"])
@pytest.mark.parametrize("indent", [None, 4])
def test_array_of_dpr_is_read(write_file: WriteFile, name: str, indent: int | None) -> None:
    content = "\n" + json.dumps([DPR, DPR | {"hard_negative_ctxs": []}], indent=indent)
    first, second = read_open_domain_examples(write_file(name, content))
    assert first == OpenDomainExample(
        example_id="0",
        question="where is etna",
        answers=("sicily",),
        positive=Passage("2", "On Sicily.", "Etna"),
        answer="Sicily",
        answer_start=3,
        negatives=(Passage("4", "Hard."),),
    )
    assert second.example_id == "1"
    assert second.negatives == (Passage("3", "Plain."),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"positive_ctxs": [{"text": "Met Ann.", "answer": "Ann", "answer_start": 3}]},
            "record 'q1': expected the answer 'Ann' at offset 3 of the positive (8 characters), "
            "found ' An'",
        ),
        (
            {"positive_ctxs": [{"text": "Met Ann.", "answer": "Ann.", "answer_start": -4}]},
            "at offset -4",
        ),
        (
            {"positive_ctxs": [{"text": "Met Ann.", "answer": "Ann"}]},
            "positive_ctxs[0]: expected 'answer_start' to be a whole number, found null",
        ),
        (
            {"positive_ctxs": [{"text": "Met Ann.", "answer_start": 4}]},
            "positive_ctxs[0]: expected the field 'answer'",
        ),
        (
            {"positive_ctxs": [{"text": "Anna."}, {"text": "Bob."}]},
            "one of the answers ['Ann'] in one of the 2 'positive_ctxs', found none there",
        ),
        ({"positive_ctxs": []}, "expected a passage that answers the question in 'positive_ctxs'"),
        ({"positive_ctxs": None}, "expected a passage that answers the question"),
        (
            {"positive_ctxs": {}},
            "'positive_ctxs' to be a list of JSON objects, found dict",
        ),
        ({"positive_ctxs": ["Ann"]}, "positive_ctxs[0]: expected a JSON object {…}, found str"),
        ({"answers": []}, "expected an answer in 'answers', found none"),
        ({"answers": None}, "expected an answer in 'answers', found none"),
        ({"answers": ["Ann", ""]}, "expected text in 'answers'"),
        ({"question": ""}, "expected text in 'question'"),
        ({"hard_negative_ctxs": [{"text": "x"}, {"text": " "}]}, "hard_negative_ctxs[1]: expected"),
        ({"hard_negative_ctxs": [{"title": "x"}]}, "expected the field 'text'"),
        ({"negative_ctxs": [{"text": "x", "passage_id": 1.5}]}, "negative_ctxs[0]: expected"),
    ],
)
def test_fault_is_named_with_its_line(
    write_file: WriteFile, changes: dict[str, Any], message: str
) -> None:
    lines = [as_record(), as_record(**changes), as_record(id=None)]
    path = write_file("mined.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(DataError) as caught:
        list(read_open_domain_examples(path))
    assert str(caught.value).startswith(f"{path}:2: ")
    assert message in str(caught.value)
    report = ReadReport()
    found = list(read_open_domain_examples(path, on_error=OnError.SKIP, report=report))
    assert [example.example_id for example in found] == ["q1", "2"]
    assert (report.n_read, report.n_skipped) == (2, 1)


def test_fault_in_an_array_is_named_with_the_line_of_its_record(write_file: WriteFile) -> None:
    content = f"[\n{json.dumps(DPR)},\n{json.dumps(DPR | {'answers': []})},\n3\n]"
    path = write_file("train.json", content)
    report = ReadReport()
    found = list(read_open_domain_examples(path, on_error=OnError.SKIP, report=report))
    assert len(found) == 1
    assert [error.line for error in report.errors] == [3, 4]


def test_lines_are_streamed_up_to_the_limit(write_file: WriteFile) -> None:
    path = write_file("mined.jsonl", json.dumps(as_record()) + "\n{broken\n")
    assert len(list(read_open_domain_examples(path, limit=1))) == 1
    drawn = read_open_domain_examples(path)
    assert next(drawn).question == "who?"
    with pytest.raises(DataError, match="mined.jsonl:2: expected one JSON object"):
        next(drawn)


def test_missing_file_is_told_before_the_first_record_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found nothing. Check the path"):
        read_open_domain_examples(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize("content", ["", "\n", "[]"])
def test_file_without_a_record_holds_no_example(write_file: WriteFile, content: str) -> None:
    with pytest.raises(DataError, match="holds no example"):
        list(read_open_domain_examples(write_file("mined", content)))
