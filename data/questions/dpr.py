"""DPR's question files (``.qas.csv``): a question, a tab, and its answers as a Python list.

Source: https://github.com/facebookresearch/DPR.
"""

import ast
import json
import re
import warnings

from ..io.fields import as_texts
from ..io.json_records import shorten
from ..io.policy import SourceLocation
from ..records import Question
from ..text.characters import is_blank

_COMMA = re.compile(r',\s*"?(\[[^\[\]]*\]|answers?)"?\s*$', re.IGNORECASE)
"""A comma, then a list of answers or the name of that column, at the end of a line."""


def _parse_answers(text: str, location: SourceLocation) -> tuple[str, ...]:
    """Parse a list of answers, written as in Python or as in JSON."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in answers warn
            value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        value = _parse_json(text, location)
    return as_texts(value, "answers", location)


def parse_question(row: list[str], location: SourceLocation) -> Question:
    """Parse one row: a question, and its answers where the row has them.

    Args:
        row: The row's fields.
        location: Where the row stands; its record number becomes the question's identifier.

    Raises:
        DataError: If the row has more than two fields, the question is empty, its answers stand
            behind a comma, or they are not a list of strings.
    """
    if len(row) > 2:
        raise location.error(
            f"expected 2 tab-separated fields (question, answers), found {len(row)}. "
            "Correct the row."
        )
    if is_blank(row[0]):
        raise location.error("expected a question, found it empty. Fill it or drop the row.")
    if len(row) == 1 and _COMMA.search(row[0]):
        raise location.error(
            f"expected a tab between the question and its answers, found a comma in "
            f"{shorten(row[0])}. Write the file with tabs."
        )
    is_labelled = len(row) == 2 and bool(row[1].strip())
    answers = _parse_answers(row[1], location) if is_labelled else ()
    return Question(str(location.number), row[0], answers, is_labelled=is_labelled)


def _parse_json(text: str, location: SourceLocation) -> object:
    """Parse a list that is not valid Python as JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise location.error(
            f'expected the answers as a list, ["…", "…"], found {shorten(text)}. Correct the row.'
        ) from error
