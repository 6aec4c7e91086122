"""Documents that somebody made to cost time or memory, or to break a parser."""

import io
import time
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from preread.data import DataError
from preread.data.documents import read_document
from preread.data.documents.blocks import MAX_HEADING_CHARS
from preread.data.documents.folder import DocumentFile, document_passages, find_documents
from preread.data.documents.front_matter import read_front_matter
from preread.data.documents.html import html_blocks
from preread.data.documents.pdf import _joined
from preread.data.documents.plain import joined_lines
from preread.data.io.policy import ReadReport


@pytest.mark.parametrize(
    "work",
    [
        lambda: html_blocks("<!--x> " * 20_000),
        lambda: html_blocks("<a " * 10_000),
        lambda: html_blocks("</a " * 100_000),
        lambda: _joined(["a"] * 50_000),
        lambda: joined_lines(["a"] * 200_000),
    ],
    ids=["comments", "tags", "end tags", "lines of a page", "lines of a paragraph"],
)
def test_time_grows_with_the_size_of_a_document(work: Callable[[], object]) -> None:
    """It grew with the square of the size: 30 kB took half a minute."""
    start = time.process_time()
    assert work()
    assert time.process_time() - start < 2


def test_markup_without_an_end_is_text_and_what_stands_before_it_is_none() -> None:
    found = [block.text for block in html_blocks("<p>a</p>" + "<!--x> " * 12 + "&amp;<b>c</b>")]
    assert found == ["a", "<!--x> " * 12 + "&<b>c</b>"]
    assert [block.text for block in html_blocks("a <![x[b]> c")] == ["a c"]


@pytest.mark.parametrize("charset", ["hex", "rot13", "zlib", "undefined", "punycode", "idna"])
def test_an_encoding_that_no_page_is_in_is_taken_for_utf_8(charset: str) -> None:
    content = f"<meta charset={charset}><p>Zoë</p>".encode()
    assert [block.text for block in read_document(Path("a.html"), content).blocks] == ["Zoë"]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.html", "<title>{}</title><h1>{}</h1><h2>b</h2>" + "<ul>" + "<li>a: b</li>" * 500),
        ("a.html", "<table><tr><th>{}<th>a</tr>" + "<tr><td>a<td>b</tr>" * 500),
        ("a.md", "# {}\n## b\n" + "| a | b |\n|-|-|\n" + "| c | d |\n" * 500),
        ("a.md", "| {} | b |\n|-|-|\n" + "| c | d |\n" * 500),
        ("a.md", "---\nx: {}\n---\n" + "| a | b |\n|-|-|\n" + "| c | d |\n" * 500),
    ],
    ids=["html title", "html column", "heading", "column", "front matter"],
)
def test_what_is_repeated_in_each_passage_is_short(name: str, source: str) -> None:
    """A long heading was the title of each of many short passages: 50 kB became 50 MB."""
    content = source.replace("{}", "word " * 5_000).encode()
    passages = document_passages(DocumentFile(name, Path(name)), content, ReadReport())
    assert len(passages) >= 500
    assert sum(len(p.title) + len(p.text) + len(str(p.metadata)) for p in passages) < 400_000
    assert max(len(p.title) for p in passages) <= MAX_HEADING_CHARS


def test_front_matter_has_no_aliases_and_its_fields_can_be_stored() -> None:
    """A few lines of aliases and merges make a structure that fills any memory."""
    levels = ["a0: &a0 {x: 1}"]
    levels += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    assert read_front_matter("---\n" + "\n".join(levels) + "\n---\nText\n") == ({}, 0)
    odd = f'a: 0x{"f" * 5_000}\nb: .nan\nc: -.inf\nd: "\\ud800"\ne: [1, "\\udfff"]\nf: 3\n1: g\n'
    assert read_front_matter(f"---\n{odd}---\n")[0] == {"f": 3, "1": "g"}


def _docx(rows: str) -> bytes:
    """A DOCX file with one table."""
    docx = pytest.importorskip("docx")
    empty, out = io.BytesIO(), io.BytesIO()
    docx.Document().save(empty)
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = f'<w:document xmlns:w="{space}"><w:body><w:tbl>{rows}</w:tbl></w:body></w:document>'
    with ZipFile(empty) as source, ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(name, body if name == "word/document.xml" else source.read(name))
    return out.getvalue()


def _cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"


def test_cells_of_docx_that_span_columns_and_rows() -> None:
    """python-docx makes as many cells as one spans, and looks for the first of many rows anew."""
    wide = _cell("wide", '<w:gridSpan w:val="1000000000"/>')
    first, other = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    rows = [wide + _cell("x"), _cell("group", first) + _cell("a")]
    rows += [_cell("", other) + _cell("b")] * 1_500
    start = time.process_time()
    content = _docx("".join(f"<w:tr>{row}</w:tr>" for row in rows))
    found = [block.text for block in read_document(Path("a.docx"), content).blocks]
    assert time.process_time() - start < 10
    assert len(found) == 1_501
    assert found[:2] == ["wide group: x a.", "wide group: x b."] and found[-1] == found[1]


def test_a_link_out_of_the_folder_is_left_out(tmp_path: Path) -> None:
    """Of a folder that somebody else made; one to another document of the folder is read."""
    folder, secret = tmp_path / "docs", tmp_path / "secret.md"
    folder.mkdir()
    secret.write_text("The key is 4711.")
    (folder / "plan.md").symlink_to("../secret.md")
    with pytest.raises(DataError, match="only links out of it"):
        find_documents(folder, ReadReport())
    (folder / "a.md").write_text("A text.")
    (folder / "b.md").symlink_to("a.md")
    report = ReadReport()
    assert [file.name for file in find_documents(folder, report)] == ["a.md", "b.md"]
    assert report.left_out == {"link out of the folder": 1}
