"""People's own documents: a parser for each format, and the passages that are cut from them."""

from .blocks import Block, BlockKind
from .reading import DOCUMENT_SUFFIXES, Document, read_document

__all__ = ["DOCUMENT_SUFFIXES", "Block", "BlockKind", "Document", "read_document"]
