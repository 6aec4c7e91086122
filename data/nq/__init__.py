"""Natural Questions as released: pages, annotations, predictions and the official scores."""

from .evaluation import score_nq
from .files import find_nq_files, read_nq, read_nq_records
from .parsing import is_nq, parse_example
from .passages import NqPassage, NqTokenMap, passages_of
from .predictions import NqPrediction, read_nq_predictions, write_nq_predictions
from .records import NqAnswer, NqCandidate, NqDocument, NqExample, YesNo
from .scoring import NON_NULL_THRESHOLD, AnswerScores, NqScores, OperatingPoint
from .spans import NqSpan

__all__ = [
    "NON_NULL_THRESHOLD",
    "AnswerScores",
    "NqAnswer",
    "NqCandidate",
    "NqDocument",
    "NqExample",
    "NqPassage",
    "NqPrediction",
    "NqScores",
    "NqSpan",
    "NqTokenMap",
    "OperatingPoint",
    "YesNo",
    "find_nq_files",
    "is_nq",
    "parse_example",
    "passages_of",
    "read_nq",
    "read_nq_predictions",
    "read_nq_records",
    "score_nq",
    "write_nq_predictions",
]
