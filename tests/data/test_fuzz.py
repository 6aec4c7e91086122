"""Corpora, documents and questions with some bytes changed: records, or an error of ours.

``PREREAD_FUZZ_SECONDS=600 pytest --log-cli-level INFO …`` runs longer and says how much was tried.
"""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from preread.data import (
    CorpusFormat,
    OnError,
    QuestionFormat,
    ReadReport,
    read_corpus,
    read_questions,
)

from tests.fuzzing import SECONDS, fuzz

_TEXT = "Zoë's 5\" disk — said “no”, 日本語 e\u0301 🙂"
_PIECES = [b'"', b"\t", b"\n", b"\r", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\\"]
_PIECES += [b"\\ud800", b"[" * 3000, b"{" * 3000, b'{"a":' * 999, b"9" * 5000, b"NaN", b"1e999"]
_PIECES += [
    b"<" * 99,
    b"<table>" * 600,
    b"<!--",
    b"&#x110000;",
    b"|" * 200,
    b"> " * 999,
    b"* " * 999,
]
_PIECES += [
    b"```",
    b"---\n",
    b"\x1b[2J",
    b"\xe2\x80\x8b",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"/Length -1",
]
_MARKDOWN = (
    "---\ntitle: A\n---\n# Piano\n\nIt has **88** keys.\n\n- one\n- two\n  1. three\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n> quoted\n"
)
_HTML = (
    "<!doctype html><title>A</title><h1>Piano</h1><p>It has <b>88</b> keys.</p><ul><li>one<li>two"
    "</ul><table><tr><th>a<th>b<tr><td>1<td>2</table><pre>code</pre><script>no</script>"
)


def lines(*records: Any) -> bytes:
    """Records as lines of JSON."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def table() -> bytes:
    """Passages as DPR writes them."""
    rows = [f'{n}\t"{_TEXT.replace(chr(34), chr(34) * 2)}\nrow {n}"\tTitle {n}' for n in range(4)]
    return ("id\ttext\ttitle\n" + "\n".join(rows) + "\n").encode()


def docx() -> bytes:
    """A document with a heading, a list and a table."""
    document = pytest.importorskip("docx").Document()
    document.add_heading("Piano", 1)
    document.add_paragraph(_TEXT)
    document.add_paragraph("one", style="List Bullet")
    cells = document.add_table(rows=2, cols=2).cell
    for row in range(2):
        for column in range(2):
            cells(row, column).text = f"{row}{column}"
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def pdf() -> bytes:
    """A document of a page of text."""
    pypdf = pytest.importorskip("pypdf")
    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(300, 300)
    content = pypdf.generic.DecodedStreamObject()
    content.set_data(b"BT /F1 12 Tf 20 200 Td (It has 88 keys.) Tj ET")
    page[pypdf.generic.NameObject("/Contents")] = writer._add_object(content)
    font = pypdf.generic.DictionaryObject(
        {
            pypdf.generic.NameObject(f"/{key}"): pypdf.generic.NameObject(f"/{value}")
            for key, value in (("Type", "Font"), ("Subtype", "Type1"), ("BaseFont", "Helvetica"))
        }
    )
    fonts = pypdf.generic.DictionaryObject({pypdf.generic.NameObject("/F1"): font})
    page[pypdf.generic.NameObject("/Resources")] = pypdf.generic.DictionaryObject(
        {pypdf.generic.NameObject("/Font"): fonts}
    )
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def squad() -> bytes:
    """A file of reading comprehension."""
    answers = [{"text": "88", "answer_start": 7}]
    asked = [{"id": str(n), "question": "How many?", "answers": answers} for n in range(3)]
    paragraph = {"context": "It has 88 keys.", "qas": asked}
    return json.dumps({"data": [{"title": "Piano", "paragraphs": [paragraph]}]}).encode()


_JSONL = lines(*({"id": f"a{n}", "title": "T", "text": _TEXT, "page": n} for n in range(4)))
_QUESTIONS = lines(*({"question": f"who {n}?", "answer": ["Zoë", "x"]} for n in range(4)))
CORPORA: dict[str, tuple[CorpusFormat, Callable[[], bytes]]] = {
    "c.tsv": (CorpusFormat.DPR, table),
    "c.jsonl": (CorpusFormat.JSONL, lambda: _JSONL),
    "c.jsonl.gz": (CorpusFormat.JSONL, lambda: gzip.compress(_JSONL, mtime=0)),
    "corpus.jsonl": (
        CorpusFormat.BEIR,
        lambda: lines(*({"_id": f"a{n}", "title": "T", "text": _TEXT} for n in range(4))),
    ),
    "p.json": (
        CorpusFormat.PYSERINI,
        lambda: json.dumps([{"id": f"a{n}", "contents": _TEXT} for n in range(4)]).encode(),
    ),
    "d/a.md": (CorpusFormat.DOCUMENTS, _MARKDOWN.encode),
    "d/a.html": (CorpusFormat.DOCUMENTS, _HTML.encode),
    "d/a.txt": (CorpusFormat.DOCUMENTS, f"{_TEXT}\n\n{_TEXT}\n".encode),
    "d/a.pdf": (CorpusFormat.DOCUMENTS, pdf),
    "d/a.docx": (CorpusFormat.DOCUMENTS, docx),
}
QUESTIONS: dict[str, tuple[QuestionFormat, Callable[[], bytes]]] = {
    "q.jsonl": (QuestionFormat.NQ_OPEN, lambda: _QUESTIONS),
    "q.json": (QuestionFormat.SQUAD, squad),
    "q.csv": (QuestionFormat.DPR, lambda: "who?\t['Zoë', \"x's\"]\nwhat?\t['y']\n".encode()),
    "q.tsv": (QuestionFormat.TREC, b"1\twho?\n2\twhat is it?\n".__bytes__),
}
N_TARGETS = len(CORPORA) + len(QUESTIONS)


@st.composite
def mutated(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes with a few changes."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 5))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 5)):
            case 0:
                data[place:place] = draw(st.sampled_from(_PIECES))
            case 1:
                data[place : place + 1] = bytes([draw(st.integers(0, 255))])
            case 2:
                del data[place : place + draw(st.integers(1, 40))]
            case 3:
                other = draw(st.integers(0, max(0, len(data) - 1)))
                data[place:place] = data[other : other + draw(st.integers(1, 200))]
            case 4:
                data[place:place] = draw(st.text(max_size=4)).encode()
            case _:
                del data[place:]
    return bytes(data)


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPORA)
def test_no_bytes_of_a_corpus_crash_or_hang(name: str, tmp_path: Path) -> None:
    format, make = CORPORA[name]
    whole, path = make(), tmp_path / name
    path.parent.mkdir(exist_ok=True)

    def once(data: st.DataObject) -> bool:
        changed = data.draw(mutated(whole))
        path.write_bytes(changed)
        where = path.parent if format is CorpusFormat.DOCUMENTS else path
        chosen = data.draw(st.sampled_from([format, CorpusFormat.AUTO]))
        report = ReadReport()
        for passage in read_corpus(where, format=chosen, on_error=OnError.SKIP, report=report):
            passage.text.encode(), passage.title.encode(), json.dumps(passage.metadata)
            assert passage.text.strip() and passage.passage_id
        if path.suffix == ".jsonl":  # documents and tables have passages of several lines
            assert report.n_read + report.n_skipped <= len(changed.splitlines())
        return not report.n_skipped

    fuzz(once, SECONDS / N_TARGETS)
    path.write_bytes(whole)
    where = path.parent if format is CorpusFormat.DOCUMENTS else path
    assert list(read_corpus(where, format=format))


@pytest.mark.slow
@pytest.mark.parametrize("name", QUESTIONS)
def test_no_bytes_of_questions_crash_or_hang(name: str, tmp_path: Path) -> None:
    format, make = QUESTIONS[name]
    whole, path = make(), tmp_path / name

    def once(data: st.DataObject) -> bool:
        path.write_bytes(data.draw(mutated(whole)))
        chosen = data.draw(st.sampled_from([format, QuestionFormat.AUTO]))
        report = ReadReport()
        for asked in read_questions(path, format=chosen, on_error=OnError.SKIP, report=report):
            asked.question.encode(), json.dumps(asked.answers).encode()
            assert asked.question.strip()
        return not report.n_skipped

    fuzz(once, SECONDS / N_TARGETS)
    path.write_bytes(whole)
    assert list(read_questions(path, format=format))
