"""Online: retrieve, fetch, read, answer; evaluation and the command line."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .answers import Answer
    from .mining import Miner, SkipReason, mine_negatives
    from .open_domain import evaluate
    from .qa import OpenDomainQA, Result
    from .reading import ReadMode, evaluate_reader
    from .retrieval import Retriever
    from .search import CorpusSearch, FoundPassage, search_passages

__all__ = [
    "Answer",
    "CorpusSearch",
    "FoundPassage",
    "Miner",
    "OpenDomainQA",
    "ReadMode",
    "Result",
    "Retriever",
    "SkipReason",
    "evaluate",
    "evaluate_reader",
    "mine_negatives",
    "search_passages",
]

_MODULES = {
    "Answer": "answers",
    "CorpusSearch": "search",
    "FoundPassage": "search",
    "Miner": "mining",
    "OpenDomainQA": "qa",
    "ReadMode": "reading",
    "Result": "qa",
    "Retriever": "retrieval",
    "SkipReason": "mining",
    "evaluate_reader": "reading",
    "evaluate": "open_domain",
    "mine_negatives": "mining",
    "search_passages": "search",
}


def __getattr__(name: str) -> object:
    """Import on first use: the command line lives here too, and ``--help`` needs no torch."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
