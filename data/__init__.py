"""Passages, questions, answers: records, readers of their files, and how answers are scored."""

from .answers import (
    exact_match_score,
    f1_score,
    find_answer,
    has_answer,
    metric_max_over_answers,
    normalize_answer,
    score_answer,
    top_k_accuracy,
)
from .cloze import cloze_examples
from .corpora import CorpusFormat, detect_corpus_format, read_corpus
from .errors import DataError, PrereadError
from .nq import NqScores, read_nq, score_nq
from .policy import OnError, ReadReport
from .questions import (
    QuestionFormat,
    detect_question_format,
    read_examples,
    read_open_domain_examples,
    read_questions,
    write_examples,
    write_open_domain_examples,
)
from .records import OpenDomainExample, Passage, Question, ReadingExample
from .statements import statement_examples

__all__ = [
    "CorpusFormat",
    "DataError",
    "NqScores",
    "OnError",
    "OpenDomainExample",
    "Passage",
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
    "has_answer",
    "metric_max_over_answers",
    "normalize_answer",
    "read_corpus",
    "read_examples",
    "read_nq",
    "read_open_domain_examples",
    "read_questions",
    "score_answer",
    "score_nq",
    "statement_examples",
    "top_k_accuracy",
    "write_examples",
    "write_open_domain_examples",
]
