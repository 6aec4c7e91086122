"""A folder of documents as a corpus: Markdown, HTML, text, PDF and DOCX."""

from collections.abc import Iterator
from pathlib import Path

from ..documents.folder import BINARY, document_passages, find_documents
from ..documents.reading import NotTextError
from ..errors import DataError
from ..io.policy import ErrorPolicy, SourceLocation
from ..records import Passage


def read_document_passages(
    path: Path, policy: ErrorPolicy
) -> Iterator[tuple[SourceLocation, Passage]]:
    """The passages of all documents in a folder and its sub-folders, or of one document.

    A passage is named by the file's path in the folder and ``#1``, ``#2`` and so on; its title is
    the headings above it, or else the file's name without suffix. Its metadata tells the document
    and, as far as the format has them, page, line and offsets of its source.

    Args:
        path: A folder or a file.
        policy: What to do with a document that cannot be read.

    Raises:
        DataError: If the folder holds no document, or the policy says so.
    """
    for file in find_documents(path, policy.report):
        try:
            passages = document_passages(file, file.read(), policy.report)
        except NotTextError:
            policy.report.left_out[BINARY] += 1
            continue
        except DataError as error:
            policy.reject(error)
            continue
        for number, passage in enumerate(passages):
            line = passage.metadata.get("line")
            location = SourceLocation(file.path, line if isinstance(line, int) else None, number)
            yield location, passage
