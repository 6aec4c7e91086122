"""The list of reproductions: their steps, and the figures that each step must give."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    model_validator,
)
from pydantic.dataclasses import dataclass

from ....data import PrereadError
from ....data.io.validation import read_toml

SHIPPED_LIST = Path(__file__).parent / "reproductions.toml"
PLACES = ("corpus", "questions", "index", "folder")
"""Names that a step's command may have in braces; the first two are inputs."""
INPUTS = PLACES[:2]

_PLACE = re.compile(r"\{(\w*)\}")
_CHECKED = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
_Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]*$")]
"""A name that is safe as a file name."""


class Origin(StrEnum):
    """Where an input comes from if the user names no file."""

    SHIPPED = "shipped"
    """A file of the sample that comes with the package."""
    DOWNLOAD = "download"
    """A name of ``preread download``."""
    GIVEN = "given"
    """A file that only the user can provide; the text describes it."""


@dataclass(frozen=True, slots=True, config=_CHECKED)
class Input:
    """A corpus, or a file of questions."""

    origin: Origin
    what: str
    """File name, name of the download, or description of the file."""


def _as_input(entry: object) -> object:
    """An input as the list has it, ``{ORIGIN = "what"}``."""
    if not isinstance(entry, dict) or len(entry) != 1 or not set(entry) < set(Origin):
        found = ", ".join(entry) if isinstance(entry, dict) else repr(entry)
        raise ValueError(f"expected one of {', '.join(Origin)}, found {found or 'nothing'}")
    ((origin, what),) = entry.items()
    return Input(Origin(origin), what)


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class Figure:
    """A number in a step's result, with the value expected of it."""

    key: str
    """Path of the number in the step's JSON, with dots: ``top_k_accuracy.20``."""
    expected: float
    tolerance: NonNegativeFloat
    """Largest accepted difference from ``expected``, in either direction."""
    source: str
    """Source of the expected value: a result file, or a publication."""
    source_key: str | None = None
    """Path of the number in the result file."""


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class ReproductionStep:
    """A ``preread`` command, which is run with ``--json``."""

    name: _Name
    command: Annotated[tuple[str, ...], Field(min_length=1)]
    figures: tuple[Figure, ...] = ()

    def places(self) -> set[str]:
        """The names in braces."""
        return {name for word in self.command for name in _PLACE.findall(word)}

    def words(self, places: dict[str, str]) -> list[str]:
        """The words of the command, with the names in braces replaced.

        Args:
            places: For each name in braces, the path that replaces it.
        """
        return [_PLACE.sub(lambda found: places[found[1]], word) for word in self.command]


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class Needs:
    """Approximate cost of a reproduction."""

    n_passages: NonNegativeInt
    """Passages of the corpus; 0 if the passages come with the questions."""
    n_questions: NonNegativeInt
    disk_gib: NonNegativeFloat
    """Disk space of the folder in GiB, without downloads."""
    memory_gib: NonNegativeFloat
    minutes: NonNegativeFloat
    """Minutes on two processor cores."""

    def __str__(self) -> str:
        """The cost in words."""
        corpus = f"{self.n_passages:,} passages, " if self.n_passages else ""
        time_needed = f"{self.minutes:g} min"
        if self.minutes >= 120:
            hours = self.minutes / 60
            time_needed = f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
        return (
            f"{corpus}{self.n_questions:,} questions; roughly {time_needed} on two cores, "
            f"{self.disk_gib:g} GiB of disk, {self.memory_gib:g} GiB of memory"
        )


@dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class Reproduction:
    """A sequence of steps, and the figures that they must give."""

    name: _Name
    about: str
    needs: Needs
    inputs: dict[
        Annotated[str, Field(pattern=f"^({'|'.join(INPUTS)})$")],
        Annotated[Input, BeforeValidator(_as_input)],
    ]
    """Inputs by name: ``corpus`` and ``questions``."""
    steps: tuple[ReproductionStep, ...]

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        """Check the steps against each other and against the inputs."""
        if not any(step.figures for step in self.steps):
            raise ValueError("expected at least one step with figures, found none")
        if len({step.name for step in self.steps}) < len(self.steps):
            raise ValueError("expected steps of different names")
        known = [name for name in PLACES if name in self.inputs or name not in INPUTS]
        for step in self.steps:
            if unknown := step.places().difference(known):
                raise ValueError(
                    f"expected only {', '.join(f'{{{name}}}' for name in known)} in the command of "
                    f"step {step.name!r}, found {{{min(unknown)}}}"
                )
        return self


@dataclass(frozen=True, slots=True, config=_CHECKED)
class _Listed:
    """A list of reproductions."""

    reproductions: Annotated[tuple[Reproduction, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        """Refuse a name that is given twice."""
        names = [one.name for one in self.reproductions]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise ValueError(f"expected unique names, found {name!r} twice")
        return self


def load_reproductions(path: str | Path | None = None) -> dict[str, Reproduction]:
    """Read a list of reproductions.

    Args:
        path: A TOML file in the format of ``reproductions.toml``; by default the one that ships.

    Returns:
        The reproductions by name, in the order of the file.

    Raises:
        PrereadError: If the file cannot be read, a field is missing, unknown or of another type, or
            a command has an unknown name in braces.
    """
    path = Path(path) if path is not None else SHIPPED_LIST
    listed = read_toml(_Listed, path, "Correct the list of reproductions.")
    return {one.name: one for one in listed.reproductions}


def find_reproduction(name: str, known: dict[str, Reproduction]) -> Reproduction:
    """Find a reproduction by its name.

    Args:
        name: Name of the reproduction.
        known: All reproductions by name.

    Raises:
        PrereadError: If there is no reproduction of this name.
    """
    if name not in known:
        raise PrereadError(
            f"expected the name of a reproduction ({', '.join(known)}), found {name!r}. "
            "`preread reproduce --list` says what they are."
        )
    return known[name]
