"""Values of ``.json`` files: arrays, and values one after another."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import DataError
from preread.data.io.json_records import read_json_values

VALUES = st.lists(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=5)))


def written(folder: Path, text: str) -> Path:
    """A file with a text."""
    path = folder / "values.json"
    path.write_text(text, "utf-8")
    return path


@given(values=VALUES, indent=st.sampled_from([None, 2]), is_array=st.booleans())
def test_values_are_those_that_were_written(
    values: list[Any],
    indent: int | None,
    is_array: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    each = [json.dumps(value, indent=indent) for value in values]
    text = json.dumps(values, indent=indent) if is_array else "\n".join(each)
    path = written(tmp_path_factory.getbasetemp(), text)
    assert [value for _, value in read_json_values(path)] == values


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[{"a": 1},\n{"b": 2}', 2, "expected the array to end with ]"),
        ('[{"a": 1},\n', 1, "expected the array to end with ]"),
        ('[[{"a": 1}, {"b": 2}]', 1, "expected the array to end with ]"),
        ("[", 1, "expected the array to end with ]"),
        ('[{"a": 1}\n{"b": 2}]', 2, "expected a comma between two items, found '{'"),
        ('[{"a": 1},]', 1, "expected JSON, found a fault"),
        ('{"a": 1},{"b": 2}', 1, "expected JSON, found a fault"),
    ],
)
def test_an_array_that_was_cut_or_broken_is_refused(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(DataError, match=message.replace("[", r"\[")) as raised:
        list(read_json_values(path))
    assert raised.value.line == line


def test_the_line_is_that_on_which_a_value_begins(tmp_path: Path) -> None:
    path = written(tmp_path, "[1,\n2\n,\n\n3]")
    assert [location.line for location, _ in read_json_values(path)] == [1, 2, 5]
