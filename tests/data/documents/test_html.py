"""HTML as blocks."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from preread.data.documents import read_document
from preread.data.documents.html import html_blocks

PAGE = """<!doctype html>
<html><head><title>The page &amp; more</title><style>p {}</style></head>
<body><nav><a href="/">Home</a></nav><h1>Outside</h1>
<main><h1>Harbor</h1>
<p>Text with <b>bold</b>,
a break<br>and&nbsp;an entity &eacute;.
<p hidden>not seen</p>
<ul><li>one<li>two <ol><li>inner</ol></ul>
<dl><dt>Port<dd>7400</dl>
<h2>Prices</h2>
<table><tr><th>Plan<th>Price</tr><tr><td>Team<td><p>290</p> EUR</tr></table>
<table><tr><td><table><tr><td>a<td>b</table><td>layout</table>
<pre>
line 1
  line 2
</pre><script>var x = "<p>no</p>";</script>
</main><footer>Imprint</footer></body></html>
"""


def test_a_page_becomes_text_below_its_headings() -> None:
    found = [(b.kind.value, b.headings, b.text) for b in html_blocks(PAGE)]
    harbor, prices = ("Harbor",), ("Harbor", "Prices")
    assert found == [
        ("paragraph", harbor, "Text with bold, a break\nand an entity é."),
        ("list item", harbor, "one"),
        ("list item", harbor, "two"),
        ("list item", harbor, "1. inner"),
        ("paragraph", harbor, "Port: 7400"),
        ("table row", prices, "Plan Team: price 290 EUR."),
        ("table row", prices, "a: b."),
        ("paragraph", prices, "layout"),
        ("code", prices, "line 1\n  line 2"),
    ]


def test_offsets_lead_to_the_source_of_a_block() -> None:
    blocks = {b.text: PAGE[b.start : b.end] for b in html_blocks(PAGE)}
    assert blocks["one"] == "one"
    assert blocks["Plan Team: price 290 EUR."].startswith("<tr><td>Team")


def test_a_page_without_main_is_taken_whole() -> None:
    assert [b.text for b in html_blocks("<p>a<p>b")] == ["a", "b"]
    assert [b.text for b in html_blocks("just text")] == ["just text"]


def test_the_encoding_that_a_page_names_is_used() -> None:
    content = '<meta charset="latin-1"><title>T</title><p>Zoë</p>'.encode("latin-1")
    found = read_document(Path("a.html"), content)
    assert (found.title, [b.text for b in found.blocks]) == ("T", ["Zoë"])


TAGS = ("p", "/p", "li", "ul", "/ul", "table", "tr", "td", "/table", "h1", "/h1", "main", "/main")
PIECES = ["a", " ", "\n", "<", "&amp;", "<!--", "-->", *(f"<{tag}>" for tag in TAGS)]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_text_gives_blocks_within_it(source: str) -> None:
    for block in html_blocks(source):
        assert block.start is not None and block.end is not None
        assert 0 <= block.start <= block.end <= len(source)
