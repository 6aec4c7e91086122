"""The three ways to read a pair that are compared."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import torch

from ..codecs import Float16Codec
from ..config import Stored
from ..modeling.layers import Segment
from ..modeling.question_answering import DeformerForQuestionAnswering, SpanLogits
from ..packing import Packed
from .layouts import Workload
from .shapes import split_at


class PassKind(StrEnum):
    """How a pair is read."""

    FULL = "full"
    """All layers over both segments, as in the full model (k = 0)."""
    DECOMPOSED = "decomposed"
    """Lower layers over each segment, upper layers over both; nothing is stored."""
    STORED = "stored"
    """Lower layers over one segment, upper layers over both; the states of the other segment are
    stored."""


@dataclass(frozen=True, slots=True)
class Case:
    """One way to read one workload at one split."""

    workload: Workload
    kind: PassKind
    num_lower_layers: int
    """Number of lower layers; 0 for `PassKind.FULL`."""


def make_pass(model: DeformerForQuestionAnswering, case: Case) -> Callable[[], SpanLogits]:
    """Make the function without arguments that reads the workload once: counted and timed.

    Stored states are random float16 numbers in the memory of the device. Converting them to float32
    is part of the pass. Reading them from disk and decoding smaller codes are not.

    Args:
        model: Model with any split.
        case: The workload, and how it is read.
    """
    workload = case.workload
    questions, passages = workload.inputs(model.device)
    is_stored = case.kind is PassKind.STORED
    stores_first = is_stored and workload.stored is Stored.FIRST
    stores_second = is_stored and workload.stored is Stored.SECOND
    question_codes = _codes(questions, model) if stores_first else None
    passage_codes = _codes(passages, model) if stores_second else None
    codec = Float16Codec()

    def states(tokens: Packed, codes: torch.Tensor | None, segment: Segment) -> Packed:
        """Decode stored states, or compute them with the lower layers."""
        return model.lower(tokens, segment) if codes is None else codec.decode(codes, tokens)

    @torch.inference_mode()
    def read() -> SpanLogits:
        with split_at(model, case.num_lower_layers):
            first = states(questions, question_codes, Segment.QUESTION)
            second = states(passages, passage_codes, Segment.PASSAGE)
            return model.upper(first, second, workload.pairs)

    return read


def _codes(tokens: Packed, model: DeformerForQuestionAnswering) -> torch.Tensor:
    shape = (tokens.rows.shape[0], model.config.hidden_size)
    return torch.randn(shape, device=model.device).half()
