"""Queries with relevance judgements, as a folder of BEIR holds them.

Each line of ``queries.jsonl`` is a query (``_id``, ``text``). Each line of ``qrels/SPLIT.tsv`` is a
judgement: a query, a document, and how relevant the document is, from 0. The first line of it has
the names of the columns.

Source: https://github.com/beir-cellar/beir, ``GenericDataLoader``.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from ..io.delimited import read_rows
from ..io.fields import take_id, take_text
from ..io.json_records import JsonObject, read_json_lines
from ..io.policy import ErrorPolicy, SourceLocation, parse_each

logger = logging.getLogger(__name__)

_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query, and the documents whose relevance to it is known."""

    query_id: str
    query: str
    relevance: dict[str, int]
    """How relevant documents are, by identifier; 0 is not relevant. Others are not relevant, or
    were not judged."""


def read_judged_queries(folder: str | Path, *, split: str = "test") -> list[JudgedQuery]:
    """Read the queries of a BEIR folder that have judgements.

    Args:
        folder: The folder.
        split: Name of the judgements: ``test``, ``dev`` or ``train``.

    Returns:
        The queries in the order of their file. Those without a relevant document are left out, as
        in BEIR. A warning counts judged queries that the file of queries lacks.

    Raises:
        DataError: If a file is missing or has a wrong line, an identifier is that of two queries,
            or no query has a relevant document.
    """
    folder = Path(folder)
    queries = _find(folder, ("queries.jsonl", "queries.jsonl.gz"))
    judgements = _find(folder, (f"qrels/{split}.tsv", f"qrels/{split}.tsv.gz"))
    relevance: dict[str, dict[str, int]] = {}
    for query_id, document_id, grade in _read_judgements(judgements):
        relevance.setdefault(query_id, {})[document_id] = grade
    policy = ErrorPolicy()
    found: list[JudgedQuery] = []
    seen: set[str] = set()
    for location, (query_id, text) in parse_each(read_json_lines(queries, policy), _parse, policy):
        if query_id in seen:
            raise location.error(
                f"expected each identifier once, found {query_id!r} a second time. Change or drop "
                "one of the two."
            )
        seen.add(query_id)
        if any(grade > 0 for grade in relevance.get(query_id, {}).values()):
            found.append(JudgedQuery(query_id, text, relevance[query_id]))
    absent = [query_id for query_id in relevance if query_id not in seen]
    if absent:
        logger.warning(
            "%s: %d of %d judged queries are not in %s, and are left out (first: %r)",
            judgements,
            len(absent),
            len(relevance),
            queries.name,
            absent[0],
        )
    if not found:
        raise DataError(
            f"expected a query of {queries.name} with a relevant document, found none. Name "
            "another split.",
            path=judgements,
        )
    return found


def _find(folder: Path, names: tuple[str, ...]) -> Path:
    """The first file of a folder that is there."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise DataError(f"expected a folder of BEIR, found {found}. Check the path.", path=folder)
    raise DataError(
        f"expected {' or '.join(names)} in the folder, found neither. Name a folder of BEIR, and a "
        "split that it has.",
        path=folder,
    )


def _parse(record: JsonObject, location: SourceLocation) -> tuple[str, str]:
    """Identifier and text of a query."""
    return take_id(record, "_id", location), take_text(record, "text", location)


def _read_judgements(path: Path) -> Iterator[tuple[str, str, int]]:
    """Query, document and grade of each judgement."""
    policy = ErrorPolicy()
    for number, (location, fields) in enumerate(read_rows(path, policy, n_fields=_COLUMNS)):
        if number == 0 and fields[-1].strip()[:1].isalpha():
            continue  # names of the columns
        if len(fields) != _COLUMNS:
            raise location.error(
                f"expected {_COLUMNS} columns, a query, a document and a grade, found "
                f"{len(fields)}. Separate them by tabs."
            )
        try:
            yield fields[0], fields[1], int(fields[2])
        except ValueError:
            raise location.error(
                f"expected a whole number as grade, found {fields[2]!r}. Write 0 for a document "
                "that is not relevant."
            ) from None
