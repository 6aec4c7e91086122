"""The losses of a retrieval head."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax
from typing_extensions import override

from ...modeling.layers import Segment
from ...modeling.question_answering import DeformerForQuestionAnswering
from ..objective import Objective, Teacher
from .batches import HeadBatch


def similarity_loss(
    questions: Tensor,
    passages: Tensor,
    taught_questions: Tensor,
    taught_passages: Tensor,
    temperature: float,
) -> Tensor:
    """Divergence of the similarities of a batch from the teacher's, in both directions.

    Args:
        questions: Vectors of length 1. Shape ``(n_questions, width)``.
        passages: Vectors of length 1. Shape ``(n_passages, width)``.
        taught_questions: The teacher's vectors of the questions. Shape ``(n_questions, w)``.
        taught_passages: The teacher's vectors of the passages. Shape ``(n_passages, w)``.
        temperature: Divisor of the cosines, T.

    Returns:
        A scalar: the mean over questions of ``KL(softmax(teacher's cosines with all passages / T) ‖
        softmax(the student's / T))``, and the same over passages, averaged.

    Source: distillation of the scores of a batch (Hofstätter et al. 2021,
    https://doi.org/10.1145/3404835.3462891, section 3), here from another dual encoder.
    """
    mine = questions @ passages.T / temperature
    theirs = taught_questions @ taught_passages.T / temperature
    by_question = kl_div(
        log_softmax(mine, 1), log_softmax(theirs, 1), reduction="batchmean", log_target=True
    )
    by_passage = kl_div(
        log_softmax(mine.T, 1), log_softmax(theirs.T, 1), reduction="batchmean", log_target=True
    )
    return (by_question + by_passage) / 2


@dataclass(frozen=True, slots=True)
class HeadObjective(Objective):
    """The losses of a retrieval head, and their weights."""

    reader: DeformerForQuestionAnswering
    """Computes the lower states; it is not trained."""
    temperature: float
    """Divides cosines before they are compared."""
    vectors: float
    """Weight of the loss that brings each vector near the teacher's; 0 leaves it out."""
    in_bfloat16: bool = False
    """Whether the matrix products of the lower layers run in bfloat16."""
    teacher: Teacher | None = None
    """None: the teacher's vectors are in the batches."""

    @override
    def losses(self, model: nn.Module, batch: Any) -> dict[str, Tensor]:
        assert isinstance(batch, HeadBatch)
        kind = self.reader.device.type
        with torch.no_grad(), torch.autocast(kind, torch.bfloat16, self.in_bfloat16):
            asked = self.reader.lower(batch.questions, Segment.QUESTION)
            read = self.reader.lower(batch.windows, Segment.PASSAGE)
        questions = model(asked, range(len(asked)))
        passages = model(read, batch.owners)
        losses = {
            "similarities": similarity_loss(
                questions,
                passages,
                batch.question_vectors,
                batch.passage_vectors,
                self.temperature,
            )
        }
        if self.vectors:
            far = [
                1 - (mine * theirs).sum(1).mean()
                for mine, theirs in (
                    (questions, batch.question_vectors),
                    (passages, batch.passage_vectors),
                )
            ]
            losses["vectors"] = self.vectors * torch.stack(far).mean()
        return losses
