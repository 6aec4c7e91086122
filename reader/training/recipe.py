"""Training recipes: one TOML file says everything that decides the result."""

import json
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, NonNegativeFloat, NonNegativeInt
from pydantic.dataclasses import dataclass

from ...data import PrereadError
from ...data.io.validation import parse_json
from ..inference.mixed_precision import MixedPrecision
from ..stored import Stored

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
    """How often an epoch shows each question, on average: 0.5 half of them, 2 each twice."""
    questions_per_context: NonNegativeInt = 0
    """Keep at most this many questions, drawn at random, of each context; 0 keeps all."""
    negatives: NonNegativeInt = 0
    """Passages without the answer that each question is read with. If not 0, the file must be one
    that ``preread mine`` wrote, and that many of its negatives are drawn at random each epoch."""
    random_negatives: NonNegativeInt = 0
    """Other contexts of the same file, without the answer and drawn at random each epoch, that each
    question is read with. They need no mining, and teach what "no answer" looks like where texts
    are short or have no title."""
    article_negatives: NonNegativeInt = 0
    """Other contexts of the same title, without the answer and drawn at random each epoch, that
    each question is read with. They are on the question's subject, as the texts of SQuAD 2.0's
    unanswerable questions are. A context with fewer such neighbours has fewer. The file's titles
    decide, also where ``titles`` is false."""

    def __post_init__(self) -> None:
        """Check the fields against each other.

        Raises:
            PrereadError: If mined negatives and others are asked for.
        """
        if self.negatives and (self.random_negatives or self.article_negatives):
            raise PrereadError(
                f"recipe: {self.file}: expected negatives (a mined file), or random_negatives and "
                "article_negatives, found both. Make it two sources."
            )


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class StageConfig:
    """Data sets that are shuffled together; stages follow one another."""

    sources: Annotated[tuple[SourceConfig, ...], Field(min_length=1)]
    epochs: NonNegativeInt = 1
    """How often the stage is gone through, each time in another order."""
    redraw: bool = True
    """Whether each epoch draws questions and negatives anew. Without, all epochs have the same, and
    a teacher's labels are needed once."""


class TaskKind(StrEnum):
    """What a reader says of pairs of texts."""

    CLASSIFICATION = "classification"
    """Which label a pair has: BoolQ, MNLI, QQP."""
    CHOICE = "choice"
    """Which of several answers is right: RACE."""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class TaskConfig:
    """A task on pairs of texts, in place of spans (Cao et al. 2020, section 4)."""

    kind: TaskKind
    labels: tuple[str, ...] = ()
    """A classifier's labels, in the order of its logits."""
    max_first_length: NonNegativeInt
    """Longest first text in wordpieces, [CLS] and [SEP] included; the rest is cut."""
    max_second_length: NonNegativeInt
    """Longest second text, its [SEP] included."""
    stored_segment: Stored = Stored.SECOND
    """Which text is to be stored: ``first`` or ``second``."""

    def __post_init__(self) -> None:
        """Check the labels.

        Raises:
            PrereadError: If a classifier has fewer than two, or choices have any.
        """
        is_choice = self.kind is TaskKind.CHOICE
        if self.labels if is_choice else len(set(self.labels)) < 2:
            wanted = "no labels" if is_choice else "two labels or more"
            raise PrereadError(
                f"recipe: expected {wanted} in a [task] of kind {self.kind}, found "
                f"{list(self.labels)}."
            )


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class DistillationConfig:
    """What the loss is made of, where there is a teacher (Cao et al. 2020, section 3.3)."""

    teacher: str = ""
    """Reader to learn from, which runs in every step: ``default``, folder or hub name. It is built
    like the student."""
    labels: str = ""
    """Folder of a teacher's stored logits, in place of a teacher: absolute, or relative to the
    data folder. `preread label` writes it. That teacher may be built otherwise than the student."""
    num_lower_layers: NonNegativeInt = 0
    """Where the teacher is split. The paper's is not; one with the student's own split shows upper
    layers that read through a codec what they would have made of exact states."""
    temperature: NonNegativeFloat = 2.0
    """Softens both distributions that are compared."""
    gold: NonNegativeFloat = 1.0
    """Weight of the cross-entropy of gold spans (the paper's gamma)."""
    outputs: NonNegativeFloat = 1.0
    """Weight of knowledge distillation (alpha)."""
    layers: NonNegativeFloat = 1.0
    """Weight of layerwise representation similarity (beta). Stored logits have no layers: set it
    to 0 with ``labels``."""
    null_outputs: NonNegativeFloat = 0.0
    """Weight of distilling, passage by passage, the distribution over its spans and "no answer"."""

    def __post_init__(self) -> None:
        """Check the fields against each other.

        Raises:
            PrereadError: If there is not exactly one thing to learn from, or stored logits are to
                teach layers.
        """
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
    """Training questions that are kept back, to watch the reader on while it learns."""

    contexts: NonNegativeInt = 100
    """Contexts of each reading-comprehension source whose questions are kept back; of a pair task,
    second texts whose pairs are."""
    every: NonNegativeInt = 200
    """Steps between two evaluations."""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class Recipe:
    """How a reader is trained."""

    base: str
    """Checkpoint to start from: ``default``, a folder, or a hub name."""
    num_lower_layers: NonNegativeInt
    """Where the model is split (the paper's k)."""
    stages: Annotated[tuple[StageConfig, ...], Field(min_length=1)]
    task: TaskConfig | None = None
    """A task on pairs of texts; without it, the reader learns spans."""
    distillation: DistillationConfig | None = None
    held_out: HeldOutConfig | None = None
    null_weight: NonNegativeFloat = 0.0
    """Weight of the loss that teaches, passage by passage, that it holds no answer. Such passages
    come from sources with negatives."""
    learning_rate: NonNegativeFloat = 1e-4
    """Peak of the linear warm-up, from which the rate falls linearly to 0."""
    warmup_ratio: NonNegativeFloat = 0.06
    """Share of the steps spent warming up."""
    weight_decay: NonNegativeFloat = 0.01
    dropout: NonNegativeFloat = 0.1
    """Of hidden states."""
    attention_dropout: NonNegativeFloat = 0.1
    """Of attention weights."""
    freeze_embeddings: bool = False
    """Keep the word embeddings as they are: half of a small model's weights, and most of what it
    costs to update it on CPU."""
    freeze_layers: NonNegativeInt = 0
    """Keep the embedder and so many of the first layers as they are; 0 freezes nothing. With
    ``num_lower_layers`` of them, indexes made with the base stay valid."""
    codec: str = ""
    """Passage states go through this codec (a name, or a file) before the upper layers, which so
    learn to read what an index with it gives back. The lower layers have to be frozen, since the
    codec was learned from what they give."""
    precision: MixedPrecision = MixedPrecision.AUTO
    """Number format of activations."""
    max_rows: NonNegativeInt = 5000
    """Rows of a batch in the upper layers, questions included."""
    accumulate: NonNegativeInt = 1
    """Batches whose gradients are added up for one step."""
    sorted_together: NonNegativeInt = 1
    """Batches among which pairs are sorted by length; more than 1 pays on a GPU only."""
    questions_per_window: NonNegativeInt = 8
    """Questions that share one window's lower pass in a batch."""
    max_steps: NonNegativeInt = 0
    """Steps of one process after which training ends, wherever in the stages it is; 0 goes through
    all of them."""
    save_every: NonNegativeInt = 200
    """Steps between two checkpoints."""
    seed: NonNegativeInt = 1

    def __post_init__(self) -> None:
        """Check the fields against each other.

        Raises:
            PrereadError: If a codec would be learned from states that change, or a pair task has
                what only spans have.
        """
        if self.task is not None:
            self._check_pairs()
        if self.codec and self.freeze_layers < self.num_lower_layers:
            raise PrereadError(
                f"recipe: codec {self.codec} needs the lower layers frozen: expected freeze_layers "
                f"of at least {self.num_lower_layers} (num_lower_layers), found "
                f"{self.freeze_layers}."
            )

    def _check_pairs(self) -> None:
        """Refuse what only spans have."""
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
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise PrereadError(f"{path}: no recipe could be read: {error.strerror}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise PrereadError(f"{path}: not a recipe: {error}.") from error
        # As JSON, strict types still allow a list for a tuple and a string for an enumeration.
        text = json.dumps(content, default=str)
        return parse_json(cls, text, str(path), "Correct the recipe.")
