"""Doubts about an answer: low confidence, and questions that a few quoted words cannot answer.

The reader always finds some words. Where they are probably not the answer, a reply says why, and
names the passage that is most likely to help.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..qa.types import Answer
from .errors import InvalidRequestError
from .limits import DEFAULT_MIN_CONFIDENCE


class Doubt(StrEnum):
    """Why the words that the reader found may not answer the question."""

    LOW_CONFIDENCE = "low_confidence"
    """They are less likely to be right than was asked for; they are held back."""
    LIST = "list"
    """The question asks for several things."""
    YES_NO = "yes_no"
    """The question asks for yes or no."""
    HOW_TO = "how_to"
    """The question asks for an explanation or instructions."""


_AUXILIARY = (
    "am|are|can|could|did|do|does|had|has|have|is|may|might|must|shall|should|was|were|will|would"
)
_NUMBER = r"(\d+|two|three|four|five|six|seven|eight|nine|ten)"
_PATTERNS = {
    Doubt.HOW_TO: r"how (to|do|can|could|should|would) |how does .*\bwork\b"
    r"|(why|explain|describe) ",
    Doubt.LIST: r"(list|enumerate) "
    rf"|(name|give|tell) (me )?(all|some|several|(the )?{_NUMBER}) "
    rf"|(what|which|who) (are|were) (all|some|the (different|main|{_NUMBER})) ",
    Doubt.YES_NO: rf"({_AUXILIARY}|(is|are|was|were|do|does|did|can|could)n[’']t) ",
}
"""Beginnings of English questions; those of other languages match none. Checked in this order."""


def kind_of(question: str) -> Doubt | None:
    """Why no quoted words can answer an English question; None where they may.

    Args:
        question: The question.
    """
    words = " ".join(question.lower().split()) + " "
    for doubt, pattern in _PATTERNS.items():
        if re.match(pattern, words):
            # "Is it made of wood or of steel?" is answered by one of the two.
            return None if doubt is Doubt.YES_NO and " or " in words else doubt
    return None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reply says about its answers."""

    is_given: bool
    """Whether the answers are given; if not, they are held back."""
    confidence: float | None
    """Probability that the best answer is right, also where it is held back."""
    doubt: Doubt | None
    """Why the answers may not be right; None where nothing speaks against them."""


def judge(
    question: str, answers: Sequence[Answer], wanted: float | None, default: float | None
) -> Judgement:
    """Decide whether answers are given, and whether a doubt is stated.

    Args:
        question: The question.
        answers: Its answers, best first.
        wanted: Least confidence that the client asked for; None leaves it to the server.
        default: Least confidence of the server; None means `DEFAULT_MIN_CONFIDENCE` where the
            reader was calibrated.

    Raises:
        InvalidRequestError: If the client asked for a least confidence and the reader was not
            calibrated.
    """
    if not answers:
        return Judgement(True, None, None)
    confidence = answers[0].confidence
    if confidence is None:
        if wanted:
            raise InvalidRequestError(
                "min_confidence",
                "expected 0 or nothing, because the reader of this index was not calibrated, "
                f"found {wanted}",
            )
        return Judgement(True, None, kind_of(question))
    least = wanted if wanted is not None else default
    if confidence < (DEFAULT_MIN_CONFIDENCE if least is None else least):
        return Judgement(False, confidence, Doubt.LOW_CONFIDENCE)
    return Judgement(True, confidence, kind_of(question))
