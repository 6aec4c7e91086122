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
    from .evaluation.scoring import score_predictions
    from .integrations.transformers import QuestionAnswerer
    from .mining import Miner, SkipReason, mine_negatives
    from .qa.pipeline import OpenDomainQA
    from .qa.provided import answer_each, rank_given, read_given
    from .qa.types import Answer, GivenPassage, Result, Step
    from .retrievers import HybridRetriever, Retriever, open_retriever, reciprocal_rank_fusion
    from .retrievers.search import CorpusSearch, FoundPassage, search_passages

__all__ = [
    "Answer",
    "Calibration",
    "Comparison",
    "CorpusSearch",
    "FoundPassage",
    "GivenPassage",
    "HybridRetriever",
    "Miner",
    "OpenDomainQA",
    "QuestionAnswerer",
    "ReadMode",
    "Result",
    "Retriever",
    "SkipReason",
    "Step",
    "answer_each",
    "calibrate",
    "compare",
    "convert",
    "evaluate",
    "evaluate_pairs",
    "evaluate_reader",
    "mine_negatives",
    "open_retriever",
    "rank_given",
    "read_given",
    "reciprocal_rank_fusion",
    "score_predictions",
    "search_passages",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "Answer": "qa.types",
        "Calibration": "calibration.calibrate",
        "Comparison": "evaluation.comparison",
        "CorpusSearch": "retrievers.search",
        "FoundPassage": "retrievers.search",
        "GivenPassage": "qa.types",
        "HybridRetriever": "retrievers",
        "Miner": "mining",
        "OpenDomainQA": "qa.pipeline",
        "QuestionAnswerer": "integrations.transformers",
        "ReadMode": "evaluation.comprehension",
        "Result": "qa.types",
        "Retriever": "retrievers",
        "SkipReason": "mining",
        "Step": "qa.types",
        "answer_each": "qa.provided",
        "calibrate": "calibration.calibrate",
        "compare": "evaluation.comparison",
        "convert": "conversion",
        "evaluate_pairs": "evaluation.pairs",
        "evaluate_reader": "evaluation.comprehension",
        "evaluate": "evaluation.open_domain",
        "mine_negatives": "mining",
        "open_retriever": "retrievers",
        "rank_given": "qa.provided",
        "read_given": "qa.provided",
        "reciprocal_rank_fusion": "retrievers",
        "score_predictions": "evaluation.scoring",
        "search_passages": "retrievers.search",
    },
)
"""Imported when first used: the command line is here, too, and ``--help`` needs no torch."""
