"""Natural Questions as released: pages become passages, annotations questions and examples."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import (
    CorpusFormat,
    DataError,
    OnError,
    Passage,
    Question,
    QuestionFormat,
    ReadingExample,
    ReadReport,
    detect_corpus_format,
    detect_question_format,
    read_corpus,
    read_examples,
    read_nq,
    read_questions,
)
from preread.data.nq import NqDocument, NqSpan, NqTokenMap, passages_of
from preread.data.nq.parsing import title_of

WriteFile = Callable[[str, str | bytes], Path]
MakeNq = Callable[..., dict[str, Any]]

PARAGRAPH = "Zoë 🙂 met Ann in Åre ."
ANN, ARE, PARAGRAPH_SPAN, TABLE_SPAN = (7, 8), (9, 10), (3, 12), (12, 27)
NONE: tuple[None, list[Any], str] = (None, [], "NONE")

words = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1).filter(
    lambda word: not word.endswith(">")  # what looks like a tag is one, in the simplified form
)
tags = st.sampled_from(["<P>", "</P>", "<Tr>", "</Tr>", "<Td>", '<Td_colspan="2">', "<Li>"])
documents = st.lists(
    st.one_of(words.map(lambda word: (word, False)), tags.map(lambda tag: (tag, True))), min_size=1
).map(lambda tokens: NqDocument("", "", *zip(*tokens, strict=True)))


def as_lines(*records: dict[str, Any]) -> str:
    """Records as JSON Lines."""
    return "".join(json.dumps(record) + "\n" for record in records)


def left_out(path: Path, read: Callable[..., Any]) -> dict[str, int]:
    """What reading leaves out, by reason; nothing is read."""
    report = ReadReport()
    with pytest.raises(DataError, match="left out"):
        list(read(path, report=report))
    return dict(report.left_out)


@pytest.mark.parametrize("name", ["nq-dev-00.jsonl.gz", "simplified-nq-train.jsonl", "nq"])
@pytest.mark.parametrize("simplified", [False, True])
def test_top_level_candidates_become_passages(
    write_file: WriteFile, make_nq: MakeNq, name: str, simplified: bool
) -> None:
    path = write_file(name, as_lines(make_nq(NONE, simplified=simplified)))
    assert detect_corpus_format(path) is CorpusFormat.NQ
    assert list(read_corpus(path)) == [
        Passage("-7:0", PARAGRAPH, "Zoë (name)"),
        Passage("-7:1", "Winners\n1998 Bob", "Zoë (name)"),
        Passage("-7:3", "Larry\nSergey", "Zoë (name)"),
    ]


def test_page_is_given_once_and_repetitions_are_counted(
    write_file: WriteFile, make_nq: MakeNq
) -> None:
    first, again = make_nq(example_id=1), make_nq(example_id=2, simplified=True)
    other = make_nq(example_id=3, document_url="https://en.wikipedia.org/wiki/Ann")
    unnamed = [make_nq(example_id=number, document_url=None) for number in (4, 5)]
    path = write_file("nq.jsonl", as_lines(first, again, other, *unnamed))
    report = ReadReport()
    found = [passage.passage_id for passage in read_corpus(path, report=report)]
    assert [name for name in found if name.endswith(":0")] == ["1:0", "3:0", "4:0", "5:0"]
    assert dict(report.left_out) == {"page seen before": 1}
    assert report.summary() == "12 read, 0 skipped, 1 left out (page seen before: 1)"


def test_page_of_a_refused_record_is_given_with_the_next(
    write_file: WriteFile, make_nq: MakeNq
) -> None:
    bad = make_nq(example_id=1, document_tokens=[])
    path = write_file("nq.jsonl", as_lines(bad, make_nq(example_id=2)))
    found = list(read_corpus(path, on_error=OnError.SKIP))
    assert [passage.passage_id for passage in found] == ["2:0", "2:1", "2:3"]


def test_candidate_of_tags_alone_is_no_passage(write_file: WriteFile, make_nq: MakeNq) -> None:
    candidates = [
        {"start_token": 11, "end_token": 14, "top_level": True},
        {"start_token": 27, "end_token": 35, "top_level": True},
    ]
    path = write_file("nq.jsonl", as_lines(make_nq(long_answer_candidates=candidates)))
    assert [passage.passage_id for passage in read_corpus(path)] == ["-7:1"]


def test_folder_of_files_is_read_in_order(write_file: WriteFile, make_nq: MakeNq) -> None:
    folder = write_file("nq/nq-dev-01.jsonl.gz", as_lines(make_nq(example_id=2))).parent
    annotated = make_nq((PARAGRAPH_SPAN, [ANN], "NONE"), example_id=1, document_url=None)
    write_file("nq/nq-dev-00.jsonl.gz", as_lines(annotated))
    assert detect_corpus_format(folder) is CorpusFormat.NQ
    assert [passage.passage_id for passage in read_corpus(folder)][::3] == ["1:0", "2:0"]
    assert [example.example_id for example in read_nq(folder)] == ["1", "2"]
    assert detect_question_format(folder) is QuestionFormat.NQ
    assert [question.answers for question in read_questions(folder)] == [("Ann",), ()]


def test_characters_lead_back_to_tokens_and_bytes(write_file: WriteFile, make_nq: MakeNq) -> None:
    (example,) = read_nq(write_file("nq.jsonl", as_lines(make_nq())))
    paragraph, table, _ = passages_of(example)
    assert (paragraph.tag, table.tag) == ("p", "table")
    # <html><body> 12, <H1> 16, Zoë 20 (ë has two bytes), </H1> 25, <P> 28, Zoë 32, blank, 🙂 37 …
    assert paragraph.candidate.span == NqSpan(3, 12, 25, 58)
    assert paragraph.span(10, 13) == NqSpan(7, 8, 42, 45)  # Ann
    assert paragraph.span(17, 20) == NqSpan(9, 10, 49, 53)  # Åre
    assert paragraph.span(11, 16) == NqSpan(7, 9, 42, 48)  # "nn in": whole tokens
    assert paragraph.span(0, len(PARAGRAPH)) == NqSpan(4, 11, 28, 54)  # without the tags
    (simplified,) = read_nq(write_file("s.jsonl", as_lines(make_nq(simplified=True))))
    assert next(passages_of(simplified)).span(10, 13) == NqSpan(7, 8)


@pytest.mark.parametrize("characters", [(13, 14), (-1, 2), (0, 23), (5, 5)])
def test_characters_of_no_token_are_refused(
    write_file: WriteFile, make_nq: MakeNq, characters: tuple[int, int]
) -> None:
    (example,) = read_nq(write_file("nq.jsonl", as_lines(make_nq())))
    with pytest.raises(ValueError, match="expected characters of a token in a text of 22"):
        next(passages_of(example)).span(*characters)


@given(document=documents, data=st.data())
def test_tokens_and_characters_lead_to_each_other(
    document: NqDocument, data: st.DataObject
) -> None:
    token_map = NqTokenMap.of(document, 0, len(document.tokens))
    assert [document.tokens[number] for number in token_map.numbers] == token_map.text.split()
    if not token_map.numbers:
        return
    last = len(token_map.numbers) - 1
    first = data.draw(st.integers(0, last))
    last = data.draw(st.integers(first, last))
    start, end = token_map.numbers[first], token_map.numbers[last] + 1
    characters = token_map.characters(start, end)
    assert characters is not None
    assert token_map.tokens(*characters) == (start, end)
    assert token_map.text[slice(*characters)].split() == [
        document.tokens[number] for number in range(start, end) if not document.is_html[number]
    ]


@given(document=documents)
def test_simplified_text_is_split_into_its_tokens(
    document: NqDocument, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "simplified.jsonl"
    record = {
        "example_id": 1,
        "question_text": "q",
        "document_text": " ".join(document.tokens),
        "long_answer_candidates": [],
    }
    path.write_text(as_lines(record), encoding="utf-8")
    (example,) = read_nq(path)
    assert list(example.document.tokens) == list(document.tokens)
    assert list(example.document.is_html) == list(document.is_html)


def test_only_blanks_part_the_simplified_text_and_white_tokens_keep_their_numbers(
    write_file: WriteFile, make_nq: MakeNq
) -> None:
    changes = {
        "document_text": "<P> a\u2003b \u2003  c </P>",  # tokens 2 and 3 are white or empty
        "long_answer_candidates": [{"start_token": 0, "end_token": 6, "top_level": True}],
    }
    (example,) = read_nq(
        write_file("nq.jsonl", as_lines(make_nq(simplified=True, annotations=None, **changes)))
    )
    (found,) = passages_of(example)
    assert found.passage.text == "a\u2003b c"
    assert found.span(0, 3) == NqSpan(1, 2)
    assert found.span(4, 5) == NqSpan(4, 5)


def test_answers_of_all_annotators_are_kept_once(write_file: WriteFile, make_nq: MakeNq) -> None:
    annotations = [
        (PARAGRAPH_SPAN, [ARE], "NONE"),
        (PARAGRAPH_SPAN, [ANN], "NONE"),
        (PARAGRAPH_SPAN, [ARE], "NONE"),
        (PARAGRAPH_SPAN, [ANN, ARE], "NONE"),  # several spans: no answer on its own
        (TABLE_SPAN, [(23, 24)], "NONE"),
    ]
    path = write_file("nq.jsonl", as_lines(make_nq(*annotations)))
    assert detect_question_format(path) is QuestionFormat.NQ
    assert list(read_questions(path)) == [Question("-7", "who met ann", ("Åre", "Ann", "Bob"))]
    assert list(read_examples(path)) == [
        ReadingExample("-7", "who met ann", PARAGRAPH, ("Ann", "Åre"), (10, 17), "Zoë (name)")
    ]


def test_context_is_the_passage_with_most_answers(write_file: WriteFile, make_nq: MakeNq) -> None:
    larry = ((28, 31), [(29, 30)], "NONE")  # the long answer is nested in the list
    path = write_file("nq.jsonl", as_lines(make_nq((PARAGRAPH_SPAN, [ANN], "NONE"), larry, larry)))
    (example,) = read_examples(path)
    assert (example.context, example.answers) == ("Larry\nSergey", ("Larry",))
    assert example.context in [passage.text for passage in read_corpus(path)]


@pytest.mark.parametrize("simplified", [False, True])
@pytest.mark.parametrize(
    ("annotations", "reason"),
    [
        ([NONE] * 5, "no answer"),
        ([NONE, (PARAGRAPH_SPAN, [], "NONE")], "long answer only"),
        ([(PARAGRAPH_SPAN, [], "NONE"), (PARAGRAPH_SPAN, [], "YES")], "yes or no"),
        (
            [(PARAGRAPH_SPAN, [], "NO"), (PARAGRAPH_SPAN, [ANN, ARE], "NONE")],
            "answer of several spans",
        ),
    ],
)
def test_what_has_no_answer_of_one_span_is_counted(
    write_file: WriteFile, make_nq: MakeNq, annotations: list[Any], reason: str, simplified: bool
) -> None:
    path = write_file("nq.jsonl", as_lines(make_nq(*annotations, simplified=simplified)))
    assert left_out(path, read_questions) == {reason: 1}
    assert left_out(path, read_examples) == {reason: 1}


def test_answer_in_a_table_is_a_question_without_context(
    write_file: WriteFile, make_nq: MakeNq
) -> None:
    path = write_file("nq.jsonl", as_lines(make_nq((TABLE_SPAN, [(20, 21)], "NONE"))))
    assert [question.answers for question in read_questions(path)] == [("1998",)]
    assert left_out(path, read_examples) == {"answer in a table": 1}
    heading = make_nq((None, [(1, 2)], "NONE"))
    path = write_file("h.jsonl", as_lines(heading))
    assert left_out(path, read_examples) == {"answer in no top-level candidate": 1}


def test_test_set_has_questions_without_answers(write_file: WriteFile, make_nq: MakeNq) -> None:
    path = write_file("nq.jsonl", as_lines(make_nq(annotations=None)))
    assert list(read_questions(path)) == [Question("-7", "who met ann")]


@pytest.mark.parametrize(
    ("url", "title"),
    [
        (
            "https://en.wikipedia.org//w/index.php?title=Trade_winds&amp;oldid=81",
            "Trade winds",
        ),
        ("https://en.wikipedia.org/w/index.php?oldid=1&title=AT%26T", "AT&T"),
        ("http://www.wikipedia.org/wiki/New_York", "New York"),
        ("", ""),
    ],
)
def test_title_is_told_from_the_url(url: str, title: str) -> None:
    assert title_of(url) == title


def test_title_of_the_record_comes_first(write_file: WriteFile, make_nq: MakeNq) -> None:
    path = write_file("nq.jsonl", as_lines(make_nq(document_title="Zoë")))
    assert next(read_corpus(path)).title == "Zoë"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"example_id": None}, "expected the field 'example_id'"),
        ({"question_text": ""}, "expected text in 'question_text'"),
        ({"document_tokens": None}, "expected the field 'document_text'"),
        ({"document_url": "http://[x"}, "expected 'document_url' to be a URL, found 'http://[x'"),
        ({"document_tokens": []}, "document_tokens: expected a list of tokens, found []"),
        ({"document_tokens": [{"Token": "in"}]}, "found one without ('token')"),
        (
            {"document_tokens": [{"token": 1, "html_token": True, "start_byte": 0, "end_byte": 1}]},
            "expected each 'token' to be of type str, found int 1",
        ),
        (
            {"long_answer_candidates": [{"start_token": 3, "end_token": 36}]},
            "example '-7': expected spans within the 35 tokens of the document, found NqSpan(",
        ),
        (
            {"long_answer_candidates": [{"start_token": 4, "end_token": 4}]},
            "long_answer_candidates[0]: expected 'start_token' below 'end_token'",
        ),
        (
            {"long_answer_candidates": [{"start_byte": 4, "end_byte": 5}]},
            "long_answer_candidates[0]: expected 'start_token' and 'end_token', found none",
        ),
        (
            {"annotations": [{"long_answer": {"start_token": -1, "end_token": 5}}]},
            "annotations[0].long_answer: expected 'start_token' below 'end_token', or -1 in both",
        ),
        (
            {"annotations": [{"yes_no_answer": "MAYBE"}]},
            "annotations[0]: expected 'yes_no_answer' to be one of NONE, YES, NO, found 'MAYBE'",
        ),
    ],
)
def test_fault_is_named_with_its_line_and_can_be_skipped(
    write_file: WriteFile, make_nq: MakeNq, changes: dict[str, Any], message: str
) -> None:
    path = write_file("nq.jsonl", as_lines(make_nq(example_id=1), make_nq(**changes)))
    with pytest.raises(DataError) as caught:
        list(read_nq(path))
    assert str(caught.value).startswith(f"{path}:2: ")
    assert message in str(caught.value)
    report = ReadReport()
    assert len(list(read_nq(path, on_error=OnError.SKIP, report=report))) == 1
    assert report.n_skipped == 1


def test_records_are_read_one_at_a_time(write_file: WriteFile, make_nq: MakeNq) -> None:
    path = write_file("nq.jsonl.gz", as_lines(make_nq()) + "{broken\n")
    assert len(list(read_nq(path, limit=1))) == 1
    assert len(list(read_corpus(path, limit=3))) == 3
