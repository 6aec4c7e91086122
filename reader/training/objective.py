"""The losses that training minimises, by name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from typing_extensions import override

from ...data import PrereadError
from ..modeling.decomposed import DecomposedModel
from ..modeling.layers import Segment
from ..modeling.question_answering import SpanLogits
from ..modeling.weight_names import is_lower
from .batches import Batch, Targets
from .features import Taught
from .losses import distillation_loss, gold_loss, layer_loss, segment_log_softmax
from .recipe import DistillationConfig

# What decides states, besides weights and token ids. A teacher has the family and the sizes of the
# student in any case.
_DECIDE_STATES = (
    "num_lower_layers",
    "num_attention_heads",
    "hidden_act",
    "layer_norm_eps",
    "position_offset",
)


@dataclass(frozen=True, slots=True)
class Teacher:
    """A frozen model that the student learns from. In the paper it is a full model."""

    model: DecomposedModel
    config: DistillationConfig
    """The weights of the losses."""
    shares_lower: bool = False
    """Whether its lower states are the student's in every step, so that they are computed once."""
    in_bfloat16: bool = False
    """Whether its matrix products run in bfloat16."""

    @classmethod
    def load(
        cls,
        config: DistillationConfig,
        source: str,
        student: DecomposedModel,
        *,
        in_bfloat16: bool = False,
    ) -> "Teacher":
        """Load the teacher.

        Args:
            config: The recipe's ``[distillation]``.
            source: Folder or hub name of the teacher.
            student: The model that learns from it.
            in_bfloat16: Whether its matrix products run in bfloat16.

        Raises:
            PrereadError: If the two differ in anything but weights and split.
        """
        kind = type(student)
        model = kind.from_pretrained(source, num_lower_layers=config.num_lower_layers)
        was = model.config.architectures
        if was and kind.__name__ not in was:
            raise PrereadError(
                f"{source}: expected a teacher of the student's task, a {kind.__name__}, found "
                f"{was[0]}. Name one that was trained for it."
            )
        for name in ("base", "hidden_size", "num_hidden_layers", "vocab_size", "id2label"):
            theirs, ours = getattr(model.config, name), getattr(student.config, name)
            if theirs != ours:
                raise PrereadError(
                    f"{source}: expected a teacher with {name} {ours}, as the student has, found "
                    f"{theirs}. Layers are compared one by one; train a teacher from the same base."
                )
        model.requires_grad_(False)
        model.train(False)
        return cls(model, config, _same_lower_states(model, student), in_bfloat16)

    @contextmanager
    def running(self, device: torch.device) -> Iterator[None]:
        """Where the teacher runs: without gradients, and with its products in their format.

        Args:
            device: Where the teacher is.
        """
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, self.in_bfloat16):
            yield


def _same_lower_states(teacher: DecomposedModel, student: DecomposedModel) -> bool:
    """Whether two models have the same lower states, and keep them while the student trains."""
    ours, theirs = student.config, teacher.config
    if ours.hidden_dropout_prob > 0 or ours.attention_probs_dropout_prob > 0:
        return False
    if any(getattr(ours, name) != getattr(theirs, name) for name in _DECIDE_STATES):
        return False
    weights = teacher.state_dict()
    return all(
        not weight.requires_grad and torch.equal(weight, weights[name])
        for name, weight in student.named_parameters()
        if is_lower(name, ours.num_lower_layers)
    )


class Objective(Protocol):
    """The losses of a task."""

    @property
    def teacher(self) -> Teacher | None:
        """The teacher that runs in every step; None where there is none."""

    def losses(self, model: nn.Module, batch: Any) -> dict[str, Tensor]:
        """Run the model on a batch: weighted losses by name, whose sum training minimises.

        Args:
            model: The student, possibly wrapped for several GPUs.
            batch: A batch of the task, on the model's device.
        """


@dataclass(frozen=True, slots=True)
class SpanObjective(Objective):
    """The losses of reading spans, and their weights."""

    teacher: Teacher | None = None
    """Runs in every step; None where there is none, or its logits are stored."""
    null_weight: float = 0.0
    """Weight of the cross-entropy of "no answer"; 0 leaves it out."""
    stored: DistillationConfig | None = None
    """Weights of the losses against stored logits, which every batch then has
    (`Targets.taught`)."""

    @override
    def losses(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        targets = batch.targets
        logits: SpanLogits
        if self.stored is not None:
            assert targets.taught is not None
            logits = model(batch.questions, batch.passages, batch.pairs)
            losses = _distilled(logits, targets.taught, targets, self.stored)
        elif self.teacher is not None:
            logits, taught = _both(model, self.teacher, batch)
            losses = _distilled(logits, taught, targets, self.teacher.config)
            layers = self.teacher.config.layers
            losses["layers"] = layers * layer_loss(logits.hidden, taught.hidden)
        else:
            logits = model(batch.questions, batch.passages, batch.pairs)
            losses = {"gold": _gold(logits, targets)}
        if self.null_weight:
            losses["null"] = self.null_weight * _null(logits, targets)
        return losses


def _both(model: nn.Module, teacher: Teacher, batch: Batch) -> tuple[SpanLogits, SpanLogits]:
    """The logits of the student and of the teacher. Shared lower states are computed once."""
    lower_states = None
    with teacher.running(batch.targets.start.device):
        if teacher.shares_lower:
            lower_states = (
                teacher.model.lower(batch.questions, Segment.QUESTION),
                teacher.model.lower(batch.passages, Segment.PASSAGE),
            )
        inputs = batch.questions, batch.passages, batch.pairs
        how = {"lower_states": lower_states, "keep_hidden": True}
        taught: SpanLogits = teacher.model(*inputs, **how)
    return model(*inputs, **how), taught


def _gold(logits: SpanLogits, targets: Targets) -> Tensor:
    """Cross-entropy of gold spans, over all windows of a question."""
    log_start, log_end = (
        segment_log_softmax(x, targets.is_text, targets.question, targets.n_questions)
        for x in (logits.start, logits.end)
    )
    return gold_loss(log_start, log_end, targets.start, targets.end, targets.n_questions)


def _distilled(
    logits: SpanLogits,
    taught: SpanLogits | Taught,
    targets: Targets,
    weights: DistillationConfig,
) -> dict[str, Tensor]:
    """Weighted losses against the gold spans and against a teacher's logits of the first rows."""
    temperature = weights.temperature
    losses = {
        "gold": weights.gold * _gold(logits, targets),
        "outputs": weights.outputs * _outputs(logits, taught, targets, temperature),
    }
    if weights.null_outputs:
        of_nulls = _null_outputs(logits, taught, targets, temperature)
        losses["null_outputs"] = weights.null_outputs * of_nulls
    return losses


def _null_outputs(
    logits: SpanLogits, taught: SpanLogits | Taught, targets: Targets, temperature: float
) -> Tensor:
    """Distillation of each pair by itself, with "no answer" as one more row; mean over pairs."""
    n_rows, n_pairs = len(taught.start), len(taught.null)
    null_rows = torch.arange(n_pairs, device=targets.pair.device)
    allowed = torch.cat([targets.is_text[:n_rows], torch.ones_like(null_rows, dtype=torch.bool)])
    pair = torch.cat([targets.pair[:n_rows], null_rows])
    of_columns = [
        distillation_loss(
            torch.cat([mine[:n_rows], logits.null[:n_pairs, column]]),
            torch.cat([theirs, taught.null[:, column]]),
            allowed,
            pair,
            targets.n_pairs,
            temperature,
        )
        for column, (mine, theirs) in enumerate(
            ((logits.start, taught.start), (logits.end, taught.end))
        )
    ]
    return torch.stack(of_columns).mean()


def _outputs(
    logits: SpanLogits, taught: SpanLogits | Taught, targets: Targets, temperature: float
) -> Tensor:
    """Distillation over all windows of a question; the mean of that of starts and that of ends."""
    n_rows = len(taught.start)
    where = targets.is_text[:n_rows], targets.question[:n_rows], targets.n_questions
    start = distillation_loss(logits.start[:n_rows], taught.start, *where, temperature)
    end = distillation_loss(logits.end[:n_rows], taught.end, *where, temperature)
    return (start + end) / 2


def _null(logits: SpanLogits, targets: Targets) -> Tensor:
    """Cross-entropy of each pair by itself, where the [CLS] row stands for "no answer".

    Source: the no-answer option of Clark & Gardner 2018, section 3.3, at the [CLS] row as in
    Devlin et al. 2019 for SQuAD 2.0.
    """
    n = targets.n_pairs
    device = logits.start.device
    has_gold = torch.zeros(n, dtype=torch.bool, device=device)
    has_gold[targets.gold_pair] = True
    is_null = torch.cat([torch.zeros_like(targets.is_text), torch.ones_like(has_gold)])
    allowed = torch.cat([targets.is_text, torch.ones_like(has_gold)])
    pair = torch.cat([targets.pair, torch.arange(n, device=device)])
    total = torch.zeros((), device=device)
    for column, (rows, gold) in enumerate(
        ((logits.start, targets.start), (logits.end, targets.end))
    ):
        log_p = segment_log_softmax(torch.cat([rows, logits.null[:, column]]), allowed, pair, n)
        total = total - log_p[gold].sum() - log_p[is_null][~has_gold].sum()
    return total / (2 * n)
