"""Every corpus format, with the faults of each."""

import bz2
import csv
import gzip
import hashlib
import json
import lzma
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from preread.data import (
    CorpusFormat,
    DataError,
    OnError,
    Passage,
    ReadReport,
    detect_corpus_format,
    read_corpus,
)
from preread.data.text.characters import is_blank

WriteFile = Callable[[str, str | bytes], Path]

NESTED = "JSON whose first record is no passage, but which holds some"
ONE_MORE = '{"id": "b", "text": "t"}\n'
HEADER = "id\ttext\ttitle\n"

filled_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: not is_blank(text) and not text.startswith("\ufeff")
)
any_text = st.text(st.characters(exclude_categories=["Cs"]))
corpora = st.lists(
    st.builds(Passage, filled_text, filled_text, any_text),
    min_size=1,
    max_size=5,
    unique_by=lambda passage: passage.passage_id,
)


def read_error(path: Path, **options: Any) -> str:
    """The message of the error that reading the corpus raises, path shortened to its name."""
    with pytest.raises(DataError) as caught:
        list(read_corpus(path, **options))
    return str(caught.value).replace(f"{path.parent}/", "")


@pytest.mark.parametrize("name", ["c.tsv", "c.tsv.gz", "no-suffix"])
def test_dpr_rows_become_passages(write_file: WriteFile, name: str) -> None:
    path = write_file(name, HEADER + '1\t"Say ""hi""\nthere"\tA\n2\tIt is 6" long\t"B\tC"\n')
    assert detect_corpus_format(path) is CorpusFormat.DPR
    assert list(read_corpus(path)) == [
        Passage("1", 'Say "hi"\nthere', "A"),
        Passage("2", 'It is 6" long', "B\tC"),
    ]


def test_dpr_error_names_the_physical_line_after_a_quoted_newline(write_file: WriteFile) -> None:
    path = write_file("c.tsv", HEADER + '1\t"two\nlines"\tA\n\n2\tno title\n')
    assert read_error(path).startswith("c.tsv:5: expected 3 tab-separated fields")


def test_dpr_without_header_is_refused_whatever_the_policy(write_file: WriteFile) -> None:
    path = write_file("c.tsv", "1\ttext\ttitle\n")
    with pytest.raises(DataError, match=r"c\.tsv:1: expected the header id, text, title"):
        list(read_corpus(path, on_error=OnError.SKIP))


def test_dpr_header_that_is_not_utf8_is_refused_whatever_the_policy(write_file: WriteFile) -> None:
    path = write_file("c.tsv", (HEADER + "1\tone\tA\n").encode("utf-16"))
    for on_error in OnError:
        assert read_error(path, on_error=on_error).startswith("c.tsv:1: expected UTF-8, found byte")


def test_dpr_header_alone_holds_no_passage(write_file: WriteFile) -> None:
    assert "holds no passage" in read_error(write_file("c.tsv", HEADER))
    assert "holds no passage" in read_error(write_file("d.tsv", ""))


def test_dpr_quote_that_never_closes_is_an_error_at_its_row(write_file: WriteFile) -> None:
    path = write_file("c.tsv", HEADER + '1\tone\tA\n2\ttwo\t"B\n3\tthree\tC\n')
    assert read_error(path).startswith("c.tsv:3: expected the quoted field that starts here to be")
    assert [p.passage_id for p in read_corpus(path, on_error=OnError.SKIP)] == ["1", "3"]


def sound_row(number: int, passage: Passage) -> str:
    """A row as csv writes it."""
    file = StringIO()
    csv.writer(file, delimiter="\t", lineterminator="\n").writerow(
        [f"{number}", passage.text, passage.title]
    )
    return file.getvalue()


# A field that begins with a newline makes its opening quote look like one that closes.
words = st.text(st.sampled_from('ab "\n.é'), min_size=1).map(lambda text: f"a{text}")
rows = st.lists(st.builds(Passage, st.just(""), words, words), min_size=1, max_size=8)


@given(passages=rows, data=st.data())
def test_a_stray_quote_costs_its_own_row_only(
    tmp_path_factory: pytest.TempPathFactory, passages: list[Passage], data: st.DataObject
) -> None:
    """Wherever it opens a field, however many there are, and whatever stands in other rows."""
    damaged = data.draw(st.sets(st.integers(0, len(passages) - 1)))
    column = data.draw(st.sampled_from([0, 1]))
    written = []
    for number, passage in enumerate(passages):
        if number in damaged:
            fields = [f"{number}", "River number one", "River"]
            fields[1 + column] = '"' + fields[1 + column]
            written.append("\t".join(fields) + "\n")
        else:
            written.append(sound_row(number, passage))
    path = tmp_path_factory.getbasetemp() / "stray.tsv"
    path.write_text(HEADER + "".join(written), encoding="utf-8", newline="")
    report = ReadReport()
    kept = [(n, p) for n, p in enumerate(passages) if n not in damaged]
    if kept:
        found = list(read_corpus(path, on_error=OnError.SKIP, report=report))
        assert found == [Passage(f"{n}", p.text, p.title) for n, p in kept]
        assert report.n_read + report.n_skipped == len(passages)
    if damaged:
        first = 2 + sum(text.count("\n") for text in written[: min(damaged)])
        assert f"stray.tsv:{first}: expected the quoted field" in read_error(path)


IDENTIFIERS: dict[str, list[str]] = {
    "numbers": [f"{n}" for n in range(8)],
    "of one form": [f"q-{n}/x" for n in range(8)],
    "with spaces": [f"Page {n}" for n in range(8)],
    "titles": ["Aaron", "Weird Al", "Rome", "San Marino", "Oslo", "Åre", "Bern", "New York"],
    "slugs": ["weird-al", "3f2a-b", "9c-d1", "a0-00", "aaron", "b-2", "c-c-c", "d"],
    "digests": [hashlib.md5(f"{n}".encode(), usedforsecurity=False).hexdigest() for n in range(8)],
    "addresses": [f"https://example.org/{'a-' * (n % 3)}{n}.md?p={n}" for n in range(8)],
    "mixed": ["0", "x1", "weird-al", "3", "x4", "d", "6", "x7"],
}


@given(
    kind=st.sampled_from(sorted(IDENTIFIERS)),
    cuts=st.lists(
        st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0, 2, 99])), max_size=2),
        min_size=1,
        max_size=8,
    ),
)
@example(kind="numbers", cuts=[[(1, 0)], [(2, 2)], []])
@example(kind="numbers", cuts=[[(2, 2)], [(1, 0), (2, 2)], [(2, 2)]])
@example(kind="slugs", cuts=[[(1, 0)], [(1, 99)], []])
def test_a_row_without_a_quote_is_read_whatever_quotes_other_rows_have(
    tmp_path_factory: pytest.TempPathFactory, kind: str, cuts: list[list[tuple[int, int]]]
) -> None:
    """Quotes anywhere, in pairs that fit and in some that do not: rows are read or reported."""
    rows = []
    identifiers = IDENTIFIERS[kind][: len(cuts)]
    for identifier, places in zip(identifiers, cuts, strict=True):
        fields = [identifier, "a river, or 5", "River"]
        for field, place in places:
            fields[field] = fields[field][:place] + '"' + fields[field][place:]
        rows.append("\t".join(fields))
    path = tmp_path_factory.getbasetemp() / "strays.tsv"
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    report = ReadReport()
    wanted = {name for name, places in zip(identifiers, cuts, strict=True) if not places}
    try:
        found = {p.passage_id for p in read_corpus(path, on_error=OnError.SKIP, report=report)}
    except DataError:  # none could be read
        found = set()
    assert wanted <= found
    assert report.n_read + report.n_skipped == len(rows)


@pytest.mark.parametrize(
    ("rows", "ids"),
    [
        (['1\t"an open quote\tT', '2\ta 5 inch, or 5"\tT', "3\tfine\tT"], ["2", "3"]),
        (['one\t"an open quote\tT', "a-2\tsound\tT", 'b\tor 5"\tT'], ["a-2", "b"]),
        (['1\tx\t"a title', '2\ta river\t""odd"', "3\tfine\tT"], ["2", "3"]),
        (['1\t"Name\tValue', 'river\t5 km"\tA table of two columns', "3\tfine\tT"], ["1", "3"]),
        (['1\t"A table', "a\tb\tc", 'its end"\tT', "3\tfine\tT"], ["1", "3"]),
    ],
)
def test_a_line_after_an_open_quote_is_a_row_or_a_part_of_the_field(
    write_file: WriteFile, rows: list[str], ids: list[str]
) -> None:
    path = write_file("c.tsv", HEADER + "\n".join(rows) + "\n")
    assert [p.passage_id for p in read_corpus(path, on_error=OnError.SKIP)] == ids


@pytest.mark.parametrize(
    ("rows", "number", "like_a_row"),
    [
        (['1\t"an open quote\tT', 'no digit\tor 5"\tT', "3\tfine\tT"], 2, 3),
        (['1\t"without a title', '2\ta 5 inch, or 5"\tT', "3\tfine\tT"], 2, 3),
        ([f"id{n}\tfine\tT" for n in range(6)] + ['x\t"open\tT', 'a b\tor 5"\tT'], 8, 9),
        (['1\t"\tT', '2\t"\tT', "3\tfine\tT"], 2, 3),
    ],
)
def test_a_row_that_may_be_several_is_reported(
    write_file: WriteFile,
    caplog: pytest.LogCaptureFixture,
    rows: list[str],
    number: int,
    like_a_row: int,
) -> None:
    path = write_file("c.tsv", HEADER + "\n".join(rows) + "\n")
    report = ReadReport()
    assert len(list(read_corpus(path, report=report))) == len(rows) - 1
    assert (report.n_doubtful, report.n_skipped, report.is_complete) == (1, 0, False)
    expected = f"c.tsv:{number}: the quoted field that starts here holds line {like_a_row}, which"
    assert expected in caplog.text
    assert report.summary().endswith("1 of the records read may be several")


def test_joined_files_have_headers_and_byte_order_marks_inside(write_file: WriteFile) -> None:
    table = b"\xef\xbb\xbf" + HEADER.encode()
    path = write_file("c.tsv", table + b"1\tone\tA\n" + table + b"2\ttwo\tB\n")
    report = ReadReport()
    assert [p.text for p in read_corpus(path, report=report)] == ["one", "two"]
    assert report.left_out == {"repeated header": 1}
    for name in ("c.jsonl", "c.json"):
        lines = [f'\ufeff{{"id": "{n}", "contents": "text {n}"}}\n' for n in range(2)]
        path = write_file(name, "".join(lines))
        assert [p.text for p in read_corpus(path)] == ["text 0", "text 1"]


def test_dpr_bad_utf8_costs_its_row_only(write_file: WriteFile) -> None:
    path = write_file("c.tsv", HEADER.encode() + b'1\t"a\n\xff"\tA\n2\tb\tB\n')
    assert read_error(path).startswith("c.tsv:3: expected UTF-8, found byte 0xff at position 1")
    assert list(read_corpus(path, on_error=OnError.SKIP)) == [Passage("2", "b", "B")]


def test_dpr_stray_carriage_return_is_an_error_with_its_line(write_file: WriteFile) -> None:
    path = write_file("c.tsv", HEADER + "1\ta\rb\tA\n2\tb\tB\n")
    assert read_error(path).startswith(
        r"c.tsv:2: expected a row of tab-separated fields, found a carriage return (\r) inside"
    )
    assert [p.passage_id for p in read_corpus(path, on_error=OnError.SKIP)] == ["2"]


@example(passages=[Passage("0\n", "0"), Passage('\n"0', "0")], is_quoted=False)
@example(passages=[Passage('0\n"', "0"), Passage("1", '\n"\n')], is_quoted=True)
@example(passages=[Passage("0", "\t\n0\t0")], is_quoted=True)
@given(passages=corpora, is_quoted=st.booleans())
def test_dpr_write_then_read_is_identity_or_says_so(
    tmp_path_factory: pytest.TempPathFactory, passages: list[Passage], is_quoted: bool
) -> None:
    """Only a text with tabs and line breaks may look like several rows, which is reported."""
    path = tmp_path_factory.getbasetemp() / "written.tsv"
    with path.open("w", encoding="utf-8", newline="") as file:
        dialect: dict[str, Any] = {"quoting": csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL}
        writer = csv.writer(file, delimiter="\t", **dialect)
        writer.writerow(["id", "text", "title"])
        writer.writerows([p.passage_id, p.text, p.title] for p in passages)
    report = ReadReport()
    found = list(read_corpus(path, on_error=OnError.SKIP, report=report))
    is_doubtful = any({"\t", "\n"} <= {*p.passage_id, *p.text, *p.title} for p in passages)
    assert found == passages or (is_doubtful and not report.is_complete)


@given(passages=corpora, is_ascii=st.booleans())
def test_jsonl_write_then_read_is_identity(
    tmp_path_factory: pytest.TempPathFactory, passages: list[Passage], is_ascii: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.jsonl"
    records = [{"id": p.passage_id, "title": p.title, "text": p.text} for p in passages]
    lines = [json.dumps(record, ensure_ascii=is_ascii) + "\n" for record in records]
    path.write_text("".join(lines), encoding="utf-8", newline="")
    assert list(read_corpus(path)) == passages


@pytest.mark.parametrize(
    "name", ["c.jsonl", "c.jsonl.gz", "c.ndjson", "c.jl", "c.json", "no-suffix"]
)
def test_jsonl_lines_become_passages(write_file: WriteFile, name: str) -> None:
    path = write_file(name, '{"id": 7, "text": "seven"}\n{"id": "x", "title": "T", "text": "t"}')
    assert detect_corpus_format(path) is CorpusFormat.JSONL
    assert list(read_corpus(path)) == [Passage("7", "seven"), Passage("x", "t", "T")]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("{broken", "expected one JSON object on the line, found '{broken'"),
        ('["1", "text"]', "expected a JSON object {…}, found list ['1', 'text']"),
        ('{"text": "t"}', "expected the field 'id', found only 'text'. Add it."),
        ('{"id": "2"}', "expected the field 'text', found only 'id'. Add it."),
        ('{"id": null, "text": "t"}', "expected 'id' to be a string or a whole number, found null"),
        ('{"id": "2", "text": null}', "expected 'text' to be a string, found null. Fill it or"),
        ("null", "expected a JSON object {…}, found null."),
        ("{}", "expected the field 'id', found an empty object"),
        ('{"id": "2", "text": " "}', "expected text in 'text', found it empty"),
        ('{"id": "2", "text": "\u200b\u00ad "}', "expected text in 'text', found it empty"),
        ('{"id": "2",', 'found \'{"id": "2",\', which does not end there. If it goes on in the'),
        ('{"id": "2", "text": 3}', "expected 'text' to be a string, found int 3"),
        ('{"id": " ", "text": "t"}', "expected an identifier in 'id', found it empty"),
        ('{"id": true, "text": "t"}', "expected 'id' to be a string or a whole number, found bool"),
        ('{"id": 1.5, "text": "t"}', "expected 'id' to be a string or a whole number, found float"),
        ('{"id": "2", "text": "t", "title": []}', "expected 'title' to be a string, found list []"),
        ('{"id": "2", "text": "\\ud800"}', "found half of a surrogate pair"),
        ('{"id": "1", "text": "t"}', "expected each identifier once, found '1' a second time"),
        ('{"id": 1, "text": "t"}', "expected each identifier once, found '1' a second time"),
        ("[" * 100_000, "expected one JSON object on the line"),
    ],
)
def test_jsonl_fault_is_named_with_its_line(
    write_file: WriteFile, record: str, message: str
) -> None:
    path = write_file("c.jsonl", f'{{"id": "1", "text": "one"}}\n\n{record}\n')
    found = read_error(path)
    assert found.startswith("c.jsonl:3: ")
    assert message in found
    assert [p.text for p in read_corpus(path, on_error=OnError.SKIP)] == ["one"]


@pytest.mark.parametrize("name", ["corpus.jsonl", "corpus.jsonl.gz", "corpus.json"])
def test_beir_is_read_from_its_file_or_its_folder(write_file: WriteFile, name: str) -> None:
    path = write_file(f"scifact/{name}", '{"_id": "4", "title": "T", "text": "t", "metadata": {}}')
    for queries in ("queries.jsonl", "queries-train.jsonl", "queries.json"):
        write_file(f"scifact/{queries}", '{"_id": "1", "text": "q"}')
    write_file("scifact/qrels/test.tsv", "query-id\tcorpus-id\tscore\n1\t4\t1\n")
    for place in (path, path.parent, path.parent.parent):
        assert detect_corpus_format(place) is CorpusFormat.BEIR
        assert list(read_corpus(place)) == [Passage("4", "t", "T")]


def test_beir_folder_without_corpus_is_refused(tmp_path: Path) -> None:
    found = read_error(tmp_path, format=CorpusFormat.BEIR)
    assert (
        "expected .jl or .json or .jsonl or .jsonlines or .ndjson files in the folder, found none"
        in found
    )


def test_beir_line_without_id_is_named(write_file: WriteFile) -> None:
    path = write_file("corpus.jsonl", '{"_id": "1", "text": "t"}\n{"id": "2", "text": "t"}\n')
    assert read_error(path).startswith("corpus.jsonl:2: expected the field '_id'")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.jsonl", '{"id": "1", "contents": "a"}\n{"id": 2, "contents": "b"}\n'),
        ("c.jsonl.gz", '{"id": "1", "contents": "a"}\n{"id": 2, "contents": "b"}\n'),
        ("c.json", '[{"id": "1", "contents": "a"},\n {"id": 2, "contents": "b"}]\n'),
        ("c.json.gz", '\n[\n{"id": "1",\n"contents": "a"}, {"id": 2, "contents": "b"} ]'),
        ("c.json", '{"id": "1", "contents": "a"}\n{"id": 2, "contents": "b"}\n'),
    ],
)
def test_pyserini_lines_arrays_and_objects_become_passages(
    write_file: WriteFile, name: str, content: str
) -> None:
    path = write_file(name, content)
    assert detect_corpus_format(path) is CorpusFormat.PYSERINI
    assert list(read_corpus(path)) == [Passage("1", "a"), Passage("2", "b")]


def test_pyserini_folder_is_read_in_order_of_its_paths(write_file: WriteFile) -> None:
    write_file("c/b.jsonl", '{"id": "3", "contents": "c"}\n')
    write_file("c/a/2.json", '{\n  "id": "2",\n  "contents": "b"\n}\n')
    folder = write_file("c/a/1.json", '[{"id": "1", "contents": "a"}]').parents[1]
    write_file("c/.hidden.json", "no JSON")
    write_file("c/README.md", "About this corpus")
    assert detect_corpus_format(folder) is CorpusFormat.PYSERINI
    assert [p.text for p in read_corpus(folder)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("contents", "title", "text"),
    [
        ('"Aaron"\nAaron is a prophet.', "Aaron", "Aaron is a prophet."),
        ('""Weird Al" Yankovic"\nA\n"b"\nsinger.', '"Weird Al" Yankovic', 'A\n"b"\nsinger.'),
        ("Aaron\nAaron is a prophet.", "", "Aaron\nAaron is a prophet."),
        ('"Aaron"', "", '"Aaron"'),
        ('"Aaron" said\n"yes"', "", '"Aaron" said\n"yes"'),
        ('"Aaron"\n ', "", '"Aaron"\n '),
    ],
)
def test_pyserini_title_is_split_off_only_in_wikipedia_form(
    write_file: WriteFile, contents: str, title: str, text: str
) -> None:
    path = write_file("c.jsonl", json.dumps({"id": "1", "contents": contents}))
    assert list(read_corpus(path)) == [Passage("1", text, title)]


def test_pyserini_array_names_the_line_of_a_bad_item(write_file: WriteFile) -> None:
    path = write_file("c.json", '[\n{"id": "1", "contents": "a"},\n{"id": "2"},\n3]')
    assert read_error(path).startswith("c.json:3: expected the field 'contents'")
    assert [p.text for p in read_corpus(path, on_error=OnError.SKIP)] == ["a"]


def test_pyserini_array_that_is_not_json_is_an_error_whatever_the_policy(
    write_file: WriteFile,
) -> None:
    path = write_file("c.json", '[\n{"id": "1", "contents": "a"},\n{"id": oops}]')
    with pytest.raises(DataError, match=r"c\.json:3: expected JSON, found a fault"):
        list(read_corpus(path, on_error=OnError.SKIP))


def test_duplicate_in_another_file_is_found(write_file: WriteFile) -> None:
    write_file("c/1.json", '{"id": "1", "contents": "a"}')
    folder = write_file("c/2.json", '{"id": 1, "contents": "b"}').parent
    with pytest.raises(DataError, match=r"2\.json:1: expected each identifier once"):
        list(read_corpus(folder))


RECORDS = {
    CorpusFormat.JSONL: ("part-{n}.jsonl", '{{"id": "{n}", "text": "text {n}"}}\n'),
    CorpusFormat.DPR: ("part-{n}.tsv.gz", "id\ttext\ttitle\n{n}\ttext {n}\tT\n"),
    CorpusFormat.BEIR: ("part-{n}.jsonl.gz", '{{"_id": "{n}", "text": "text {n}"}}\n'),
    CorpusFormat.PYSERINI: ("part-{n}.json", '{{"id": "{n}", "contents": "text {n}"}}'),
    CorpusFormat.DOCUMENTS: ("part-{n}.md", "text {n}"),
}
BESIDE = {
    "README.md": "# A corpus\n\nMade by us.",
    "LICENSE": "Apache",
    "LICENSE.txt": "Apache",
    "figure.png": b"\x89PNG\r\n",
    ".hidden.jsonl": '{"name": 1}',
    "config.yaml": "id: 1",
    "a.jsonl.sha256": "0123",
    "notes": "No data, { and } aside",
    "package.json": '{"name": "corpus", "version": 1}',
    "sub/NOTICE.md": "Notice",
}


@given(
    kind=st.sampled_from(sorted(RECORDS)),
    n_shards=st.integers(1, 4),
    beside=st.sets(st.sampled_from(sorted(BESIDE))),
    is_deep=st.booleans(),
)
def test_a_folder_is_read_as_what_its_shards_are(
    tmp_path_factory: pytest.TempPathFactory,
    kind: CorpusFormat,
    n_shards: int,
    beside: set[str],
    is_deep: bool,
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    name, content = RECORDS[kind]
    for number in range(n_shards):
        path = folder / ("deep/er" if is_deep else ".") / name.format(n=number)
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = content.format(n=number).encode()
        path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    for other in beside:
        written: Any = BESIDE[other]
        (folder / other).parent.mkdir(exist_ok=True)
        (folder / other).write_bytes(written if isinstance(written, bytes) else written.encode())
    assert detect_corpus_format(folder) is kind
    report = ReadReport()
    texts = [p.text for p in read_corpus(folder, report=report)]
    assert [text for text in texts if text.startswith("text ")] == [
        f"text {n}" for n in range(n_shards)
    ]
    if kind is not CorpusFormat.DOCUMENTS:  # which a README belongs to
        assert len(texts) == n_shards
        assert report.left_out.total() == len(beside)


@settings(max_examples=20)
@given(kinds=st.lists(st.sampled_from(sorted(RECORDS)), min_size=2, max_size=3, unique=True))
def test_a_folder_of_several_formats_is_refused_and_they_are_named(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[CorpusFormat]
) -> None:
    folder = tmp_path_factory.mktemp("mixed")
    for number, kind in enumerate(kinds):
        name, content = RECORDS[kind]
        raw = content.format(n=number).encode()
        path = folder / name.format(n=number)
        path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    with pytest.raises(DataError, match="expected a folder of one format") as caught:
        detect_corpus_format(folder)
    assert all(f"{kind.value} (1 file, " in str(caught.value) for kind in kinds)
    assert "--format" in str(caught.value)


def link_of(target: str) -> Callable[[Path], None]:
    """What makes a link at a path."""
    return lambda path: path.symlink_to(target)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("b.json", '{"_id": "b", "text": "t"}', "beir (1 file, b.json)"),
        ("b.jsonl.1", ONE_MORE, "files whose names end with a number (1 file, b.jsonl.1)"),
        ("b.tsv-1-of-2.gz", "x", "files whose names end with a number (1 file, b.tsv-1-of-2.gz)"),
        ("b.jsonl.zst", "x", "files in another compression than gzip (1 file, b.jsonl.zst)"),
        ("b.tsv", "b\ttext\tT\n", "tables without the header id, text, title (1 file, b.tsv)"),
        ("queries.jsonl", ONE_MORE, "queries of BEIR (1 file, queries.jsonl)"),
        ("b.json", '{"id": "b", "te', "b.json:1: expected one JSON object on the line"),
        ("b.json", f"[\n{ONE_MORE}]", "b.json:1: expected one JSON object on the line"),
        ("b.jsonl", link_of("gone"), "b.jsonl: expected a file, found a link to gone, where there"),
        ("b.jsonl", os.mkfifo, "b.jsonl: expected a file, found a pipe, a socket or a device"),
        ("b.md", link_of("gone"), "b.md: expected a file, found a link to gone, where there"),
        ("b.json", f'{{"data": [{ONE_MORE}]}}', f"{NESTED} (1 file, b.json)"),
        ("b.json", f"[[{ONE_MORE}]]", f"{NESTED} (1 file, b.json)"),
        ("b.json", f'{{"version": 1}}\n{ONE_MORE}', f"{NESTED} (1 file, b.json)"),
        ("b", ONE_MORE, "data in a form that is not read (1 file, b)"),
        ("b.dat", f"[{ONE_MORE}]", "data in a form that is not read (1 file, b.dat)"),
        ("b.txt.part", HEADER, "data in a form that is not read (1 file, b.txt.part)"),
        *[
            (name, "x", f"data in a form that is not read (1 file, {name})")
            for name in ("part-00001", "b.jsonl.aa", "b.jsonl_1", "b.jsonl.part")
            + ("b.csv", "b.tab", "b.parquet", "b.tar.gz")
        ],
        ("b.zst", "x", "archives (1 file, b.zst)"),
        ("queries-train.jsonl", ONE_MORE, "queries of BEIR (1 file, queries-train.jsonl)"),
        ("b", link_of("../other"), "b: expected a folder, found a link to"),
    ],
)
def test_a_folder_with_a_shard_that_would_not_be_read_is_refused(
    write_file: WriteFile, name: str, content: str | Callable[[Path], None], found: str
) -> None:
    write_file("other/b.jsonl", ONE_MORE)
    folder = write_file("c/a.jsonl", '{"id": "a", "text": "t"}\n').parent
    (folder / name).write_text(content) if isinstance(content, str) else content(folder / name)
    with pytest.raises(DataError) as caught:
        list(read_corpus(folder))
    assert found in str(caught.value)


def test_shards_of_every_suffix_are_read_and_so_is_one_in_the_middle_of_many(
    write_file: WriteFile,
) -> None:
    """A link to a folder within the folder leads to files that are read anyway."""
    for number in range(150):
        suffix = ("jsonl", "ndjson", "json", "jsonl.gz", "jl", "jsonlines")[number % 6]
        folder = write_file(f"c/{number:03}.{suffix}", f'{{"id": {number}, "text": "t"}}\n').parent
    (folder / "loop").symlink_to(".")
    assert [p.passage_id for p in read_corpus(folder)] == [f"{n}" for n in range(150)]
    write_file("c/075.tsv", HEADER + "x\tt\tT\n")
    assert "dpr (1 file, 075.tsv)" in read_error(folder)
    report = ReadReport()
    assert len(list(read_corpus(folder, format=CorpusFormat.JSONL, report=report))) == 150
    assert report.left_out == {"of another kind": 1}


def test_a_title_without_text_is_read_as_text(write_file: WriteFile) -> None:
    lines = (
        '{"_id": "1", "title": "Willow fever", "text": ""}\n{"_id": "2", "title": "", "text": ""}\n'
    )
    path = write_file("corpus.jsonl", lines)
    assert list(read_corpus(path, on_error=OnError.SKIP)) == [Passage("1", "Willow fever")]
    assert read_error(path).endswith("Or skip and count such records: --on-error skip.")


@pytest.mark.parametrize(
    ("header", "remedy"),
    [
        ("id\ttitle\ttext", "Put the columns, and their names, in this order."),
        ("Text\tID\tTitle", "Put the columns, and their names, in this order."),
        ("id\ttext", "Correct the names and the columns below them."),
        ("1\tone\tA", "Add the header as the first line."),
    ],
)
def test_dpr_header_that_is_not_the_formats_says_what_to_do(
    write_file: WriteFile, header: str, remedy: str
) -> None:
    path = write_file("c.tsv", f"{header}\n1\tone\tA\n")
    found = read_error(path)
    assert found.startswith("c.tsv:1: expected the header id, text, title")
    assert found.endswith(remedy)


@pytest.mark.parametrize(
    ("name", "raw", "kind"),
    [
        ("c.jsonl.xz", lzma.compress(b"x"), "xz"),
        ("c.jsonl.bz2", bz2.compress(b"x"), "bzip2"),
        ("c.jsonl", bz2.compress(b"x"), "bzip2"),
        ("c.tsv.zst", b"\x28\xb5\x2f\xfd\x04\x00", "Zstandard"),
        ("c.zip", b"PK\x03\x04\x14\x00", "zip"),
    ],
)
def test_other_compression_than_gzip_is_named(
    write_file: WriteFile, name: str, raw: bytes, kind: str
) -> None:
    path = write_file(f"folder/{name}", raw)
    assert f"expected plain text or gzip, found {kind} data. Decompress" in read_error(path)
    if path.suffix != ".jsonl":
        assert f"(only gzip is read, not {name})" in read_error(path.parent)


def test_a_file_of_a_byte_order_mark_holds_no_passage(write_file: WriteFile) -> None:
    assert "holds no passage" in read_error(write_file("c.jsonl", b"\xef\xbb\xbf"))


def test_unknown_formats_are_refused_with_the_choices(write_file: WriteFile) -> None:
    choices = "dpr, jsonl, beir, pyserini, documents"
    assert choices in read_error(write_file("a.jsonl", '{"name": 1}'))
    assert choices in read_error(write_file("b.bin", b"\x00\x01"))
    assert choices in read_error(write_file("c/d.bin", b"\x00\x01").parent)
