"""Natural Questions as a corpus: the paragraphs, lists and tables of its pages.

Source: https://github.com/google-research-datasets/natural-questions.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from ..io.fields import take_optional_text
from ..io.json_records import JsonObject
from ..io.policy import ErrorPolicy, SourceLocation, parse_each
from ..nq import parse_example, passages_of, read_nq_records
from ..records import Passage

REPEATED = "page seen before"
"""Why a record gives no passages."""


def read_nq_passages(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, Passage]]:
    """The passages of one file, plain or gzip, or of a folder's.

    Many questions share a page; it is given once, under the first of them. An 8-byte hash of each
    URL is kept.
    """
    seen: set[bytes] = set()

    def parse(record: JsonObject, location: SourceLocation) -> list[Passage]:
        url = take_optional_text(record, "document_url", location)
        key = hashlib.blake2b(url.encode("utf-8"), digest_size=8).digest()
        if url and key in seen:
            policy.report.left_out[REPEATED] += 1
            return []
        passages = [found.passage for found in passages_of(parse_example(record, location))]
        seen.add(key)  # last: a record that is refused does not stand for its page
        return passages

    for location, passages in parse_each(read_nq_records(path, policy), parse, policy):
        for passage in passages:
            yield location, passage
