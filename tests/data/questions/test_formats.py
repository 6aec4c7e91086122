"""Every question format, with the faults of each."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import (
    DataError,
    OnError,
    Question,
    QuestionFormat,
    ReadingExample,
    ReadReport,
    detect_question_format,
    read_examples,
    read_questions,
)
from preread.data.text.characters import is_blank

WriteFile = Callable[[str, str | bytes], Path]

NQ_OPEN = '{"question": "who?", "answer": ["Ann", "Bob"]}\n{"question": "when?"}\n'
EXAMPLE: dict[str, Any] = {
    "id": "e1",
    "title": "T",
    "context": "Zoë 🙂 met Ann. Ann left.",
    "question": "Who met Zoë?",
    "answers": ["Ann", "Ann"],
    "answer_starts": [10, 15],
    "source": "test",
}
SQUAD: dict[str, Any] = {
    "version": "v2.0",
    "data": [
        {
            "title": "T",
            "paragraphs": [
                {
                    "context": EXAMPLE["context"],
                    "qas": [
                        {
                            "id": "e1",
                            "question": "Who met Zoë?",
                            "answers": [
                                {"text": "Ann", "answer_start": 10},
                                {"text": "Ann", "answer_start": 15},
                            ],
                            "is_impossible": False,
                        },
                        {
                            "id": "e2",
                            "question": "Who came?",
                            "answers": [],
                            "plausible_answers": [{"text": "Ann", "answer_start": 10}],
                            "is_impossible": True,
                        },
                    ],
                }
            ],
        }
    ],
}


def as_line(**changes: object) -> str:
    """The example as a line of JSON, with changes; a field that is None is left out."""
    record = {**EXAMPLE, **changes}
    return json.dumps({k: v for k, v in record.items() if v is not None}) + "\n"


def read_error(path: Path, read: Callable[..., object] = read_examples) -> str:
    """The message of the error that reading the file raises, path shortened to its name."""
    with pytest.raises(DataError) as caught:
        list(read(path))  # type: ignore[call-overload]
    return str(caught.value).replace(f"{path.parent}/", "")


@pytest.mark.parametrize("name", ["q.jsonl", "q.jsonl.gz", "q"])
def test_nq_open_lines_become_questions(write_file: WriteFile, name: str) -> None:
    path = write_file(name, NQ_OPEN + '{"question": "why?", "id": 12, "answer": []}\n')
    assert detect_question_format(path) is QuestionFormat.NQ_OPEN
    assert list(read_questions(path)) == [
        Question("0", "who?", ("Ann", "Bob")),
        Question("1", "when?", is_labelled=False),
        Question("12", "why?"),
    ]


def test_question_id_counts_records_that_were_skipped(write_file: WriteFile) -> None:
    path = write_file("q.jsonl", NQ_OPEN.encode() + b'\n\xff\nbroken\n{"question": "why?"}\n')
    questions = list(read_questions(path, on_error=OnError.SKIP))
    assert [question.question_id for question in questions] == ["0", "1", "4"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"answer": ["x"]}', "expected the field 'question', found only 'answer'"),
        ('{"question": ""}', "expected text in 'question', found it empty"),
        ('{"question": "q", "answer": "x"}', "'answer' to be a list of strings, found str 'x'"),
        ('{"question": "q", "answer": [1]}', "'answer' to be a list of strings, found list [1]"),
        ('{"question": "q", "answer": [""]}', "expected text in 'answer', found ['']"),
        ('{"question": "q", "question_id": {}}', "expected 'question_id' to be a string or"),
    ],
)
def test_nq_open_fault_is_named_with_its_line(
    write_file: WriteFile, line: str, message: str
) -> None:
    path = write_file("q.jsonl", NQ_OPEN + line + "\n")
    found = read_error(path, read_questions)
    assert found.startswith("q.jsonl:3: ")
    assert message in found


def test_formats_say_whether_they_have_a_context(write_file: WriteFile) -> None:
    path = write_file("q", as_line())
    for format in set(QuestionFormat) - {QuestionFormat.AUTO}:
        try:
            read_examples(path, format=format)
        except DataError:
            assert not format.has_context
        else:
            assert format.has_context


def test_nq_open_has_no_context_to_read(write_file: WriteFile) -> None:
    found = read_error(write_file("q.jsonl", NQ_OPEN))
    assert "expected questions with their context (squad, jsonl, nq)" in found
    assert "'nq-open', which has no context" in found


@pytest.mark.parametrize("name", ["q.qas.csv", "q.tsv", "q.tsv.gz", "q"])
def test_dpr_rows_become_questions(write_file: WriteFile, name: str) -> None:
    rows = [
        "who?\t['Ann', \"Bob's\"]",
        'what "it"?\t"[""a \'b\' c"", ""d""]"',
        'where?\t["back\\\\slash \\\\d"]',
        "when?",
        "",
        "why?\t[]",
    ]
    path = write_file(name, "\n".join(rows))
    assert detect_question_format(path) is QuestionFormat.DPR
    assert list(read_questions(path)) == [
        Question("0", "who?", ("Ann", "Bob's")),
        Question("1", 'what "it"?', ("a 'b' c", "d")),
        Question("2", "where?", ("back\\slash \\d",)),
        Question("3", "when?", is_labelled=False),
        Question("4", "why?"),
    ]


@given(
    answers=st.lists(
        st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: not is_blank(text))
    )
)
def test_dpr_answers_written_by_python_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, answers: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.qas.csv"
    path.write_text(f"who?\t{answers!r}\n", encoding="utf-8", newline="")
    assert list(read_questions(path)) == [Question("0", "who?", tuple(answers))]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("q\t['a'\n", "expected the answers as a list"),
        ("q\tAnn\n", "expected the answers as a list"),
        ("q\t'Ann'\n", "expected 'answers' to be a list of strings, found str 'Ann'"),
        ("q\t[1]\n", "expected 'answers' to be a list of strings, found list [1]"),
        ("q\t__import__('os')\n", "expected the answers as a list"),
        ("q\t['a']\tx\n", "expected 2 tab-separated fields (question, answers), found 3"),
        (" \t['a']\n", "expected a question, found it empty"),
        ("\"who, then?\",\"['a', 'b']\"\n", "expected a tab between the question and its answers"),
        ("question,answers\n", "expected a tab between the question and its answers"),
        (f"q\t{'[' * 10_000}\n", "expected the answers as a list"),
    ],
)
def test_dpr_fault_is_named_with_its_line(write_file: WriteFile, row: str, message: str) -> None:
    found = read_error(write_file("q.tsv", "q\t['a']\n" + row), read_questions)
    assert found.startswith("q.tsv:2: ")
    assert message in found


@pytest.mark.parametrize("name", ["e.jsonl", "e.jsonl.gz"])
def test_jsonl_lines_become_examples_and_questions(write_file: WriteFile, name: str) -> None:
    content = as_line() + as_line(id=None, answers=None, answer_starts=None, is_impossible=True)
    path = write_file(name, content + as_line(id=7, title=None, multi_span=True))
    assert detect_question_format(path) is QuestionFormat.JSONL
    context = EXAMPLE["context"]
    answers, starts = ("Ann", "Ann"), (10, 15)
    assert list(read_examples(path)) == [
        ReadingExample("e1", "Who met Zoë?", context, answers, starts, "T"),
        ReadingExample("1", "Who met Zoë?", context, title="T", is_impossible=True),
        ReadingExample("7", "Who met Zoë?", context, answers, starts, multi_span=True),
    ]
    assert [question.answers for question in read_questions(path)] == [("Ann",), (), ("Ann",)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"answer_starts": [10, 14]},
            "record 'e1': expected the answer 'Ann' at offset 14 of the context "
            "(24 characters), found ' An'",
        ),
        ({"answer_starts": [10, 99]}, "at offset 99 of the context (24 characters), found ''"),
        ({"answers": ["t."], "answer_starts": [-2]}, "expected the answer 't.' at offset -2"),
        ({"answer_starts": [10]}, "record 'e1': expected one offset for each answer, found 2"),
        ({"answer_starts": ["10", "15"]}, "'answer_starts' to be a list of whole numbers"),
        ({"answer_starts": [10, True]}, "'answer_starts' to be a list of whole numbers"),
        ({"is_impossible": True}, "record 'e1': expected no answers because 'is_impossible'"),
        ({"is_impossible": 1}, "expected 'is_impossible' to be true or false, found int 1"),
        ({"context": None}, "expected the field 'context'"),
        ({"answers": "Ann"}, "expected 'answers' to be a list of strings, found str 'Ann'"),
    ],
)
def test_jsonl_fault_is_named_with_its_line(
    write_file: WriteFile, changes: dict[str, Any], message: str
) -> None:
    path = write_file("e.jsonl", as_line(id="e0") + as_line(**changes))
    found = read_error(path)
    assert found.startswith("e.jsonl:2: ")
    assert message in found
    report = ReadReport()
    assert len(list(read_examples(path, on_error=OnError.SKIP, report=report))) == 1
    assert report.n_skipped == 1


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", ["s.json", "s.json.gz"])
def test_squad_becomes_examples_and_questions(
    write_file: WriteFile, name: str, indent: int | None
) -> None:
    path = write_file(name, json.dumps(SQUAD, indent=indent))
    assert detect_question_format(path) is QuestionFormat.SQUAD
    context = EXAMPLE["context"]
    assert list(read_examples(path)) == [
        ReadingExample("e1", "Who met Zoë?", context, ("Ann", "Ann"), (10, 15), "T"),
        ReadingExample("e2", "Who came?", context, title="T", is_impossible=True),
    ]
    assert list(read_questions(path, limit=1)) == [Question("e1", "Who met Zoë?", ("Ann",))]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("answers", [{"text": "Bob", "answer_start": 10}], "record 'e1': expected the answer"),
        ("answers", [{"text": "Ann"}], "qas[0]: expected 'answer_start' to be a whole number"),
        ("answers", [{"text": "Ann", "answer_start": "10"}], "found str '10'"),
        ("answers", ["Ann"], "qas[0]: expected a JSON object {…}, found str 'Ann'"),
        ("answers", "Ann", "qas[0]: expected a list in 'answers', found 'Ann'"),
        ("question", "", "data[0].paragraphs[0].qas[0]: expected text in 'question'"),
        ("id", 1.5, "qas[0]: expected 'id' to be a string or a whole number"),
    ],
)
def test_squad_fault_is_named_with_its_record(
    write_file: WriteFile, key: str, value: object, message: str
) -> None:
    squad = json.loads(json.dumps(SQUAD))
    squad["data"][0]["paragraphs"][0]["qas"][0][key] = value
    path = write_file("s.json", json.dumps(squad))
    assert message in read_error(path)
    found = list(read_examples(path, on_error=OnError.SKIP))
    assert [example.example_id for example in found] == ["e2"]


def test_squad_paragraph_without_questions_is_named_and_can_be_skipped(
    write_file: WriteFile,
) -> None:
    squad = json.loads(json.dumps(SQUAD))
    squad["data"].insert(0, {"title": "bad", "paragraphs": [{"context": "c"}, 3]})
    path = write_file("s.json", json.dumps(squad))
    assert read_error(path).startswith("s.json: data[0].paragraphs[0]: expected a list in 'qas'")
    report = ReadReport()
    assert len(list(read_examples(path, on_error=OnError.SKIP, report=report))) == 2
    assert report.n_skipped == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{\n"data": [}', "s.json:2: expected SQuAD's JSON"),
        ('{"data": 3}', "s.json: expected a list in 'data', found 3"),
        ("[]", "s.json: expected a JSON object"),
    ],
)
def test_file_that_is_not_squad_is_refused_whatever_the_policy(
    write_file: WriteFile, content: str, message: str
) -> None:
    path = write_file("s.json", content)
    with pytest.raises(DataError) as caught:
        list(read_examples(path, format=QuestionFormat.SQUAD, on_error=OnError.SKIP))
    assert message in str(caught.value)


def test_empty_squad_holds_no_example(write_file: WriteFile) -> None:
    path = write_file("s.json", '{"data": []}')
    assert "holds no example" in read_error(path)
    assert "holds no question" in read_error(path, read_questions)


def test_sentence_pairs_are_refused_with_the_choices(write_file: WriteFile) -> None:
    path = write_file("pairs.jsonl", '{"id": "1", "text_a": "a", "text_b": "b", "label": "x"}\n')
    found = read_error(path)
    assert "nq-open, dpr, squad, jsonl" in found
    assert "'text_a', 'text_b'" in found
