"""Whether what was found answers a question, its gold answers being texts or patterns."""

from ..records import AnswerMatch, Question
from .answers import (
    has_answer,
    has_pattern,
    metric_max_over_answers,
    pattern_match_score,
    score_answer,
)


def score_prediction(question: Question, prediction: str) -> tuple[float, float]:
    """Exact match and F1 of a prediction, each from 0.0 to 1.0, the best over the gold answers.

    A pattern has no words to share: F1 is exact match there. A question without gold answers wants
    an empty prediction.
    """
    if question.match is AnswerMatch.REGEX and question.answers:
        score = metric_max_over_answers(pattern_match_score, prediction, question.answers)
        return score, score
    return score_answer(prediction, question.answers)


def holds_answer(question: Question, passage_text: str) -> bool:
    """Whether a passage holds a gold answer, by DPR's matching of strings or of patterns."""
    matches = has_pattern if question.match is AnswerMatch.REGEX else has_answer
    return matches(passage_text, question.answers)
