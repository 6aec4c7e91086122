"""The list of reproductions: their steps, and the figures that each step must give."""

import math
import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ....data import PrereadError
from ....data.io.fields import take_number, take_objects, take_start, take_text, take_texts
from ....data.io.json_records import JsonObject, as_json_object
from ....data.io.lines import read_whole_text
from ....data.io.policy import SourceLocation

SHIPPED_LIST = Path(__file__).parent / "reproductions.toml"
PLACES = ("corpus", "questions", "index", "folder")
"""Names that a step's command may have in braces; the first two are inputs."""
INPUTS = PLACES[:2]

_PLACE = re.compile(r"\{(\w*)\}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


class Origin(StrEnum):
    """Where an input comes from if the user names no file."""

    SHIPPED = "shipped"
    """A file of the sample that comes with the package."""
    DOWNLOAD = "download"
    """A name of ``preread download``."""
    GIVEN = "given"
    """A file that only the user can provide; the text describes it."""


@dataclass(frozen=True, slots=True)
class Input:
    """A corpus, or a file of questions."""

    origin: Origin
    what: str
    """File name, name of the download, or description of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number in a step's result, with the value expected of it."""

    key: str
    """Path of the number in the step's JSON, with dots: ``top_k_accuracy.20``."""
    expected: float
    tolerance: float
    """Largest accepted difference from ``expected``, in either direction."""
    source: str
    """Source of the expected value: a result file, or a publication."""
    source_key: str | None = None
    """Path of the number in the result file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionStep:
    """A ``preread`` command, which is run with ``--json``."""

    name: str
    command: tuple[str, ...]
    figures: tuple[Figure, ...]

    def places(self) -> set[str]:
        """The names in braces."""
        return {name for word in self.command for name in _PLACE.findall(word)}

    def words(self, places: dict[str, str]) -> list[str]:
        """The words of the command, with the names in braces replaced.

        Args:
            places: For each name in braces, the path that replaces it.
        """
        return [_PLACE.sub(lambda found: places[found[1]], word) for word in self.command]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Approximate cost of a reproduction."""

    n_passages: int
    """Passages of the corpus; 0 if the passages come with the questions."""
    n_questions: int
    disk_gib: float
    """Disk space of the folder in GiB, without downloads."""
    memory_gib: float
    minutes: float
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """A sequence of steps, and the figures that they must give."""

    name: str
    about: str
    needs: Needs
    inputs: dict[str, Input]
    """Inputs by name: ``corpus`` and ``questions``."""
    steps: tuple[ReproductionStep, ...]


def load_reproductions(path: str | Path | None = None) -> dict[str, Reproduction]:
    """Read a list of reproductions.

    Args:
        path: A TOML file in the format of ``reproductions.toml``; by default the one that ships.

    Returns:
        The reproductions by name, in the order of the file.

    Raises:
        DataError: If the file cannot be read, a field is missing, unknown or of another type, or a
            command has an unknown name in braces.
    """
    path = Path(path) if path is not None else SHIPPED_LIST
    top = SourceLocation(path, None)
    try:
        content = as_json_object(tomllib.loads(read_whole_text(path)), top)
    except tomllib.TOMLDecodeError as error:
        raise top.error(f"expected TOML, found a fault: {error}. Correct it.") from error
    _check_keys(content, {"reproductions"}, top)
    known: dict[str, Reproduction] = {}
    for location, record in take_objects(content, "reproductions", top):
        one = _parse(record, location)
        if one.name in known:
            raise location.error(f"expected unique names, found {one.name!r} twice. Rename one.")
        known[one.name] = one
    if not known:
        raise top.error("expected at least one [[reproductions]], found none. Add one.")
    return known


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


def _parse(record: JsonObject, location: SourceLocation) -> Reproduction:
    """Parse one reproduction, and check its steps against its inputs."""
    _check_keys(record, {"name", "about", "needs", "inputs", "steps"}, location)
    inputs = _parse_inputs(*_take_table(record, "inputs", location))
    steps = tuple(_parse_step(step, at) for at, step in take_objects(record, "steps", location))
    if not any(step.figures for step in steps):
        raise location.error("expected at least one step with figures, found none. Add one.")
    if len({step.name for step in steps}) < len(steps):
        raise location.error("expected steps of different names. Rename one.")
    known = {*inputs, *set(PLACES).difference(INPUTS)}
    for step in steps:
        if unknown := step.places() - known:
            raise location.error(
                f"expected only {', '.join(f'{{{name}}}' for name in PLACES if name in known)} in "
                f"the command of step {step.name!r}, found {{{min(unknown)}}}. Correct it, or add "
                "the input."
            )
    return Reproduction(
        name=_take_name(record, location),
        about=take_text(record, "about", location),
        needs=_parse_needs(*_take_table(record, "needs", location)),
        inputs=inputs,
        steps=steps,
    )


def _parse_inputs(record: JsonObject, location: SourceLocation) -> dict[str, Input]:
    """Parse the inputs; each has exactly one origin."""
    _check_keys(record, set(INPUTS), location)
    inputs = {}
    for name in record:
        entry, within = _take_table(record, name, location)
        origins = [origin for origin in Origin if origin.value in entry]
        if len(origins) != 1 or len(entry) != 1:
            raise within.error(
                f"expected one of {', '.join(Origin)}, found {', '.join(entry) or 'nothing'}. "
                "Correct it."
            )
        inputs[name] = Input(origins[0], take_text(entry, origins[0].value, within))
    return inputs


def _parse_step(record: JsonObject, location: SourceLocation) -> ReproductionStep:
    """Parse one step."""
    _check_keys(record, {"name", "command", "figures"}, location)
    command = take_texts(record, "command", location)
    if not command:
        raise location.error("expected 'command' to be a list of words, found none. Add it.")
    figures = take_objects(record, "figures", location)
    return ReproductionStep(
        name=_take_name(record, location),
        command=command,
        figures=tuple(_parse_figure(figure, at) for at, figure in figures),
    )


def _parse_figure(record: JsonObject, location: SourceLocation) -> Figure:
    """Parse one figure."""
    _check_keys(record, {"key", "expected", "tolerance", "source", "source_key"}, location)
    figure = Figure(
        key=take_text(record, "key", location),
        expected=take_number(record, "expected", location),
        tolerance=take_number(record, "tolerance", location),
        source=take_text(record, "source", location),
        source_key=take_text(record, "source_key", location) if "source_key" in record else None,
    )
    if figure.tolerance < 0:
        raise location.error(
            f"expected a 'tolerance' of at least 0, found {figure.tolerance:g}. Correct it."
        )
    return figure


def _parse_needs(record: JsonObject, location: SourceLocation) -> Needs:
    """Parse the cost."""
    _check_keys(record, set(Needs.__dataclass_fields__), location)
    needs = Needs(
        n_passages=take_start(record, "n_passages", location),
        n_questions=take_start(record, "n_questions", location),
        disk_gib=take_number(record, "disk_gib", location),
        memory_gib=take_number(record, "memory_gib", location),
        minutes=take_number(record, "minutes", location),
    )
    for name in Needs.__dataclass_fields__:
        if getattr(needs, name) < 0:
            raise location.error(f"expected {name!r} to be at least 0. Correct it.")
    return needs


def _take_table(
    record: JsonObject, name: str, location: SourceLocation
) -> tuple[JsonObject, SourceLocation]:
    """Take a table that the record must have, and its location."""
    if name not in record:
        raise location.error(f"expected the table {name!r}, found {', '.join(record)}. Add it.")
    within = location._replace(within=f"{location.within}.{name}")
    return as_json_object(record[name], within), within


def _take_name(record: JsonObject, location: SourceLocation) -> str:
    """Take a name that is safe as a file name."""
    name = take_text(record, "name", location)
    if not _NAME.fullmatch(name):
        raise location.error(
            f"expected a 'name' of small letters, digits and hyphens, found {name!r}. Correct it."
        )
    return name


def _check_keys(record: JsonObject, known: set[str], location: SourceLocation) -> None:
    """Refuse unknown keys, which may be misspelt."""
    if unknown := sorted(set(record) - known):
        raise location.error(
            f"expected only {', '.join(sorted(known))}, found {', '.join(unknown)}. Correct it."
        )


def is_within(found: float, figure: Figure) -> bool:
    """Whether a number is within the tolerance of a figure.

    Args:
        found: The number.
        figure: The figure with its expected value.
    """
    margin = abs(found - figure.expected)
    return margin <= figure.tolerance or math.isclose(margin, figure.tolerance, abs_tol=1e-9)
