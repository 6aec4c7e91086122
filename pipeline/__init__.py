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
    from .retrievers import HybridRetriever, Retriever, open_retriever, reciprocal_rank_fusion
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
    "reciprocal_rank_fusion",
    "score_predictions",
    "search_passages",
    "search_passages_many",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "Answer": "qa.types",
        "AnswerStep": "qa.types",
        "Calibration": "calibration.calibrate",
        "Comparison": "evaluation.comparison",
        "Context": "qa.sentences",
        "CorpusSearch": "retrievers.search",
        "FoundPassage": "retrievers.search",
        "HighlightedSentence": "qa.sentences",
        "HybridRetriever": "retrievers",
        "Miner": "mining",
        "OpenDomainQA": "qa.pipeline",
        "ProvidedPassage": "qa.types",
        "PrunedContexts": "qa.sentences",
        "QuestionAnswerer": "integrations.transformers",
        "QuoteMatch": "qa.quotes",
        "ReadMode": "evaluation.comprehension",
        "Result": "qa.types",
        "Retriever": "retrievers",
        "SkipReason": "mining",
        "answer_each": "qa.provided",
        "calibrate": "calibration.calibrate",
        "compare": "evaluation.comparison",
        "convert": "conversion",
        "evaluate": "evaluation.open_domain",
        "evaluate_pairs": "evaluation.pairs",
        "evaluate_reader": "evaluation.comprehension",
        "evaluate_retrieval": "evaluation.relevance",
        "mine_negatives": "mining",
        "open_retriever": "retrievers",
        "rank_provided": "qa.provided",
        "read_provided": "qa.provided",
        "reciprocal_rank_fusion": "retrievers",
        "score_predictions": "evaluation.scoring",
        "search_passages": "retrievers.search",
        "search_passages_many": "retrievers.search",
    },
)
"""Imported when first used: the command line is here, too, and ``--help`` needs no torch."""
