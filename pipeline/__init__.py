"""Online: retrieve, fetch, read, answer; evaluation and the command line."""

from typing import TYPE_CHECKING

from ..data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .calibration.calibrate import Calibration, calibrate
    from .conversion import convert
    from .evaluation.comparison import Comparison, compare
    from .evaluation.comprehension import ReadMode, evaluate_reader
    from .evaluation.open_domain import evaluate
    from .evaluation.pairs import evaluate_pairs
    from .evaluation.relevance import evaluate_retrieval
    from .evaluation.scoring import score_predictions
    from .integrations.transformers import QuestionAnswerer
    from .mining import Miner, SkipReason, mine_negatives
    from .qa.pipeline import OpenDomainQA
    from .qa.provided import answer_each, rank_provided, read_provided
    from .qa.quotes import QuoteMatch
    from .qa.sentences import Context, HighlightedSentence, PrunedContexts
    from .qa.types import Answer, AnswerStep, ProvidedPassage, Result
    from .retrievers import HybridRetriever, Retriever, convex_fusion, open_retriever
    from .retrievers.search import (
        CorpusSearch,
        FoundPassage,
        search_passages,
        search_passages_many,
    )

__all__ = [
    "Answer",
    "AnswerStep",
    "Calibration",
    "Comparison",
    "Context",
    "CorpusSearch",
    "FoundPassage",
    "HighlightedSentence",
    "HybridRetriever",
    "Miner",
    "OpenDomainQA",
    "ProvidedPassage",
    "PrunedContexts",
    "QuestionAnswerer",
    "QuoteMatch",
    "ReadMode",
    "Result",
    "Retriever",
    "SkipReason",
    "answer_each",
    "calibrate",
    "compare",
    "convert",
    "evaluate",
    "evaluate_pairs",
    "evaluate_reader",
    "evaluate_retrieval",
    "mine_negatives",
    "open_retriever",
    "rank_provided",
    "read_provided",
    "convex_fusion",
    "score_predictions",
    "search_passages",
    "search_passages_many",
]

_MODULES = {
    "calibration.calibrate": ("Calibration", "calibrate"),
    "conversion": ("convert",),
    "evaluation.comparison": ("Comparison", "compare"),
    "evaluation.comprehension": ("ReadMode", "evaluate_reader"),
    "evaluation.open_domain": ("evaluate",),
    "evaluation.pairs": ("evaluate_pairs",),
    "evaluation.relevance": ("evaluate_retrieval",),
    "evaluation.scoring": ("score_predictions",),
    "integrations.transformers": ("QuestionAnswerer",),
    "mining": ("Miner", "SkipReason", "mine_negatives"),
    "qa.pipeline": ("OpenDomainQA",),
    "qa.provided": ("answer_each", "rank_provided", "read_provided"),
    "qa.quotes": ("QuoteMatch",),
    "qa.sentences": ("Context", "HighlightedSentence", "PrunedContexts"),
    "qa.types": ("Answer", "AnswerStep", "ProvidedPassage", "Result"),
    "retrievers": ("HybridRetriever", "Retriever", "open_retriever", "convex_fusion"),
    "retrievers.search": (
        "CorpusSearch",
        "FoundPassage",
        "search_passages",
        "search_passages_many",
    ),
}
"""The names of each module. They are imported when first used: the command line is here, too, and
``--help`` needs no torch."""

__getattr__, __dir__ = lazy_attributes(
    __name__, {name: module for module, names in _MODULES.items() for name in names}
)
