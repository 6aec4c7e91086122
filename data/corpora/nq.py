"""Natural Questions as a corpus: the paragraphs, lists and tables of its pages.

Source: https://github.com/google-research-datasets/natural-questions.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..io.fields import take_optional_text
from ..io.json_records import JsonObject, read_json_lines
from ..io.policy import ErrorPolicy, SourceLocation, parse_each
from ..nq import parse_example, passages_of
from ..records import Passage

REPEATED = "page seen before"
"""Reason under which a report counts records whose page an earlier record has given."""


def read_nq_passages(
    files: Sequence[Path], policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, Passage]]:
    """Read the passages of Natural Questions.

    Many questions share a page. Its passages are yielded once, with the first question; an 8-byte
    hash of each page's URL is kept.

    Args:
        files: The files, plain or gzip.
        policy: What to do with a record that cannot be used; its report counts repeated pages.

    Yields:
        The location of each passage's record, and the passage.

    Raises:
        DataError: If a file cannot be read, or the policy is to fail and a record is refused.
    """
    seen: set[bytes] = set()

    def parse(record: JsonObject, location: SourceLocation) -> list[Passage]:
        url = take_optional_text(record, "document_url", location)
        key = hashlib.blake2b(url.encode("utf-8"), digest_size=8).digest()
        if url and key in seen:
            policy.report.left_out[REPEATED] += 1
            return []
        passages = [found.passage for found in passages_of(parse_example(record, location))]
        seen.add(key)  # last, so that a record that is refused does not hide its page
        return passages

    for file in files:
        for location, passages in parse_each(read_json_lines(file, policy), parse, policy):
            for passage in passages:
                yield location, passage
