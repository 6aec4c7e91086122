"""How documents are cut into passages."""

from hypothesis import given
from hypothesis import strategies as st
from preread.data.documents.blocks import Block, BlockKind
from preread.data.documents.markdown import markdown_blocks
from preread.data.documents.passages import MAX_BLOCK_WORDS, TARGET_WORDS, cut_passages
from preread.data.documents.plain import plain_blocks


def words(n_words: int, last: str = "end.") -> str:
    """A sentence of so many words."""
    return " ".join(["word"] * (n_words - 1) + [last])


def cut(source: str) -> list[tuple[str, str]]:
    """Titles and texts of the passages of a Markdown text."""
    return [(p.title, p.text) for p in cut_passages(markdown_blocks(source))]


def test_blocks_are_packed_up_to_a_hundred_words() -> None:
    paragraphs = [words(40), words(60), words(30), words(150), words(60)]
    texts = [text for _, text in cut("\n\n".join(paragraphs))]
    assert texts == ["\n\n".join(paragraphs[:2]), *paragraphs[2:]]


def test_long_block_is_cut_at_the_ends_of_sentences() -> None:
    sentences = [words(60, "End."), words(30, "End!"), words(80, "End?"), words(60)]
    sentences = [sentence.capitalize() for sentence in sentences]
    texts = [text for _, text in cut(" ".join(sentences))]
    assert texts == [" ".join(sentences[:2]), *sentences[2:]]


def test_sections_are_passages_with_their_headings_as_title() -> None:
    source = f"# Leave\n\n## Annual\n\n{words(50)}\n\n## Sick\n\n{words(50)}"
    assert cut(source) == [("Leave: Annual", words(50)), ("Leave: Sick", words(50))]


def test_a_short_section_takes_in_the_next_and_keeps_its_heading_in_the_text() -> None:
    source = f"# Leave\n\n## Annual\n\nThirty days.\n\n## Sick\n\n{words(50)}"
    assert cut(source) == [("Leave", f"Annual:\nThirty days.\n\nSick:\n{words(50)}")]


def test_rows_of_tables_and_answered_questions_stand_alone() -> None:
    source = "# T\n\nIntro.\n\n|A|B|\n|-|-|\n|1|2|\n|3|4|\n\n## Why?\n\nSo.\n\n## Who?\n\nAnn."
    assert cut(source) == [
        ("T", "Intro."),
        ("T", "A 1: B 2."),
        ("T", "A 3: B 4."),
        ("T: Why?", "So."),
        ("T: Who?", "Ann."),
    ]


def test_explained_terms_and_questions_with_answers_stand_alone() -> None:
    items = "- **H-1**: Full.\n- **H-2**: Slow.\n- plain"
    source = f"# T\n\n{items}\n\n**Who?** Ann.\n\n**How many?** Two."
    assert [text for _, text in cut(source)] == [
        "H-1: Full.",
        "H-2: Slow.",
        "plain.",
        "Who? Ann.",
        "How many? Two.",
    ]


def test_a_list_stays_with_the_line_that_leads_to_it() -> None:
    source = f"{words(90)}\n\nYou need these things:\n\n- {words(40, 'disks')}\n- {words(25)}"
    assert [text for _, text in cut(source)] == [
        words(90),
        f"You need these things:\n{words(40, 'disks')}.\n{words(25)}",
    ]


def test_pages_are_not_mixed() -> None:
    blocks = [Block(text="one", page=1), Block(text="two", page=2), Block(text="three", page=2)]
    found = [(p.page, p.text) for p in cut_passages(blocks)]
    assert found == [(1, "one"), (2, "two\n\nthree")]


headings = st.lists(st.sampled_from(["A", "B?", "C"]), max_size=3).map(tuple)
blocks = st.builds(
    Block,
    text=st.integers(1, 450).map(words),
    kind=st.sampled_from(BlockKind),
    headings=headings,
)


@given(st.lists(blocks, max_size=12), st.lists(blocks, max_size=3))
def test_no_word_is_lost_and_what_comes_later_changes_the_last_passage_only(
    some: list[Block], more: list[Block]
) -> None:
    found = cut_passages(some)
    n_words = sum(len(block.text.split()) for block in some)
    assert sum(passage.text.count("word") for passage in found) == n_words - len(some)
    assert all(len(p.text.split()) <= MAX_BLOCK_WORDS + TARGET_WORDS for p in found)
    longer = cut_passages([*some, *more])
    assert longer[: max(0, len(found) - 2)] == found[: max(0, len(found) - 2)]


def test_plain_text_has_titles_and_unwrapped_paragraphs() -> None:
    long = "a line that was wrapped because the paper of its time was not any wider"
    source = f"Release notes\r\n\r\n4.2.1 (June)\r\nFixed.\r\n\r\nPart\n====\n{long}\ngoes on.\n"
    found = plain_blocks(source)
    assert [(b.headings, b.text) for b in found] == [
        (("Release notes",), "4.2.1 (June)\nFixed."),
        (("Part",), f"{long} goes on."),
    ]
    assert source[found[0].start : found[0].end] == "4.2.1 (June)\r\nFixed."
