"""Training recipes: TOML files that decide the result of a training."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, NonNegativeFloat, NonNegativeInt
from pydantic.dataclasses import dataclass

from ...data import PrereadError
from ...data.io.validation import read_toml
from ..config import Stored
from ..inference.mixed_precision import MixedPrecision

_CHECKED = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class SourceConfig:
    """One data set of a stage."""

    file: str
    """File name below the data folder; absolute, or relative to it."""
    titles: bool
    """Whether windows begin with the passage's title. False for a pair task, where a title is part
    of the second text."""
    weight: NonNegativeFloat = 1.0
    """How often an epoch has each question, on average: 0.5 for half of them, 2 for each twice."""
    questions_per_context: NonNegativeInt = 0
    """Keep at most this many questions, drawn at random, of each context; 0 keeps all."""
    negatives: NonNegativeInt = 0
    """Number of mined passages without the answer that each question is read with, drawn at random
    each epoch. If it is not 0, the file must be one that ``preread mine`` wrote."""
    random_negatives: NonNegativeInt = 0
    """Number of other contexts of the same file that each question is read with, drawn at random
    each epoch. They do not contain the answer. They need no mining, and teach "no answer" where
    texts are short or have no title."""
    article_negatives: NonNegativeInt = 0
    """Number of other contexts with the same title that each question is read with, drawn at random
    each epoch. They do not contain the answer. They are about the question's subject, as the texts
    of unanswerable questions in SQuAD 2.0 are. A context with fewer such neighbours has fewer. The
    titles in the file count, also where ``titles`` is false."""
    altered_questions: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the questions that come with another one that the context does not answer. It is the
    same question with a name, number or word replaced, or negated, or one of another context with
    the same title. Such questions teach to recognise those that only look answerable."""

    def __post_init__(self) -> None:
        """Check the fields against each other."""
        if self.negatives and (
            self.random_negatives or self.article_negatives or self.altered_questions
        ):
            raise PrereadError(
                f"recipe: {self.file}: expected negatives (a mined file), or random_negatives, "
                "article_negatives and altered_questions, found both. Make it two sources."
            )


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class StageConfig:
    """Data sets that are shuffled together. Stages follow one another."""

    sources: Annotated[tuple[SourceConfig, ...], Field(min_length=1)]
    epochs: NonNegativeInt = 1
    """Number of passes through the stage, each in another order."""
    redraw: bool = True
    """Whether each epoch draws questions and negatives anew. If not, all epochs have the same
    pairs, so that a teacher labels them once."""


class TaskKind(StrEnum):
    """Kinds of tasks on pairs of texts."""

    CLASSIFICATION = "classification"
    """Choosing a label for a pair: BoolQ, MNLI, QQP."""
    CHOICE = "choice"
    """Choosing one of several answers: RACE."""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class TaskConfig:
    """A task on pairs of texts, in place of spans (Cao et al. 2020, section 4)."""

    kind: TaskKind
    labels: tuple[str, ...] = ()
    """A classifier's labels, in the order of its logits."""
    max_first_length: NonNegativeInt
    """Longest first text in word pieces, with [CLS] and [SEP]. Longer texts are cut."""
    max_second_length: NonNegativeInt
    """Longest second text in word pieces, with its [SEP]. Longer texts are cut."""
    stored_segment: Stored = Stored.SECOND
    """The text whose states are stored: ``first`` or ``second``."""

    def __post_init__(self) -> None:
        """Check the labels."""
        is_choice = self.kind is TaskKind.CHOICE
        if self.labels if is_choice else len(set(self.labels)) < 2:
            wanted = "no labels" if is_choice else "two labels or more"
            raise PrereadError(
                f"recipe: expected {wanted} in a [task] of kind {self.kind}, found "
                f"{list(self.labels)}."
            )


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class DistillationConfig:
    """The losses against a teacher and their weights (Cao et al. 2020, section 3.3)."""

    teacher: str = ""
    """A reader that runs in every step: ``default``, a folder or a hub name. It has the student's
    family and sizes."""
    labels: str = ""
    """Folder of a teacher's stored logits, in place of ``teacher``: absolute, or relative to the
    data folder. `preread label` writes it. That teacher may have another family and other sizes."""
    num_lower_layers: NonNegativeInt = 0
    """Number of the teacher's lower layers. The paper's teacher has none. A teacher with the
    student's split shows upper layers that read through a codec what exact states would give."""
    temperature: NonNegativeFloat = 2.0
    """Divides both sets of logits before they are compared."""
    gold: NonNegativeFloat = 1.0
    """Weight of the cross-entropy of gold spans (the paper's gamma)."""
    outputs: NonNegativeFloat = 1.0
    """Weight of knowledge distillation (alpha)."""
    layers: NonNegativeFloat = 1.0
    """Weight of layerwise representation similarity (beta). It must be 0 with ``labels``, which
    hold logits only."""
    null_outputs: NonNegativeFloat = 0.0
    """Weight of the distillation of each passage by itself, over its spans and "no answer"."""

    def __post_init__(self) -> None:
        """Check the fields against each other."""
        if bool(self.teacher) == bool(self.labels):
            found = "both" if self.teacher else "neither"
            raise PrereadError(
                f"recipe: expected either teacher or labels in [distillation], found {found}."
            )
        if self.labels and self.layers:
            raise PrereadError(
                f"recipe: expected layers = 0 in [distillation] with labels, which hold logits "
                f"only, found {self.layers}."
            )


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class HeldOutConfig:
    """Training examples that are held out to score the reader while it learns."""

    contexts: NonNegativeInt = 100
    """Number of contexts of each data set whose questions are held out; for a pair task, number of
    second texts whose pairs are."""
    every: NonNegativeInt = 200
    """Steps between two scores."""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class Recipe:
    """Everything that decides how a reader is trained."""

    base: str
    """Checkpoint to start from: ``default``, a folder, or a hub name."""
    num_lower_layers: NonNegativeInt
    """Number of lower layers (the paper's k)."""
    stages: Annotated[tuple[StageConfig, ...], Field(min_length=1)]
    task: TaskConfig | None = None
    """A task on pairs of texts. Without it, the reader learns answer spans."""
    distillation: DistillationConfig | None = None
    held_out: HeldOutConfig | None = None
    null_weight: NonNegativeFloat = 0.0
    """Weight of the cross-entropy of "no answer", for each passage by itself. Passages without an
    answer come from data sets with negatives."""
    learning_rate: NonNegativeFloat = 1e-4
    """Learning rate after a linear warm-up. It then falls linearly to 0."""
    warmup_ratio: NonNegativeFloat = 0.06
    """Share of the steps that belong to the warm-up."""
    weight_decay: NonNegativeFloat = 0.01
    dropout: NonNegativeFloat = 0.1
    """Dropout of hidden states."""
    attention_dropout: NonNegativeFloat = 0.1
    """Dropout of attention weights."""
    freeze_embeddings: bool = False
    """Whether word embeddings stay as they are. They are half of a small model's weights, and most
    of the cost of an update on a CPU."""
    freeze_layers: NonNegativeInt = 0
    """Number of first layers that stay as they are, with the embedder; 0 freezes nothing. With
    ``num_lower_layers`` frozen layers, indexes made with the base stay valid."""
    codec: str = ""
    """Name or file of a codec. Passage states go through it before the upper layers, which learn to
    read what an index with this codec gives back. The lower layers must be frozen, because the
    codec was learned from their states."""
    precision: MixedPrecision = MixedPrecision.AUTO
    """Number format of activations."""
    max_rows: NonNegativeInt = 5000
    """Largest number of rows of a batch in the upper layers, with those of questions."""
    accumulate: NonNegativeInt = 1
    """Number of batches whose gradients are summed for one step."""
    sorted_together: NonNegativeInt = 1
    """Number of batches whose pairs are sorted by length together. More than 1 pays on a GPU."""
    questions_per_window: NonNegativeInt = 8
    """Largest number of questions that share the lower pass of a window in a batch."""
    max_steps: NonNegativeInt = 0
    """Number of steps after which training ends, wherever in the stages it is; 0 goes through all
    stages."""
    save_every: NonNegativeInt = 200
    """Steps between two checkpoints."""
    seed: NonNegativeInt = 1

    def __post_init__(self) -> None:
        """Check the fields against each other."""
        if self.task is not None:
            self._check_pairs()
        if self.codec and self.freeze_layers < self.num_lower_layers:
            raise PrereadError(
                f"recipe: codec {self.codec} needs the lower layers frozen: expected freeze_layers "
                f"of at least {self.num_lower_layers} (num_lower_layers), found "
                f"{self.freeze_layers}."
            )

    def _check_pairs(self) -> None:
        """Refuse fields that only reading spans has."""
        sources = [source for stage in self.stages for source in stage.sources]
        set_here = {
            "codec": self.codec,
            "null_weight": self.null_weight,
            "titles": any(source.titles for source in sources),
            "negatives": any(source.negatives for source in sources),
            "random_negatives": any(source.random_negatives for source in sources),
            "article_negatives": any(source.article_negatives for source in sources),
            "questions_per_context": any(source.questions_per_context for source in sources),
            "labels": self.distillation is not None and self.distillation.labels,
        }
        for name, value in set_here.items():
            if value:
                raise PrereadError(f"recipe: a [task] on pairs has no {name}. Drop it.")

    @classmethod
    def load(cls, path: str | Path) -> "Recipe":
        """Read a TOML file.

        Args:
            path: The recipe.

        Raises:
            PrereadError: If the file cannot be read, is not TOML, or a key is wrong, unknown or
                missing.
        """
        path = Path(path)
        return read_toml(cls, path, "Name a recipe, or correct this one.")
