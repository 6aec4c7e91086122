"""TREC's questions: topics, ``qid<TAB>question``, and answer patterns, ``qid pattern``.

A topic's patterns are regular expressions, one a line; an answer is correct where one of them
matches. Patterns of TREC 8 to 2007 are at https://trec.nist.gov/data/qamain.html. Topics are read
in the form of Anserini's ``TsvInt`` and ``TsvString``; those at TREC's site have another form.
"""

import logging
import re
from pathlib import Path

from ..errors import DataError
from ..io.json_records import shorten
from ..io.lines import read_lines
from ..io.policy import ErrorPolicy, SourceLocation
from ..metrics.answers import compile_pattern
from ..records import Question
from ..text.characters import is_blank

logger = logging.getLogger(__name__)

_IDENTIFIER = re.compile(r"\S+")


def is_topic(line: str) -> bool:
    """Decide whether a line is a topic, and not DPR's question with a list of answers.

    Args:
        line: The line.
    """
    fields = line.split("\t")
    return (
        len(fields) == 2
        and _IDENTIFIER.fullmatch(fields[0]) is not None
        and " " in fields[1].strip()
        and not fields[1].lstrip(' "').startswith(("[", "("))
    )


def parse_topic(text: str, location: SourceLocation) -> Question:
    """Parse a topic, which becomes a question without answers.

    Args:
        text: The line.
        location: Where it stands, for the error.

    Raises:
        DataError: If the line does not have two fields, or one of them is empty.
    """
    fields = text.rstrip("\r\n").split("\t")
    if len(fields) != 2:
        raise location.error(
            f"expected 2 tab-separated fields (identifier, question), found {len(fields)} in "
            f"{shorten(text.strip())}. Correct the line."
        )
    name, question = (field.strip() for field in fields)
    if not name or is_blank(question):
        raise location.error(
            f"expected an identifier and a question, found {shorten(text.strip())}. "
            "Fill both or drop the line."
        )
    return Question(name, question, is_labelled=False)


def read_patterns(path: Path) -> dict[str, tuple[str, ...]]:
    """Read answer patterns by topic, and warn of those that are no valid regular expressions.

    Args:
        path: A file, plain or gzip; each line has a topic's identifier, white space and a pattern.

    Raises:
        DataError: If the file cannot be read, a line has no pattern, or there is no line.
    """
    found: dict[str, tuple[str, ...]] = {}
    for location, text in read_lines(path, ErrorPolicy()):
        fields = text.strip().split(maxsplit=1)
        if len(fields) != 2:
            raise location.error(
                f"expected a topic's identifier and a pattern, found {shorten(text.strip())}. "
                "Correct the line."
            )
        name, pattern = fields
        check_pattern(pattern, location)
        found[name] = (*found.get(name, ()), pattern)
    if not found:
        raise DataError("expected at least one answer pattern, found none.", path=path)
    return found


def check_pattern(pattern: str, location: SourceLocation) -> None:
    """Warn of a pattern that is not a valid regular expression, which matches nothing, as in DPR.

    Args:
        pattern: The pattern.
        location: Where it stands, for the warning.
    """
    if compile_pattern(pattern) is None:
        logger.warning(
            "%s:%s: %s is not a valid regular expression and matches nothing",
            location.path,
            location.line,
            shorten(pattern),
        )
