"""Passages, questions and answers: their records, the readers of their files, and the metrics."""

from .corpora import CorpusFormat, detect_corpus_format, read_corpus
from .errors import DataError, PrereadError
from .io.policy import OnError, ReadReport
from .metrics.answers import (
    exact_match_score,
    f1_score,
    find_answer,
    find_pattern,
    has_answer,
    has_pattern,
    metric_max_over_answers,
    normalize_answer,
    nq_open_match_score,
    pattern_match_score,
    score_answer,
    top_k_accuracy,
)
from .metrics.judging import holds_answer, score_prediction
from .nq import NqScores, read_nq, score_nq
from .pairs import PairFormat, read_choices, read_pairs
from .questions import (
    QuestionFormat,
    detect_question_format,
    read_examples,
    read_gold,
    read_open_domain_examples,
    read_questions,
    usual_match,
    write_examples,
    write_open_domain_examples,
)
from .questions.predictions import Prediction, match_predictions, read_predictions
from .records import (
    AnswerMatch,
    ChoiceExample,
    OpenDomainExample,
    PairExample,
    Passage,
    Question,
    ReadingExample,
)
from .synthetic.cloze import cloze_examples
from .synthetic.statements import statement_examples

__all__ = [
    "AnswerMatch",
    "ChoiceExample",
    "CorpusFormat",
    "DataError",
    "NqScores",
    "OnError",
    "OpenDomainExample",
    "PairExample",
    "PairFormat",
    "Passage",
    "Prediction",
    "PrereadError",
    "Question",
    "QuestionFormat",
    "ReadReport",
    "ReadingExample",
    "cloze_examples",
    "detect_corpus_format",
    "detect_question_format",
    "exact_match_score",
    "f1_score",
    "find_answer",
    "find_pattern",
    "has_answer",
    "has_pattern",
    "holds_answer",
    "match_predictions",
    "metric_max_over_answers",
    "normalize_answer",
    "nq_open_match_score",
    "pattern_match_score",
    "read_choices",
    "read_corpus",
    "read_examples",
    "read_gold",
    "read_nq",
    "read_open_domain_examples",
    "read_pairs",
    "read_predictions",
    "read_questions",
    "score_answer",
    "score_nq",
    "score_prediction",
    "statement_examples",
    "top_k_accuracy",
    "usual_match",
    "write_examples",
    "write_open_domain_examples",
]
