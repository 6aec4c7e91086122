"""Choosing the passage that answers a training question whose passage nobody annotated.

A passage that contains the answer's text need not answer the question ("1969" stands in many). A
trained reader tells them apart: the passage is kept from which it gives the known answer.

Source: hard distant supervision (Min et al. 2019, https://aclanthology.org/D19-1284), with another
model as the judge.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..data import Passage, score_answer
from ..reader import Reader
from .qa.reading import PassageReader
from .qa.types import ReadRequest, RequestedPassage


@dataclass(frozen=True, slots=True)
class ConfirmedAnswer:
    """A passage, and the answer that a reader gives from it."""

    passage: Passage
    start: int
    """Offset of the answer into the passage's text, in code points."""
    answer: str


class Confirmer:
    """Lets a reader choose among passages that contain an answer's text."""

    def __init__(self, reader: Reader) -> None:
        """Choose with a reader.

        Args:
            reader: Any reader. One whose scores compare across passages and that knows "no answer"
                chooses best.
        """
        self._passages = PassageReader(reader)
        self._has_no_answer_score = reader.config.has_no_answer_score

    def __call__(
        self, question: str, answers: Sequence[str], passages: Sequence[Passage]
    ) -> ConfirmedAnswer | None:
        """Choose a passage.

        Args:
            question: The question's text.
            answers: Its known answers.
            passages: Passages that may answer it; all are read together.

        Returns:
            The passage from which the reader gives one of the answers (exact match) with the
            highest logit; None where it gives none from any passage, or "no answer" scores higher.
        """
        requested = [RequestedPassage(None, passage) for passage in passages]
        request = ReadRequest(question, requested, [0.0] * len(passages))
        (found,) = self._passages.read([request], spans_per_passage=1)
        right = [
            candidate
            for candidate in found.candidates
            if score_answer(candidate.text, answers)[0] == 1.0
            and (not self._has_no_answer_score or found.margins[candidate.passage] > 0)
        ]
        if not right:
            return None
        best = max(right, key=lambda candidate: candidate.logit)
        return ConfirmedAnswer(passages[best.passage], best.start, best.text)
