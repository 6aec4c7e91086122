"""Scoring of predictions and passages against a question, by texts or by patterns."""

from ..records import AnswerMatch, Question
from .answers import (
    has_answer,
    has_pattern,
    metric_max_over_answers,
    pattern_match_score,
    score_answer,
)


def score_prediction(question: Question, prediction: str) -> tuple[float, float]:
    """Score a prediction against a question's gold answers.

    Args:
        question: The question. Without gold answers, the empty prediction is correct.
        prediction: The predicted answer.

    Returns:
        Exact match and F1, each from 0.0 to 1.0, each the best over the gold answers. For patterns
        both are 1.0 where one matches.
    """
    if question.match is AnswerMatch.REGEX and question.answers:
        score = metric_max_over_answers(pattern_match_score, prediction, question.answers)
        return score, score
    return score_answer(prediction, question.answers)


def holds_answer(question: Question, passage_text: str) -> bool:
    """Decide whether a passage contains a gold answer, by DPR's matching of strings or patterns.

    Args:
        question: The question with its gold answers.
        passage_text: The passage's text.
    """
    matches = has_pattern if question.match is AnswerMatch.REGEX else has_answer
    return matches(passage_text, question.answers)
