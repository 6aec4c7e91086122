"""A folder of documents: its files, and the passages of each."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import DataError
from ..io.folders import HIDDEN, check_regular, is_left_out, refuse_unreadable
from ..io.lines import read_whole_bytes
from ..io.peek import data_suffix
from ..io.policy import ReadReport
from ..records import Metadata, Passage
from .blocks import MAX_HEADING_CHARS
from .passages import cut_passages
from .reading import DOCUMENT_SUFFIXES, read_document

DOCUMENT_FIELD = "document"
"""Metadata of a passage: the name of its document."""
HASH_FIELD = "_hash"
"""Metadata of a passage: the hash of its document. Names that begin with ``_`` are not shown."""
_FORMAT = b"1"
"""Part of every hash; another one has all documents read again, after a change of the parsers."""
MAX_DOCUMENT_BYTES = 512 << 20
"""A larger file is refused: parsers hold a document in memory several times."""
LINKED = "linked folder"
OUTSIDE = "link out of the folder"
NO_DOCUMENT = "not a document"
BINARY = "binary"
EMPTY = "without text"


@dataclass(frozen=True, slots=True)
class DocumentFile:
    """A file of a folder."""

    name: str
    """Its path in the folder, with slashes; of a single file its name."""
    path: Path

    def read(self) -> bytes:
        """Its bytes, decompressed.

        Raises:
            DataError: If it is no file, cannot be read or is larger than ``MAX_DOCUMENT_BYTES``, or
                gzip data is damaged or expands too far.
        """
        check_regular(self.path)
        return read_whole_bytes(self.path, MAX_DOCUMENT_BYTES)


def find_documents(path: Path, report: ReadReport) -> list[DocumentFile]:
    """The documents of a folder and its sub-folders, by name.

    What is hidden, was written by programs (``node_modules``, ``__pycache__``) or has the suffix of
    no document is left out. So are links to folders, and links to files outside of the folder: who
    made the folder could have a private file indexed by one. Broken links and pipes are listed;
    reading them fails.

    Args:
        path: A folder, or a single file, which is taken whatever its suffix.
        report: Told how many files and folders were left out.

    Raises:
        DataError: If the folder holds no document.
    """
    if not path.is_dir():
        return [DocumentFile(path.name, path)]
    found = sorted(_walk(path, report), key=lambda file: file.name)
    if not found:
        names, n_links = " or ".join(sorted(DOCUMENT_SUFFIXES)), report.left_out[OUTSIDE]
        instead = "only links out of it. Copy the files" if n_links else "none. Add them"
        raise DataError(f"expected {names} files in the folder, found {instead}.", path=path)
    return found


def _walk(folder: Path, report: ReadReport) -> Iterator[DocumentFile]:
    """The documents, in no order."""
    whole = folder.resolve()
    for place, folders, files in os.walk(folder, onerror=refuse_unreadable):
        for name in [*folders, *files]:
            if is_left_out(name):
                report.left_out[HIDDEN] += 1
        folders[:] = [name for name in folders if not is_left_out(name)]
        for name in folders:
            if Path(place, name).is_symlink():
                report.left_out[LINKED] += 1
        for name in files:
            path = Path(place, name)
            if is_left_out(name):
                continue
            if data_suffix(path) not in DOCUMENT_SUFFIXES:
                report.left_out[NO_DOCUMENT] += 1
            elif path.is_symlink() and path.exists() and not path.resolve().is_relative_to(whole):
                report.left_out[OUTSIDE] += 1
            else:
                _check_name(path)
                yield DocumentFile(path.relative_to(folder).as_posix(), path)


def _check_name(path: Path) -> None:
    """Refuse a name that is not UTF-8: passages are named after their documents."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            "expected a file name in UTF-8, found other bytes. Rename the file.", path=path
        ) from error


def hash_document(content: bytes) -> str:
    """What is the same of two documents that give the same passages, hexadecimal.

    Args:
        content: The file's bytes.
    """
    return hashlib.blake2b(content, digest_size=16, key=_FORMAT).hexdigest()


def document_passages(file: DocumentFile, content: bytes, report: ReadReport) -> list[Passage]:
    """The passages of a document, ``name#1``, ``name#2`` and so on; none if it was left out.

    Args:
        file: The document.
        content: Its bytes.
        report: Told if the document is left out, as one without text is.

    Raises:
        NotTextError: If it is binary, although its name is that of a text.
        DataError: If the document is damaged, is not UTF-8, or needs a package that is not
            installed.
    """
    document = read_document(file.path, content)
    if not document.blocks:
        report.left_out[EMPTY] += 1
        return []
    name = Path(file.name.removesuffix(".gz")).stem
    title = document.title if 0 < len(document.title) <= MAX_HEADING_CHARS else name
    blocks = (
        block if block.headings else replace(block, headings=(title,)) for block in document.blocks
    )
    of_document: Metadata = {
        **document.metadata,
        DOCUMENT_FIELD: file.name,
        HASH_FIELD: hash_document(content),
    }
    passages = []
    n_lines = counted_to = 0
    for number, cut in enumerate(cut_passages(blocks), start=1):
        metadata = dict(of_document)
        if cut.page is not None:
            metadata["page"] = cut.page
        if cut.start is not None and cut.end is not None:
            n_lines += document.source.count("\n", counted_to, cut.start)
            counted_to = cut.start
            metadata |= {"line": n_lines + 1, "start": cut.start, "end": cut.end}
        passages.append(Passage(f"{file.name}#{number}", cut.text, cut.title, metadata))
    return passages
