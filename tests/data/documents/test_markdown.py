"""Markdown as blocks."""

from hypothesis import given
from hypothesis import strategies as st
from preread.data.documents import BlockKind
from preread.data.documents.front_matter import read_front_matter
from preread.data.documents.markdown import markdown_blocks
from preread.data.documents.tables import row_text

PAGE = """# Plans

Some **bold** [link](https://x.example "t"), `code` and ![a picture](p.png)
goes on &amp; on<br>here.

1. First
2. Second
   - inner *one*

## Prices ##

| Plan | Price per month | SSO |
|------|:---------------:|-----|
| Team | 290 EUR         | no  |
| **Big** | 1,450 EUR, net |   |

```toml
[broker]

id = 1
```

- [x] done

> quoted

<!-- a comment -->
<p>From <b>HTML</b></p>

## Empty

### Also empty
"""


def test_markup_becomes_text_below_its_headings() -> None:
    found = [(b.kind.value, b.headings, b.text) for b in markdown_blocks(PAGE)]
    plans, prices = ("Plans",), ("Plans", "Prices")
    assert found == [
        (
            "paragraph",
            plans,
            "Some bold link, code and a picture goes on & on here.",
        ),
        ("list item", plans, "1. First"),
        ("list item", plans, "2. Second"),
        ("list item", plans, "inner one"),
        ("table row", prices, "Plan Team: price per month 290 EUR, SSO no."),
        ("table row", prices, "Plan Big: price per month 1,450 EUR, net."),
        ("code", prices, "[broker]\nid = 1"),
        ("list item", prices, "done"),
        ("paragraph", prices, "quoted"),
        ("paragraph", prices, "From HTML"),
        ("heading", ("Plans", "Empty"), "Also empty"),
    ]


def test_offsets_lead_to_the_source_of_a_block() -> None:
    source = "---\ntitle: T\n---\n" + PAGE
    _, first = read_front_matter(source)
    by_text = {b.text: source[b.start : b.end] for b in markdown_blocks(source, first=first)}
    assert by_text["1. First"] == "1. First\n"
    assert by_text["Plan Team: price per month 290 EUR, SSO no."].startswith("| Team | 290")
    assert by_text["[broker]\nid = 1"].startswith("```toml\n[broker]")
    assert by_text["quoted"] == "> quoted\n"


@given(st.text(st.sampled_from("# ab|-*`>[]()<!\n\r\t0.&~_\\"), max_size=80))
def test_any_text_gives_blocks_within_it(source: str) -> None:
    for block in markdown_blocks(source):
        assert block.start is not None and block.end is not None
        assert 0 <= block.start <= block.end <= len(source)
        assert block.text.strip()


def test_front_matter_is_taken_off_and_its_plain_fields_are_kept() -> None:
    source = "---\ntitle: A\ndate: 2025-01-02\ntags: [a, 1]\nnested: {x: 1}\nn: 3\n---\nText\n"
    fields, first = read_front_matter(source)
    assert fields == {"title": "A", "date": "2025-01-02", "tags": ["a", "1"], "n": 3}
    assert source[first:] == "Text\n"


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    for source in ("---\n\nText\n\n---\n", "---\n: [\n---\nText", "--- x\n", "---\ntext\n"):
        assert read_front_matter(source) == ({}, 0)


def test_rows_read_as_sentences() -> None:
    header = ["Team", "Lead", "IPv6:", ""]
    assert row_text(header, ["Web", "Ann", "yes.", "x"]) == "Team Web: lead Ann, IPv6 yes, x."
    assert row_text(header, ["", "Ann"]) == "Lead Ann."
    assert row_text([], ["a", "b, c", "d"]) == "a: b, c; d."
    assert row_text(header, ["", " . "]) == ""


def test_the_kinds_of_blocks_are_words() -> None:
    assert BlockKind("table row") is BlockKind.TABLE_ROW
