"""Damaged files, skipped records and reports: the same in every format."""

import gzip
import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from preread.data import (
    CorpusFormat,
    DataError,
    OnError,
    Passage,
    QuestionFormat,
    ReadReport,
    read_corpus,
    read_gold,
    read_open_domain_examples,
    read_pairs,
    read_predictions,
    read_questions,
)

WriteFile = Callable[[str, str | bytes], Path]

ONE = '{"id": "1", "text": "one"}\n'
TWO = '{"id": "2", "text": "two"}\n'


def test_missing_path_is_told_before_the_first_record_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found nothing. Check the path") as caught:
        read_corpus(tmp_path / "nowhere.jsonl")
    assert (caught.value.path, caught.value.line) == (tmp_path / "nowhere.jsonl", None)
    for format in QuestionFormat:
        with pytest.raises(DataError, match="found nothing"):
            read_questions(tmp_path / "nowhere.jsonl", format=format)


def test_a_folder_is_no_question_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found a folder"):
        read_questions(tmp_path)


@pytest.mark.parametrize(
    "read",
    [
        read_corpus,
        partial(read_corpus, format=CorpusFormat.JSONL),
        read_questions,
        partial(read_questions, format=QuestionFormat.NQ_OPEN),
        read_predictions,
        read_pairs,
        read_open_domain_examples,
    ],
)
def test_a_pipe_is_refused_at_once(tmp_path: Path, read: Callable[[Path], object]) -> None:
    """Its format is detected by what it begins with, which is gone then."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="found a pipe, which can be read only once. Write"):
        read(tmp_path / "pipe")


def test_gzip_is_known_by_its_bytes_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(gzip.compress(ONE.encode()))
    assert list(read_corpus(path)) == [Passage("1", "one")]


def test_a_name_that_promises_gzip_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl.gz"
    path.write_text(ONE, encoding="utf-8")
    with pytest.raises(DataError, match="expected gzip because of its name"):
        read_corpus(path, on_error=OnError.SKIP)


def test_cut_gzip_is_an_error_whatever_the_policy(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl.gz"
    lines = "".join(f'{{"id": "{n}", "text": "{os.urandom(50).hex()}"}}\n' for n in range(20_000))
    path.write_bytes(gzip.compress(lines.encode())[:-500])
    report = ReadReport()
    with pytest.raises(DataError, match="cut or damaged") as caught:
        list(read_corpus(path, on_error=OnError.SKIP, report=report))
    assert caught.value.line == report.n_read + 1
    assert report.n_read > 10_000


def test_flipped_byte_in_gzip_is_an_error(write_file: WriteFile) -> None:
    path = write_file("corpus.jsonl.gz", ONE)
    raw = bytearray(path.read_bytes())
    raw[-6] ^= 0xFF  # in the checksum
    path.write_bytes(raw)
    with pytest.raises(DataError, match="cut or damaged"):
        list(read_corpus(path, format=CorpusFormat.JSONL))


@pytest.mark.parametrize("name", ["corpus.jsonl", "corpus.jsonl.gz"])
def test_bad_utf8_names_file_line_and_byte(write_file: WriteFile, name: str) -> None:
    path = write_file(name, ONE.encode() + b'{"id": "2", "text": "caf\xe9"}\n' + TWO.encode())
    with pytest.raises(DataError) as caught:
        list(read_corpus(path))
    assert str(caught.value).startswith(f"{path}:2: expected UTF-8, found byte 0xe9 at position 25")
    assert [p.passage_id for p in read_corpus(path, on_error=OnError.SKIP)] == ["1", "2"]


def test_byte_order_mark_and_windows_line_ends_are_read(write_file: WriteFile) -> None:
    path = write_file("corpus.jsonl", b"\xef\xbb\xbf" + ONE.replace("\n", "\r\n").encode())
    assert list(read_corpus(path)) == [Passage("1", "one")]


def test_skip_counts_keeps_and_logs_errors(
    write_file: WriteFile, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_file("corpus.jsonl", ONE + "{broken\n" + "\n" + "[1]\n" + TWO + ONE)
    report = ReadReport()
    with caplog.at_level(logging.WARNING, logger="preread.data"):
        passages = list(read_corpus(path, on_error=OnError.SKIP, report=report))
    assert [passage.passage_id for passage in passages] == ["1", "2"]
    assert (report.n_read, report.n_skipped) == (2, 3)
    assert [error.line for error in report.errors] == [2, 4, 6]
    assert report.summary().startswith(f"2 read, 3 skipped (first: {path}:2: expected one JSON")
    assert len(caplog.records) == 3


def test_report_keeps_twenty_errors_and_counts_all(write_file: WriteFile) -> None:
    path = write_file("corpus.jsonl", ONE + "x\n" * 50)
    report = ReadReport()
    list(read_corpus(path, on_error=OnError.SKIP, report=report))
    assert (len(report.errors), report.n_skipped) == (20, 50)


def test_report_without_errors_says_so() -> None:
    assert ReadReport(n_read=1234).summary() == "1,234 read, 0 skipped"


def test_fail_stops_at_the_first_fault_and_counts_what_was_read(write_file: WriteFile) -> None:
    path = write_file("corpus.jsonl", ONE + "x\n" + TWO)
    report = ReadReport()
    with pytest.raises(DataError) as caught:
        list(read_corpus(path, report=report))
    assert caught.value.line == 2
    assert (report.n_read, report.n_skipped) == (1, 0)


def test_limit_stops_before_a_later_fault(write_file: WriteFile) -> None:
    path = write_file("corpus.jsonl", ONE + TWO + "x\n")
    assert len(list(read_corpus(path, limit=2))) == 2
    assert list(read_corpus(path, limit=0)) == []


def test_negative_limit_is_refused(write_file: WriteFile) -> None:
    with pytest.raises(ValueError, match="found -1"):
        read_corpus(write_file("corpus.jsonl", ONE), limit=-1)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_empty_corpus_holds_no_passage(write_file: WriteFile, content: str) -> None:
    with pytest.raises(DataError, match="holds no passage"):
        list(read_corpus(write_file("corpus.jsonl", content)))


def test_corpus_whose_records_were_all_skipped_says_how_many(write_file: WriteFile) -> None:
    path = write_file("corpus.jsonl", "x\ny\n")
    with pytest.raises(DataError, match=r"holds no passage \(0 read, 2 skipped"):
        list(read_corpus(path, on_error=OnError.SKIP))


def test_first_line_may_be_damaged_when_the_format_is_told(write_file: WriteFile) -> None:
    path = write_file("corpus", "{broken\n" + '{"_id": "1", "text": "one"}\n')
    assert list(read_corpus(path, on_error=OnError.SKIP)) == [Passage("1", "one")]


def test_choices_may_be_given_by_value_and_no_others(write_file: WriteFile) -> None:
    path = write_file("corpus.jsonl", ONE + "x\n")
    with pytest.raises(DataError):
        list(read_corpus(path, format="jsonl", on_error="fail"))  # type: ignore[arg-type]
    assert len(list(read_corpus(path, on_error="skip"))) == 1  # type: ignore[arg-type]
    for options in ({"format": "xml"}, {"on_error": "ignore"}):
        with pytest.raises(ValueError, match="is not a valid"):
            read_corpus(path, **options)  # type: ignore[arg-type]


def test_skipping_is_offered_only_where_it_can_be_chosen(write_file: WriteFile) -> None:
    bad = b"1 caf\xe9\n"
    topics, patterns = write_file("t.tsv", "1\twho met Ann\n"), write_file("p.txt", bad)
    for read, is_choice in (
        (lambda: read_gold(topics, patterns=patterns), False),
        (lambda: list(read_predictions(write_file("p.jsonl", bad))), False),
        (lambda: list(read_questions(write_file("q.jsonl", bad))), True),
    ):
        with pytest.raises(DataError, match="expected UTF-8") as caught:
            read()
        assert ("--on-error skip" in str(caught.value)) is is_choice
