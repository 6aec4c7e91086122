"""Pairs of texts and questions with choices, in every format they are released in."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from preread.data import (
    ChoiceExample,
    DataError,
    OnError,
    PairExample,
    PairFormat,
    ReadReport,
    read_choices,
    read_pairs,
)

WriteFile = Callable[[str, str | bytes], Path]

BOOLQ = [
    {"question": "is etna a volcano", "title": "Etna", "answer": True, "passage": "It erupts."},
    {"question": "is etna in rome", "title": "Etna", "answer": False, "passage": "On Sicily."},
]
MNLI = [
    {"pairID": "1e", "sentence1": "Rain fell.", "sentence2": "It rained.", "gold_label": "neutral"},
    {"pairID": "2n", "sentence1": "Rain fell.", "sentence2": "Snow fell.", "gold_label": "-"},
]
MNLI_HEADER = "index\tpromptID\tpairID\tsentence1\tsentence2\tlabel1\tgold_label\n"
QQP_HEADER = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
ARTICLE = {
    "id": "high1.txt",
    "article": "Etna is on Sicily. It erupts.",
    "questions": ["Where is Etna?", "Etna _ often."],
    "options": [["Rome", "Sicily"], ["erupts", "sleeps"]],
    "answers": ["B", "A"],
}


def lines(records: Sequence[Mapping[str, object]]) -> str:
    """JSON Lines."""
    return "".join(json.dumps(record) + "\n" for record in records)


def test_own_form_spells_truth_values_one_way(write_file: WriteFile) -> None:
    records = [
        {"id": "a", "text_a": "q", "text_b": "p", "label": label}
        for label in (True, "False", "entailment")
    ]
    path = write_file("pairs.jsonl.gz", lines(records))
    assert [pair.label for pair in read_pairs(path)] == ["true", "false", "entailment"]


def test_boolq_has_its_title_before_the_passage(write_file: WriteFile) -> None:
    first, second = read_pairs(write_file("train.jsonl", lines(BOOLQ)))
    assert first == PairExample("0", "is etna a volcano", "Etna -- It erupts.", "true")
    assert second.label == "false"
    superglue = {"question": "q", "passage": "Etna -- It erupts.", "idx": 7, "label": True}
    (pair,) = read_pairs(write_file("superglue.jsonl", lines([superglue])))
    assert pair == PairExample("7", "q", "Etna -- It erupts.", "true")


def test_mnli_without_agreement_is_left_out_and_counted(write_file: WriteFile) -> None:
    report = ReadReport()
    (pair,) = read_pairs(write_file("dev_matched.jsonl", lines(MNLI)), report=report)
    assert pair == PairExample("1e", "Rain fell.", "It rained.", "neutral")
    assert report.left_out == {"no gold label": 1}


def test_glue_has_no_quoting_and_finds_columns_by_name(write_file: WriteFile) -> None:
    row = '0\t9\t9n\tHe said "no.\tHe said "yes".\tneutral\tcontradiction\r\n'
    (pair,) = read_pairs(write_file("dev.tsv", MNLI_HEADER + row))
    assert pair == PairExample("9n", 'He said "no.', 'He said "yes".', "contradiction")
    rows = "5\t1\t2\tWhat is Etna?\tWho is Etna?\t0\n6\t3\t4\tWhere?\tWhere is it?\t1\n"
    pairs = list(read_pairs(write_file("qqp.tsv", QQP_HEADER + rows)))
    assert [(pair.example_id, pair.label) for pair in pairs] == [("5", "false"), ("6", "true")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", lines(BOOLQ) + "{", r"a.jsonl:3: expected one JSON object"),
        ("b.jsonl", lines([{"text_a": "q", "text_b": "p"}]), r"b.jsonl:1: .*field 'label'"),
        (
            "c.jsonl",
            lines([{"text_a": "q", "text_b": "p", "label": 1}]),
            r"c.jsonl:1: expected 'label' to be a label.*found int 1",
        ),
        ("d.jsonl", lines([*BOOLQ, BOOLQ[0] | {"passage": " "}]), r"d.jsonl:3: .*'passage'"),
        ("e.tsv", QQP_HEADER + "1\t2\t3\ta\tb\n", r"e.tsv:2: expected 6 .* found 5"),
        ("f.tsv", QQP_HEADER + "1\t2\t3\ta\tb\t2\n", r"f.tsv:2: expected .* 0 or 1, found '2'"),
        ("g.tsv", "id\tquestion1\tquestion2\n1\ta\tb\n", r"g.tsv:1: .*found no is_duplicate"),
        ("h.jsonl", lines([{"question": "q"}]), r"h.jsonl: expected pairs of texts in one of"),
        ("i.jsonl", "", r"i.jsonl: expected pairs of texts"),
        ("j.jsonl", lines(MNLI[1:]), r"at least one pair .*no gold label: 1"),
    ],
)
def test_what_cannot_be_used_is_named(
    name: str, content: str, message: str, write_file: WriteFile
) -> None:
    with pytest.raises(DataError, match=message):
        list(read_pairs(write_file(name, content)))


def test_bad_lines_can_be_skipped(write_file: WriteFile) -> None:
    report = ReadReport()
    path = write_file("qqp.tsv", QQP_HEADER + "1\t2\n3\t4\t5\ta\tb\t1\n")
    pairs = list(read_pairs(path, on_error=OnError.SKIP, report=report))
    assert [pair.example_id for pair in pairs] == ["3"] and report.n_skipped == 1


def test_format_can_be_named(write_file: WriteFile) -> None:
    path = write_file("pairs.jsonl", lines([{"text_a": "q", "passage": "p"}]))
    with pytest.raises(DataError, match="'question'"):
        list(read_pairs(path, format=PairFormat.BOOLQ))
    with pytest.raises(ValueError, match="csv"):
        read_pairs(path, format="csv")  # type: ignore[arg-type]


def test_race_is_a_folder_of_articles(write_file: WriteFile) -> None:
    write_file("race/middle/2.txt", json.dumps(ARTICLE))
    path = write_file("race/high/1.txt", json.dumps(ARTICLE))
    examples = list(read_choices(path.parents[1]))
    names = [example.example_id for example in examples]
    assert names == ["high/1-0", "high/1-1", "middle/2-0", "middle/2-1"]
    where = ("Where is Etna? Rome", "Where is Etna? Sicily")
    assert examples[0] == ChoiceExample("high/1-0", where, str(ARTICLE["article"]), 1)
    assert examples[1].asked == ("Etna erupts often.", "Etna sleeps often.")
    assert len(list(read_choices(path))) == 2 and len(list(read_choices(path, limit=1))) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{\n  x", r"1.txt:2: expected RACE's JSON"),
        (json.dumps(ARTICLE | {"answers": ["B"]}), r"each of 2 questions, found 2 and 1"),
        (json.dumps(ARTICLE | {"answers": ["B", "C"]}), r"questions\[1\]: .*first 2 letters.*'C'"),
        (json.dumps(ARTICLE | {"options": [["a", ""], ["b"]]}), r"questions\[0\]: .*'options'"),
        (json.dumps({"questions": []}), r"1.txt:1: .*'article'"),
    ],
)
def test_article_that_cannot_be_used_is_named_or_skipped(
    content: str, message: str, write_file: WriteFile
) -> None:
    path = write_file("race/1.txt", content)
    with pytest.raises(DataError, match=message):
        list(read_choices(path.parent))
    write_file("race/2.txt", json.dumps(ARTICLE))
    report = ReadReport()
    assert len(list(read_choices(path.parent, on_error=OnError.SKIP, report=report))) == 2
    assert report.n_skipped == 1


def test_folder_without_articles_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least one question with choices"):
        list(read_choices(tmp_path))
    with pytest.raises(DataError, match="found nothing"):
        read_choices(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "counts", "n_left_out"),
    [
        ("boolq-dev", {"true": 2_033, "false": 1_237}, 0),
        ("qqp-dev-part", {"true": 2_729, "false": 4_871}, 0),
        ("mnli-dev-part", {"entailment": 2_681, "contradiction": 2_435, "neutral": 2_353}, 131),
    ],
)
def test_shared_dev_parts_are_complete(
    name: str, counts: dict[str, int], n_left_out: int, shared_data: Path
) -> None:
    report = ReadReport()
    pairs = list(read_pairs(shared_data / "dev" / f"{name}.jsonl.gz", report=report))
    found = {label: sum(pair.label == label for pair in pairs) for label in counts}
    assert found == counts and len(pairs) == sum(counts.values())
    assert report.left_out.total() == n_left_out
    if name == "boolq-dev":
        assert pairs[0].second.startswith("Ethanol fuel -- All biomass")
