"""Text from outside: what is refused, what is shown, how lists of identifiers are read."""

from pathlib import Path
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import PrereadError
from preread.data.io.outside import check_text, named_identifiers, printable, read_identifiers

any_text = st.text(st.characters(codec=None))


@given(text=any_text)
def test_what_is_shown_has_no_character_that_acts_on_a_terminal(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    for before, after in zip(text, shown, strict=True):
        assert category(after) not in ("Cc", "Cs") or after in "\t\n"
        assert after not in "\u202e\u2066"
        if before.isprintable():
            assert after == before
    shown.encode("utf-8")


def test_control_characters_are_shown_as_their_symbols() -> None:
    assert printable("a\x1b[31mred\x07\x7f\n") == "a␛[31mred␇␡\n"


@given(raw=st.binary(min_size=1, max_size=12))
def test_bytes_that_are_not_utf8_are_named(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        with pytest.raises(PrereadError, match=r"question: expected UTF-8 text, found byte 0x"):
            check_text(text, "question")
    else:
        assert check_text(text, "question") == text


def test_half_of_a_pair_is_named() -> None:
    with pytest.raises(PrereadError, match=r"half of a surrogate pair \(0xd83d\) at character 7"):
        check_text("piano \ud83d", "question")


names = st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), min_size=1)
names = names.filter(lambda name: name.strip() and not name.startswith("\ufeff"))


@given(
    wanted=st.lists(names, max_size=6),
    end=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
    data=st.data(),
)
def test_identifiers_are_the_lines_of_a_file(
    tmp_path_factory: pytest.TempPathFactory,
    wanted: list[str],
    end: str,
    bom: bool,
    data: st.DataObject,
) -> None:
    """Whatever stands in a line, U+2028 and U+0085 included; blank lines are passed over."""
    lines: list[str] = []
    for name in wanted:
        lines += [*data.draw(st.lists(st.sampled_from(["", " "]), max_size=2)), name]
    path = tmp_path_factory.getbasetemp() / "ids.txt"
    written = (end.join(lines) + data.draw(st.sampled_from(["", end, end + end]))).encode()
    path.write_bytes(b"\xef\xbb\xbf" + written if bom else written)
    assert read_identifiers(path) == wanted
    assert named_identifiers(f"@{path}") == wanted


def test_an_identifier_may_begin_with_the_sign_of_a_file(tmp_path: Path) -> None:
    assert named_identifiers("@@home") == ["@home"]
    assert named_identifiers("-x") == ["-x"]
    with pytest.raises(PrereadError, match="write @@home"):
        named_identifiers("@home")
    path = tmp_path / "ids"
    path.write_bytes(b"one\ntw\xff\n")
    with pytest.raises(PrereadError, match=r"ids:2: expected UTF-8, found byte 0xff at position 3"):
        read_identifiers(path)
