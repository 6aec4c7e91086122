"""Recipes of retrieval heads."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)
from pydantic.dataclasses import dataclass

from ....data.io.validation import read_toml
from ...inference.mixed_precision import MixedPrecision

_CHECKED = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class HeadSource:
    """One file of mined examples (``preread mine``), or of questions alone."""

    file: str
    """File name below the data folder; absolute, or relative to it."""
    weight: NonNegativeFloat = 1.0
    """How often an epoch has each question, on average."""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class HeadRecipe:
    """Everything that decides how a retrieval head is trained."""

    reader: str
    """The reader whose lower states the head is given: ``default`` or a folder."""
    encoder: str
    """The sentence encoder that teaches: a folder or a hub name."""
    sources: Annotated[tuple[HeadSource, ...], Field(min_length=1)]
    """Files of mined examples."""
    question_lists: tuple[HeadSource, ...] = ()
    """Files of questions without passages. They are compared with the passages of their batch."""
    corpus: str = ""
    """A corpus, whose passages join the batches: a file below the data folder; empty for none."""
    corpus_passages: NonNegativeInt = 0
    """Number of passages of the corpus that each question brings into its batch. Each passage is
    used once before one is used again."""
    n_layers: NonNegativeInt = 1
    """Number of transformer layers."""
    layers_from: str = ""
    """Checkpoint whose last layers the head starts from, of the reader's sizes; empty for the last
    layers of the reader."""
    width: PositiveInt = 384
    """Numbers in a vector."""
    negatives: NonNegativeInt = 3
    """Number of mined negatives that each question has in a batch, drawn at random."""
    questions: PositiveInt = 32
    """Questions of a batch. The passages of all of them are negatives of each other."""
    epochs: PositiveInt = 1
    temperature: PositiveFloat = 0.05
    """Divides cosines before they are compared."""
    vectors: NonNegativeFloat = 1.0
    """Weight of the loss that brings each vector near the encoder's, where the widths are equal."""
    learning_rate: NonNegativeFloat = 3e-4
    """Learning rate after a linear warm-up. It then falls linearly to 0."""
    warmup_ratio: NonNegativeFloat = 0.06
    """Share of the steps that belong to the warm-up."""
    weight_decay: NonNegativeFloat = 0.01
    precision: MixedPrecision = MixedPrecision.AUTO
    """Number format of activations."""
    accumulate: PositiveInt = 1
    """Number of batches whose gradients are summed for one step."""
    save_every: PositiveInt = 200
    """Steps between two checkpoints."""
    seed: NonNegativeInt = 1

    @model_validator(mode="after")
    def _check_corpus(self) -> Self:
        if bool(self.corpus) != bool(self.corpus_passages):
            raise ValueError("expected corpus and corpus_passages, or neither")
        if self.question_lists and not self.corpus:
            raise ValueError("question_lists: expected a corpus, whose passages they meet")
        return self

    @classmethod
    def load(cls, path: Path) -> "HeadRecipe":
        """Read a TOML file.

        Args:
            path: The recipe.

        Raises:
            PrereadError: If the file cannot be read, is not TOML, or a key is wrong, unknown or
                missing.
        """
        return read_toml(cls, path, "Name a recipe, or correct this one.")
