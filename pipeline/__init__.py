"""Online: retrieve, fetch, read, answer; evaluation and the command line."""

from typing import TYPE_CHECKING

from ..data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .calibration.calibrate import Calibration as Calibration
    from .calibration.calibrate import calibrate as calibrate
    from .conversion import convert as convert
    from .evaluation.comparison import Comparison as Comparison
    from .evaluation.comparison import compare as compare
    from .evaluation.comprehension import ReadMode as ReadMode
    from .evaluation.comprehension import evaluate_reader as evaluate_reader
    from .evaluation.open_domain import evaluate as evaluate
    from .evaluation.pairs import evaluate_pairs as evaluate_pairs
    from .evaluation.relevance import evaluate_retrieval as evaluate_retrieval
    from .evaluation.scoring import score_predictions as score_predictions
    from .integrations.transformers import QuestionAnswerer as QuestionAnswerer
    from .mining import Miner as Miner
    from .mining import SkipReason as SkipReason
    from .mining import mine_negatives as mine_negatives
    from .qa.pipeline import OpenDomainQA as OpenDomainQA
    from .qa.provided import answer_each as answer_each
    from .qa.provided import rank_provided as rank_provided
    from .qa.provided import read_provided as read_provided
    from .qa.quotes import QuoteMatch as QuoteMatch
    from .qa.sentences import Context as Context
    from .qa.sentences import HighlightedSentence as HighlightedSentence
    from .qa.sentences import PrunedContexts as PrunedContexts
    from .qa.types import Answer as Answer
    from .qa.types import AnswerStep as AnswerStep
    from .qa.types import ProvidedPassage as ProvidedPassage
    from .qa.types import Result as Result
    from .retrievers import HybridRetriever as HybridRetriever
    from .retrievers import Retriever as Retriever
    from .retrievers import convex_fusion as convex_fusion
    from .retrievers import open_retriever as open_retriever
    from .retrievers.search import CorpusSearch as CorpusSearch
    from .retrievers.search import FoundPassage as FoundPassage
    from .retrievers.search import search_passages as search_passages
    from .retrievers.search import search_passages_many as search_passages_many

__getattr__, __dir__, __all__ = lazy_attributes(
    __name__,
    {
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
        "retrievers": ("HybridRetriever", "Retriever", "convex_fusion", "open_retriever"),
        "retrievers.search": (
            "CorpusSearch",
            "FoundPassage",
            "search_passages",
            "search_passages_many",
        ),
    },
)
"""The names of each module. They are imported when first used: the command line is here, too, and
``--help`` needs no torch."""
