"""Questions with the answers they are scored by; TREC's topics and patterns."""

from collections.abc import Callable
from pathlib import Path

import pytest
from preread.data import (
    AnswerMatch,
    DataError,
    OnError,
    Question,
    QuestionFormat,
    ReadReport,
    detect_question_format,
    holds_answer,
    read_gold,
    score_prediction,
)

WriteFile = Callable[[str, str | bytes], Path]

TOPICS = "201\twhat was the first dinner?\n202\twho is it \U0001f642\n"


def message_of(call: Callable[[], object], folder: Path) -> str:
    """The message of the error a call raises, without the folder."""
    with pytest.raises(DataError) as caught:
        call()
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize("name", ["topics.tsv", "topics.txt", "topics.tsv.gz", "topics"])
def test_topics_with_patterns_are_questions(write_file: WriteFile, name: str) -> None:
    topics = write_file(name, TOPICS)
    patterns = write_file("patterns.txt", "201 tur(key|tle)\n\n202  Zo[eé]\n201 \\bgoose \\d+\n")
    assert detect_question_format(topics) is QuestionFormat.TREC
    assert read_gold(topics, patterns=patterns) == [
        Question(
            "201",
            "what was the first dinner?",
            ("tur(key|tle)", "\\bgoose \\d+"),
            AnswerMatch.REGEX,
        ),
        Question("202", "who is it \U0001f642", ("Zo[eé]",), AnswerMatch.REGEX),
    ]


@pytest.mark.parametrize(
    ("line", "format"),
    [
        ("q1\twho came first", QuestionFormat.TREC),
        ("who came\t['Ann']", QuestionFormat.DPR),
        ('who?\t"[""a b"", \'c\']"', QuestionFormat.DPR),
        ("who?\t['a b']", QuestionFormat.DPR),
        ("who came first?", QuestionFormat.DPR),
        ("who came\tAnn and Bob", QuestionFormat.DPR),
    ],
)
def test_topics_are_told_from_questions_with_answers(
    write_file: WriteFile, line: str, format: QuestionFormat
) -> None:
    assert detect_question_format(write_file("q.tsv", line + "\n")) is format


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("q.jsonl", '{"question": "a", "answer": ["b"]}\n{"question": "who?"}\n', "q.jsonl:2: "),
        ("q.jsonl", '{"question": "a", "answer": null}\n', "q.jsonl:1: expected the answers of"),
        ("q.csv", "a?\t['b']\nwho came?\n", "q.csv:2: expected the answers of 'who came?'"),
        ("q.tsv", TOPICS, "q.tsv:1: expected the answers of 'what was the first dinner?'"),
        (
            "q.jsonl",
            '{"question": "a", "answer": []}\n',
            "expected questions with answers",
        ),
        (
            "q.jsonl",
            '{"id": "x", "question": "a", "answer": ["b"]}\n' * 2,
            "q.jsonl:2: expected each identifier once, found 'x' a second time",
        ),
        ("q.tsv", TOPICS + "203\n", "expected the answers"),
    ],
)
def test_question_that_cannot_be_scored_is_named(
    write_file: WriteFile, name: str, content: str, message: str
) -> None:
    path = write_file(name, content)
    assert message in message_of(lambda: read_gold(path), path.parent)


def test_topic_without_a_pattern_is_refused_or_skipped_and_counted(write_file: WriteFile) -> None:
    topics, patterns = write_file("t.tsv", TOPICS), write_file("p.txt", "202 Ann\n")
    found = message_of(lambda: read_gold(topics, patterns=patterns), topics.parent)
    assert found.startswith("t.tsv:1: ") and "found none in p.txt" in found
    report = ReadReport()
    gold = read_gold(topics, patterns=patterns, on_error=OnError.SKIP, report=report)
    assert [question.question_id for question in gold] == ["202"]
    assert report.n_skipped == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [("201\n", "p.txt:1: expected a topic's identifier and a pattern"), ("\n", "p.txt: expected")],
)
def test_fault_of_a_pattern_file_is_named(
    write_file: WriteFile, content: str, message: str
) -> None:
    topics, patterns = write_file("t.tsv", TOPICS), write_file("p.txt", content)
    assert message_of(lambda: read_gold(topics, patterns=patterns), topics.parent).startswith(
        message
    )


@pytest.mark.parametrize("line", ["203\n", "203\t\n", "\twho?\n", "203\twho?\t['x']\n"])
def test_broken_topic_is_named_with_its_line(write_file: WriteFile, line: str) -> None:
    topics, patterns = write_file("t.tsv", TOPICS + line), write_file("p.txt", "201 a\n202 b\n")
    found = message_of(
        lambda: read_gold(topics, patterns=patterns, format=QuestionFormat.TREC), topics.parent
    )
    assert found.startswith("t.tsv:3: expected ")


@pytest.mark.parametrize("name", ["curatedtrec-test.qa.csv", "CuratedTrec.dev.jsonl"])
def test_answers_of_curatedtrec_are_patterns(write_file: WriteFile, name: str) -> None:
    rows = {
        ".csv": "how far?\t['238[, ]?8\\\\d\\\\d']\n",
        ".jsonl": '{"question": "how far?", "answer": ["238[, ]?8\\\\d\\\\d"]}\n',
    }
    path = write_file(name, rows[Path(name).suffix])
    (question,) = read_gold(path)
    assert question.match is AnswerMatch.REGEX
    assert question.answers == (r"238[, ]?8\d\d",)
    (as_text,) = read_gold(path, match=AnswerMatch.STRING)
    assert as_text.match is AnswerMatch.STRING


def test_pattern_that_does_not_compile_is_warned_of_and_matches_nothing(
    write_file: WriteFile, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_file("curatedtrec.jsonl", '{"question": "q", "answer": ["(", "Rome"]}\n')
    (question,) = read_gold(path)
    assert "curatedtrec.jsonl:1: '(' is not a valid regular expression" in caplog.text
    assert score_prediction(question, "(") == (0.0, 0.0)
    assert score_prediction(question, "rome") == (1.0, 1.0)


@pytest.mark.parametrize(
    ("pattern", "text", "in_passage", "is_right"),
    [
        ("238,?857", "238,857 miles", True, True),  # what follows the match does not count
        ("238,?857", "about 238857", True, False),  # but it begins where the prediction does
        ("PARIS", "Paris", True, True),
        ("^Rome$", "Ostia\nRome", True, False),  # each line has a start
        ("caf\u00e9", "Cafe\u0301", True, True),
        ("caf\u00e9", "cafe", False, False),
        ("(19|20)\\d\\d", "in 1899", False, False),
        ("x|", "anything", True, True),  # matches the empty string, as in DPR
    ],
)
def test_patterns_match_as_in_dpr_and_drqa(
    pattern: str, text: str, in_passage: bool, is_right: bool
) -> None:
    question = Question("1", "?", (pattern,), AnswerMatch.REGEX)
    assert holds_answer(question, text) is in_passage
    assert score_prediction(question, text) == (float(is_right), float(is_right))


def test_texts_are_not_taken_for_patterns() -> None:
    question = Question("1", "?", ("U.S.",))
    assert score_prediction(question, "UXSX")[0] == 0.0
    assert score_prediction(question, "the US") == (1.0, 1.0)
    assert holds_answer(question, "the U.S. Navy") and not holds_answer(question, "UXSX")


def test_question_without_answers_wants_none_whatever_the_match() -> None:
    for match in AnswerMatch:
        question = Question("1", "?", (), match)
        assert score_prediction(question, "") == (1.0, 1.0)
        assert score_prediction(question, "x") == (0.0, 0.0)
        assert not holds_answer(question, "x")
