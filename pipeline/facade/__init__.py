"""Question answering over a corpus that has been read ahead of time.

The names that most programs need. The four rooms, ``preread.data``, ``preread.reader``,
``preread.indexer`` and ``preread.pipeline``, hold all others. This folder is installed as the
package ``preread``; a name is imported when it is first used, so that ``import preread`` takes
neither PyTorch nor Java.

Example:
    >>> from preread import OpenDomainQA, Reader, build_index
    >>> build_index("passages.jsonl", "my-index", Reader.load())
    >>> OpenDomainQA.from_index("my-index")("who built the first telescope?")[0].answer
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from preread import data, indexer, pipeline, reader
    from preread.data import (
        OnError,
        Passage,
        PrereadError,
        Question,
        read_corpus,
        read_gold,
        read_questions,
    )
    from preread.indexer import (
        AddConfig,
        Bm25Parameters,
        IndexConfig,
        PassageIndex,
        add_passages,
        build_index,
        compact_index,
        delete_passages,
        verify_index,
    )
    from preread.pipeline import (
        Answer,
        OpenDomainQA,
        ProvidedPassage,
        QuestionAnswerer,
        Result,
        calibrate,
        convert,
        evaluate,
        open_retriever,
    )
    from preread.reader import Reader

    __version__: str

_ROOMS = ("data", "reader", "indexer", "pipeline")

__all__ = [
    "AddConfig",
    "Answer",
    "Bm25Parameters",
    "IndexConfig",
    "OnError",
    "OpenDomainQA",
    "Passage",
    "PassageIndex",
    "PrereadError",
    "ProvidedPassage",
    "Question",
    "QuestionAnswerer",
    "Reader",
    "Result",
    "__version__",
    "add_passages",
    "build_index",
    "calibrate",
    "compact_index",
    "convert",
    "data",
    "delete_passages",
    "evaluate",
    "indexer",
    "open_retriever",
    "pipeline",
    "read_corpus",
    "read_gold",
    "read_questions",
    "reader",
    "verify_index",
]


def __getattr__(name: str) -> object:
    """Find a name when it is first used (PEP 562).

    Args:
        name: A room, a name of ``__all__``, or ``__version__``.

    Raises:
        AttributeError: If there is no such name.
    """
    if name == "__version__":
        from importlib.metadata import version

        return version("preread")
    if name in _ROOMS:
        return import_module(f"preread.{name}")
    if name in __all__:
        rooms = (import_module(f"preread.{room}") for room in _ROOMS)
        return next(getattr(room, name) for room in rooms if name in room.__all__)
    raise AttributeError(f"module 'preread' has no attribute {name!r}")


def __dir__() -> list[str]:
    """All public names."""
    return sorted(__all__)
