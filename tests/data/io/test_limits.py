"""Input that is too long, too deep or expands too far is refused by file and line."""

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from preread.data import (
    DataError,
    OnError,
    PrereadError,
    QuestionFormat,
    read_choices,
    read_corpus,
    read_examples,
    read_gold,
    read_open_domain_examples,
    read_pairs,
    read_predictions,
    read_questions,
    score_nq,
)
from preread.data.io import delimited, lines
from preread.data.io.fields import take_number
from preread.data.io.json_records import shorten
from preread.data.io.outside import read_identifiers
from preread.data.io.policy import SourceLocation
from preread.data.metrics.answers import compile_pattern, has_pattern

WriteFile = Callable[[str, str | bytes], Path]


MIB = 1 << 20


@pytest.fixture
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of 1 MiB, and gzip data that may expand to 4 MiB: the real limits take seconds."""
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", MIB)
    monkeypatch.setattr(delimited, "MAX_LINE_BYTES", MIB)
    monkeypatch.setattr(lines, "FREE_EXPANSION_BYTES", 4 * MIB)


def refusal(read: Callable[[], object]) -> str:
    """The message with which reading is refused."""
    with pytest.raises(PrereadError) as caught:
        found = read()
        if not isinstance(found, dict):
            list(found)  # type: ignore[call-overload]
    return str(caught.value)


READ_LINES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "corpus.jsonl": ('{"id": "1", "text": "t"}', lambda p: read_corpus(p, on_error=OnError.SKIP)),
    "corpus.tsv": ("id\ttext\ttitle", lambda p: read_corpus(p, on_error=OnError.SKIP)),
    "questions.jsonl": ('{"question": "q"}', read_questions),
    "topics.tsv": ("1\twho met Ann", read_questions),
    "identifiers.txt": ("a", read_identifiers),
}


@pytest.mark.usefixtures("low_limits")
@pytest.mark.parametrize("name", READ_LINES)
def test_a_line_that_is_too_long_is_refused_whatever_the_policy(tmp_path: Path, name: str) -> None:
    first, read = READ_LINES[name]
    path = tmp_path / name
    path.write_text(first + "\n", encoding="utf-8")
    with path.open("r+b") as file:
        file.truncate(len(first) + 1 + MIB + 1)
    found = refusal(lambda: read(path))
    assert found.startswith(f"{path}:2: expected lines of at most 1 MiB, found a longer one.")


@pytest.mark.slow
def test_a_line_may_have_128_mib(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    with path.open("wb") as file:
        file.truncate(lines.MAX_LINE_BYTES)
    (line,) = lines.read_raw_lines(path)
    assert len(line) == 128 * MIB
    with path.open("r+b") as file:
        file.truncate(lines.MAX_LINE_BYTES + 1)
    assert "lines:1: expected lines of at most 128 MiB" in refusal(
        lambda: lines.read_raw_lines(path)
    )


@pytest.mark.usefixtures("low_limits")
def test_a_quoted_field_does_not_gather_lines_without_end(tmp_path: Path) -> None:
    """Each line is short enough, and the row is not."""
    path = tmp_path / "corpus.tsv"
    half = "x" * (MIB // 2)
    path.write_text(f'id\ttext\ttitle\n1\t"{half}\n{half}"\tA\n2\ttext\tB\n', encoding="utf-8")
    assert "corpus.tsv:2: expected the quoted field that starts here" in refusal(
        lambda: read_corpus(path)
    )


def bomb(n_mib: int) -> bytes:
    """Gzip data of lines of 1 MiB, about a thousandth of its content."""
    return gzip.compress(b"x" * (MIB - 1) + b"\n") * n_mib


@pytest.mark.usefixtures("low_limits")
@pytest.mark.parametrize(
    ("name", "line", "read"),
    [
        ("corpus.jsonl.gz", ":5", lambda p: read_corpus(p, on_error=OnError.SKIP)),
        ("corpus.txt.gz", ":5", read_corpus),
        ("squad.json.gz", ":5", lambda p: read_examples(p, format=QuestionFormat.SQUAD)),
    ],
)
def test_gzip_data_that_expands_too_far_is_refused(
    tmp_path: Path, name: str, line: str, read: Callable[[Path], object]
) -> None:
    path = tmp_path / name
    path.write_bytes(bomb(8))
    found = refusal(lambda: read(path))
    assert f"{path}{line}: expected gzip data that expands to at most 250 times its size" in found


@pytest.mark.usefixtures("low_limits")
def test_a_json_file_on_one_long_line_is_read(tmp_path: Path) -> None:
    """Files that are read as a whole may have lines above the limit of a line."""
    path = tmp_path / "squad.json"
    article = {"paragraphs": [{"context": "t", "qas": [{"id": "1", "question": "q"}]}]}
    raw = json.dumps({"data": [article]}).encode()
    path.write_bytes(raw[:1] + b" " * 2 * MIB + raw[1:])
    assert [question.question for question in read_questions(path)] == ["q"]


def in_record(**fields: str) -> str:
    """A JSON object of some fields, one of them replaced by the nested value later."""
    return json.dumps(fields)


NQ_GOLD = json.dumps({"example_id": 1, "annotations": [{"long_answer": {}}]})
READ_NESTED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "corpus.jsonl": (in_record(id="DEEP", text="t"), read_corpus),
    "corpus.json": (f"[{in_record(id='1', contents='DEEP')}]", read_corpus),
    "questions.jsonl": (in_record(question="q", answer="DEEP"), read_questions),
    "questions.csv": ("q\tDEEP\n", read_questions),
    "squad.json": ('{"data": [{"paragraphs": "DEEP"}]}', read_examples),
    "examples.jsonl": (in_record(question="q", context="c", answers="DEEP"), read_examples),
    "mined.json": (f"[{in_record(question='q', answers='DEEP')}]", read_open_domain_examples),
    "pairs.jsonl": (in_record(text_a="a", text_b="b", label="DEEP"), read_pairs),
    "predictions.json": ('{"a": "DEEP"}', read_predictions),
    "predictions.jsonl": (in_record(id="a", prediction="DEEP"), read_predictions),
    "race.txt": (
        '{"article": "a", "questions": ["q"], "options": "DEEP", "answers": ["A"]}',
        read_choices,
    ),
    "nq.json": ('{"predictions": "DEEP"}', lambda p: score_nq(p.with_name("gold.jsonl"), p)),
}


@pytest.mark.parametrize("name", READ_NESTED)
def test_values_nested_too_deeply_are_refused(write_file: WriteFile, name: str) -> None:
    """Whether they are too deep for the parser or, just below that, for the error's message."""
    content, read = READ_NESTED[name]
    write_file("gold.jsonl", NQ_GOLD)
    found = ""
    for depth in (50, *range(850, 1000, 3), 100_000):
        path = write_file(name, content.replace('"DEEP"', "DEEP").replace("DEEP", "[" * depth))
        path.write_text(path.read_text().replace("[" * depth, "[" * depth + "]" * depth))
        found = refusal(lambda path=path: read(path))  # type: ignore[misc]
        assert found.startswith(str(path))
        assert "recursion" not in found
    if name != "questions.csv":
        assert "nested" in found


def test_every_depth_around_the_parsers_limit_is_refused(write_file: WriteFile) -> None:
    for depth in range(850, 1000):
        path = write_file("c.jsonl", f'{{"id": {"[" * depth}{"]" * depth}, "text": "t"}}\n')
        assert f"{path}:1: expected" in refusal(lambda path=path: read_corpus(path))  # type: ignore[misc]


def test_a_pattern_nested_too_deeply_matches_nothing(write_file: WriteFile) -> None:
    pattern = "(" * 5000 + ")" * 5000
    assert compile_pattern(pattern) is None
    assert not has_pattern("text", [pattern])
    topics = write_file("topics.tsv", "1\twho met Ann\n")
    patterns = write_file("patterns.txt", f"1 {pattern}\n")
    assert len(read_gold(topics, patterns=patterns)) == 1


@pytest.mark.parametrize("value", [10**400, float("inf"), True, "1"])
def test_a_number_must_be_finite(value: Any) -> None:
    with pytest.raises(DataError, match="'n' to be a finite number"):
        take_number({"n": value}, "n", SourceLocation(Path("file"), 1))


def test_a_number_too_long_to_write_is_refused(write_file: WriteFile) -> None:
    path = write_file("q.csv", f"q\t[0x{'f' * 10_000}]\n")
    assert "q.csv:1: expected 'answers' to be a list of strings" in refusal(
        lambda: read_questions(path)
    )
    assert shorten(1 << 40_000) == "(too long or too deeply nested to show)"


def test_a_binary_file_is_read_whole(tmp_path: Path) -> None:
    """DOCX and PDF, which are no text, plain and within gzip."""
    content = b"PK\x03\x04\r\n\x00\xef\xbb\xbf\n" * 3
    plain, packed = tmp_path / "a.docx", tmp_path / "a.docx.gz"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    assert lines.read_whole_bytes(plain, MIB) == lines.read_whole_bytes(packed, MIB) == content


def test_a_file_of_short_lines_takes_no_more_memory_than_another(tmp_path: Path) -> None:
    """A line by itself takes 40 bytes and more: 260 kB of gzip data filled 7 GB."""
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(b"\n1" * (2 * MIB)))
    for read in (lines.read_whole_text, lambda path: lines.read_whole_bytes(path, 8 * MIB)):
        tracemalloc.start()
        assert len(read(path)) == 4 * MIB
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 20 * MIB
