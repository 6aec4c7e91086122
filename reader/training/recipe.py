"""Training recipes: one TOML file says everything that decides the result."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data import PrereadError


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """One data set of a stage."""

    file: str
    """File name below the data folder."""
    titles: bool
    """Whether windows begin with the passage's title."""
    questions_per_context: int = 0
    """Keep at most this many questions, drawn at random, of each context; 0 keeps all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageConfig:
    """Data sets that are shuffled together; stages follow one another."""

    sources: tuple[SourceConfig, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a reader is trained."""

    num_lower_layers: int
    """Where the model is split."""
    stages: tuple[StageConfig, ...]
    learning_rate: float = 1e-4
    """Peak of the linear warm-up, from which the rate falls linearly to 0."""
    warmup_ratio: float = 0.06
    """Share of the steps spent warming up."""
    weight_decay: float = 0.01
    dropout: float = 0.1
    """Of hidden states and attention weights alike."""
    max_rows: int = 5000
    """Rows of a batch in the upper layers, questions included."""
    questions_per_window: int = 8
    """Questions that share one window's lower pass in a batch."""
    seed: int = 1

    @classmethod
    def load(cls, path: Path) -> "Recipe":
        """Read a TOML file.

        Args:
            path: The recipe.

        Raises:
            PrereadError: If the file is missing, is no TOML, or has wrong keys.
        """
        try:
            fields: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
            stages = fields.pop("stages")
            return cls(stages=tuple(_stage(stage) for stage in stages), **fields)
        except FileNotFoundError as error:
            raise PrereadError(f"{path}: no such recipe.") from error
        except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
            raise PrereadError(
                f"{path}: not a recipe: {error}. Fields: {cls.__slots__}."
            ) from error


def _stage(fields: dict[str, Any]) -> StageConfig:
    """One ``[[stages]]`` table."""
    return StageConfig(sources=tuple(SourceConfig(**source) for source in fields["sources"]))
