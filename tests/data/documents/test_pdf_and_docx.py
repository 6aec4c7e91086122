"""PDF and DOCX as blocks; skipped where the extra ``documents`` is not installed."""

import io
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from preread.data import DataError, read_corpus
from preread.data.documents import read_document

from tests.pdf import Line, make_pdf


def report_pages() -> list[list[Line]]:
    """Three pages with a running title, page numbers and headings."""
    bodies: list[list[Line]] = [
        [(18, 60, "Annual report"), (11, 100, "The harbour grew by nine per-"), (11, 114, "cent.")],
        [(14, 60, "Storage"), (11, 90, "Forty cranes stand on the quay."), (11, 120, "A new one.")],
        [(11, 60, "1. Call the guard."), (11, 74, "2. Wait for him.")],
    ]
    return [
        [(9, 20, "Port of Aa"), *body, (9, 740, f"Page {number} of 3")]
        for number, body in enumerate(bodies, start=1)
    ]


def test_pdf_becomes_paragraphs_with_headings_and_pages() -> None:
    pytest.importorskip("pypdf")
    found = read_document(Path("r.pdf"), make_pdf(report_pages())).blocks
    assert [(b.page, b.kind.value, b.headings, b.text) for b in found] == [
        (1, "paragraph", ("Annual report",), "The harbour grew by nine percent."),
        (2, "paragraph", ("Annual report", "Storage"), "Forty cranes stand on the quay."),
        (2, "paragraph", ("Annual report", "Storage"), "A new one."),
        (3, "list item", ("Annual report", "Storage"), "1. Call the guard."),
        (3, "list item", ("Annual report", "Storage"), "2. Wait for him."),
    ]


def test_passages_of_a_pdf_tell_their_page(tmp_path: Path) -> None:
    pytest.importorskip("pypdf")
    (tmp_path / "r.pdf").write_bytes(make_pdf(report_pages()))
    found = list(read_corpus(tmp_path))
    assert [(p.passage_id, p.metadata["page"]) for p in found] == [
        ("r.pdf#1", 1),
        ("r.pdf#2", 2),
        ("r.pdf#3", 3),
    ]


def test_damaged_pdf_is_said() -> None:
    pytest.importorskip("pypdf")
    with pytest.raises(DataError, match=r"r\.pdf: expected a PDF, found what pypdf cannot read"):
        read_document(Path("r.pdf"), b"%PDF-1.4\nnothing")


def test_docx_becomes_paragraphs_lists_and_rows() -> None:
    docx = pytest.importorskip("docx")
    written = docx.Document()
    written.add_heading("Handbook", 0)
    written.add_heading("Rooms", 1)
    written.add_paragraph("There are two rooms.")
    written.add_paragraph("Quiet", style="List Bullet")
    table = written.add_table(rows=0, cols=2)
    for cells in (("Room", "Seats"), ("Blue", "12")):
        for cell, text in zip(table.add_row().cells, cells, strict=True):
            cell.text = text
    out = io.BytesIO()
    written.save(out)
    found = read_document(Path("h.docx"), out.getvalue()).blocks
    assert [(b.kind.value, b.headings, b.text) for b in found] == [
        ("paragraph", ("Handbook", "Rooms"), "There are two rooms."),
        ("list item", ("Handbook", "Rooms"), "Quiet"),
        ("table row", ("Handbook", "Rooms"), "Room Blue: seats 12."),
    ]


def test_damaged_docx_is_said() -> None:
    pytest.importorskip("docx")
    with pytest.raises(DataError, match=r"h\.docx: expected DOCX, found what python-docx cannot"):
        read_document(Path("h.docx"), b"PK nothing")


def test_docx_that_expands_without_end_is_refused() -> None:
    pytest.importorskip("docx")
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive, archive.open("word/document.xml", "w") as part:
        for _ in range(300):
            part.write(bytes(1 << 20))
    with pytest.raises(DataError, match=r"expands to at most \d+ MiB, found 300 MiB"):
        read_document(Path("r.docx"), out.getvalue())
