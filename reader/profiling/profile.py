"""The profile of a reader: what reading a pair costs, at its split or at every split."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ...data import PrereadError
from ..config import Stored
from .counting import Counter
from .layouts import LAYOUTS, Arrangement, Layout, Workload
from .measuring import Latency, Memory, measure_latency, measure_memory
from .passes import Case, PassKind, make_pass
from .shapes import Subject
from .storage import Storage, storage_of

MIN_REPEAT = 5
"""Fewest repetitions for a useful median and range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileOptions:
    """What is read, and how it is measured.

    Raises:
        PrereadError: If a field is out of range; the message names the option.
    """

    layouts: tuple[Layout, ...] = (LAYOUTS["squad"],)
    stored: Stored | None = None
    """Segment that is stored; by default that of the layout."""
    batch: int = 1
    """Number of pairs read at a time."""
    question_tokens: int | None = None
    """Length of questions in the packed arrangement; by default the layout's mean."""
    passage_tokens: int | None = None
    """Length of passages in the packed arrangement; by default the layout's mean."""
    repeat: int = 7
    """Number of repetitions, whose median is reported."""
    is_measured: bool = True
    """Whether to measure time and memory. Operations and parameters are always counted."""

    def __post_init__(self) -> None:
        """Check the fields."""
        for name in ("batch", "question_tokens", "passage_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise PrereadError(
                    f"--{name.replace('_', '-')}: expected 1 or more, found {value}."
                )
        if (self.question_tokens is None) != (self.passage_tokens is None):
            raise PrereadError(
                "--question-tokens and --passage-tokens: expected both or neither. Give both."
            )
        if self.repeat < MIN_REPEAT:
            raise PrereadError(f"--repeat: expected {MIN_REPEAT} or more, found {self.repeat}.")

    def workloads(self, layout: Layout) -> list[Workload]:
        """The padded workload, and the packed one if the lengths of texts are known.

        Args:
            layout: Layout of the task.
        """
        padded = Workload(
            layout=layout,
            arrangement=Arrangement.PADDED,
            stored=self.stored or layout.stored,
            batch=self.batch,
            question_tokens=layout.question_slot,
            passage_tokens=layout.passage_slot,
        )
        question = self.question_tokens or layout.mean_question
        passage = self.passage_tokens or layout.mean_passage
        if question is None or passage is None:
            return [padded]
        packed = replace(
            padded,
            arrangement=Arrangement.PACKED,
            question_tokens=question,
            passage_tokens=passage,
        )
        return [padded, packed]


@dataclass(frozen=True, slots=True)
class Row:
    """Costs of one way to read, and its speed-ups over the full model in the same arrangement."""

    case: Case
    flops: int
    flop_speedup: float
    """Ratio of the floating-point operations."""
    latency: Latency | None = None
    speedup: float | None = None
    """Ratio of the median latencies."""
    memory: Memory | None = None

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON; what was not measured is null."""
        workload = self.case.workload
        return {
            "layout": workload.layout.name,
            "arrangement": workload.arrangement.value,
            "question_tokens": workload.question_tokens,
            "passage_tokens": workload.passage_tokens,
            "stored": workload.stored.value,
            "pass": self.case.kind.value,
            "num_lower_layers": self.case.num_lower_layers,
            "flops": self.flops,
            "flop_speedup": round(self.flop_speedup, 4),
            "latency_ms": self.latency and self.latency.to_dict(),
            "speedup": self.speedup and round(self.speedup, 4),
            "peak_bytes": self.memory and self.memory.peak_bytes,
            "requested_bytes": self.memory and self.memory.requested_bytes,
        }


@dataclass(frozen=True, slots=True)
class Profile:
    """Rows of costs, and how they were obtained."""

    subject: Subject
    options: ProfileOptions
    device: str
    parameters: dict[str, int]
    rows: tuple[Row, ...]
    storage: tuple[Storage, ...]

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        config = self.subject.config
        return {
            "reader": self.subject.name,
            "base": config.base,
            "weights": "random" if self.subject.model is None else "trained",
            "num_hidden_layers": config.num_hidden_layers,
            "hidden_size": config.hidden_size,
            "num_lower_layers": config.num_lower_layers,
            "parameters": self.parameters,
            "device": self.device,
            "threads": torch.get_num_threads(),
            "batch": self.options.batch,
            "repeat": self.options.repeat if self.options.is_measured else None,
            "rows": [row.to_dict() for row in self.rows],
            "storage": [storage.to_dict() for storage in self.storage],
        }


def profile_reader(
    name: str | Path,
    options: ProfileOptions,
    *,
    num_lower_layers: int | None = None,
    device: str = "cpu",
    show_progress: bool = False,
) -> Profile:
    """Compare the full model with the decomposed model, without and with stored states.

    Args:
        name: Name of a reader, or a key of `shapes.SHAPES`.
        options: What is read, and how it is measured.
        num_lower_layers: Number of lower layers; by default that of the reader or shape.
        device: Device on which time and memory are measured.
        show_progress: Whether to draw a progress bar on standard error.

    Returns:
        Three rows, one for each way to read, for every layout and arrangement.

    Raises:
        PrereadError: If there is no such reader, or its positions are too few for the layout.
    """
    subject = Subject.load(str(name), num_lower_layers=num_lower_layers, device=device)
    split = subject.config.num_lower_layers
    groups = [
        [Case(w, kind, 0 if kind is PassKind.FULL else split) for kind in PassKind]
        for layout in options.layouts
        for w in options.workloads(layout)
    ]
    return _profile(subject, options, groups, device, show_progress)


def sweep_reader(
    name: str | Path,
    options: ProfileOptions,
    *,
    device: str = "cpu",
    show_progress: bool = False,
) -> Profile:
    """Compare the full model with the decomposed model with stored states, at every split.

    Args:
        name: Name of a reader, or a key of `shapes.SHAPES`.
        options: What is read, and how it is measured.
        device: Device on which time and memory are measured.
        show_progress: Whether to draw a progress bar on standard error.

    Returns:
        For every layout and arrangement, the row of the full model and one row for each split with
        at least one upper layer.

    Raises:
        PrereadError: If there is no such reader, or its positions are too few for the layout.
    """
    subject = Subject.load(str(name), num_lower_layers=0, device=device)
    groups = []
    for layout in options.layouts:
        for workload in options.workloads(layout):
            group = [Case(workload, PassKind.FULL, 0)]
            for split in range(1, subject.config.num_hidden_layers):
                group.append(Case(workload, PassKind.STORED, split))
            groups.append(group)
    return _profile(subject, options, groups, device, show_progress)


def _profile(
    subject: Subject,
    options: ProfileOptions,
    groups: Sequence[Sequence[Case]],
    device: str,
    show_progress: bool,
) -> Profile:
    """Count, and measure if requested. The first case of each group is its full model."""
    for group in groups:
        workload = group[0].workload
        subject.check_room(max(workload.question_tokens, workload.passage_tokens))
    counter = Counter(subject.config)
    rows: list[Row] = []
    for group in groups:
        flops = [counter.flops(case) for case in group]
        rows += [Row(c, f, flops[0] / f) for c, f in zip(group, flops, strict=True)]
    if options.is_measured:
        rows = _with_measures(subject, options, rows, torch.device(device), show_progress)
    return Profile(
        subject,
        options,
        device,
        counter.parameters(),
        tuple(rows),
        storage_of(subject.config.hidden_size, subject.config.vocab_size),
    )


def _with_measures(
    subject: Subject,
    options: ProfileOptions,
    rows: Sequence[Row],
    device: torch.device,
    show_progress: bool,
) -> list[Row]:
    """Measure time and memory of all rows in turns."""
    model = subject.model_on(device)
    passes = [make_pass(model, row.case) for row in rows]
    latencies = measure_latency(
        passes, repeat=options.repeat, device=device, show_progress=show_progress
    )
    measured: list[Row] = []
    full_ms = 0.0
    for row, run, latency in zip(rows, passes, latencies, strict=True):
        if row.case.kind is PassKind.FULL:
            full_ms = latency.median_ms
        measured.append(
            replace(
                row,
                latency=latency,
                speedup=full_ms / latency.median_ms,
                memory=measure_memory(run, device),
            )
        )
    return measured
