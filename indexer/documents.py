"""The documents of an index: which passages came from which file."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..data.documents.folder import DOCUMENT_FIELD, HASH_FIELD
from ..data.io.outside import check_text
from .filters import is_like
from .index import PassageIndex


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document, as an index knows it from the metadata of its passages."""

    name: str
    """Its path in the folder that was indexed."""
    hash: str
    """Of its content; another one means that the file has changed."""
    ordinals: list[int] = field(default_factory=list)
    """Its passages, ascending."""


def stored_documents(index: PassageIndex, patterns: Sequence[str] = ("*",)) -> list[StoredDocument]:
    """The documents of an index, by name; none where the passages came from elsewhere.

    Args:
        index: An open index.
        patterns: Names, in which ``*`` stands for any characters, ``?`` for one and ``[ab]`` for
            one of some; a document that fits one of them is listed.

    Raises:
        IndexFormatError: If the index is damaged.
        PrereadError: If a pattern is no Unicode text.
    """
    for pattern in patterns:
        check_text(pattern, "document")
    found: dict[str, StoredDocument] = {}
    for ordinal, metadata in index.all_metadata().items():
        name, content = metadata.get(DOCUMENT_FIELD), metadata.get(HASH_FIELD)
        if isinstance(name, str) and isinstance(content, str):
            found.setdefault(name, StoredDocument(name, content)).ordinals.append(ordinal)
    return [
        found[name] for name in sorted(found) if any(is_like(name, pattern) for pattern in patterns)
    ]
