"""Readers of question files, one module for each format."""

from .detection import detect_question_format
from .dispatch import read_examples, read_questions
from .formats import QuestionFormat
from .gold import read_gold, usual_match
from .jsonl import write_examples
from .open_domain import read_open_domain_examples, write_open_domain_examples
from .relevance import JudgedQuery, read_judged_queries

__all__ = [
    "JudgedQuery",
    "QuestionFormat",
    "detect_question_format",
    "read_examples",
    "read_gold",
    "read_judged_queries",
    "read_open_domain_examples",
    "read_questions",
    "usual_match",
    "write_examples",
    "write_open_domain_examples",
]
