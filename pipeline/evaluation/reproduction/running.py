"""Running a reproduction: inputs, steps, and the comparison of figures."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ....data import PrereadError
from .inputs import check_disk, find_inputs
from .listing import Figure, Reproduction
from .steps import Done, run_step


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure with the value that a run gave."""

    step: str
    figure: Figure
    found: float

    @property
    def is_ok(self) -> bool:
        """Whether the value is within the tolerance."""
        margin, tolerance = abs(self.found - self.figure.expected), self.figure.tolerance
        return margin <= tolerance or math.isclose(margin, tolerance, abs_tol=1e-9)

    def to_dict(self) -> dict[str, Any]:
        """Convert to a JSON object."""
        return {"step": self.step, **asdict(self.figure), "found": self.found, "ok": self.is_ok}


@dataclass(frozen=True, slots=True)
class ReproductionOutcome:
    """Results of a reproduction that has run."""

    name: str
    folder: Path
    done: list[Done]
    compared: list[Compared]

    @property
    def is_ok(self) -> bool:
        """Whether every figure is within its tolerance."""
        return all(one.is_ok for one in self.compared)

    def to_dict(self) -> dict[str, Any]:
        """Convert to the JSON object that ``preread reproduce --json`` prints."""
        return {
            "name": self.name,
            "ok": self.is_ok,
            "folder": str(self.folder),
            "figures": [one.to_dict() for one in self.compared],
            "steps": [
                {
                    "name": one.step.name,
                    "command": one.command,
                    "was_done": one.was_done,
                    "seconds": one.seconds,
                    "output": one.output,
                }
                for one in self.done
            ],
        }


def reproduce(
    reproduction: Reproduction,
    folder: str | Path,
    *,
    given: Mapping[str, Path | None] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> ReproductionOutcome:
    """Run the unfinished steps of a reproduction, and compare its figures.

    Args:
        reproduction: The reproduction.
        folder: Parent folder. The reproduction has a folder of its name in it, with the index, the
            predictions and the results of its steps.
        given: Files that the user named as inputs, by ``corpus`` and ``questions``.
        say: Called with a message before the start and before each step.

    Returns:
        The figures with the values found and expected.

    Raises:
        PrereadError: If an input is missing, the disk has too little room, a step fails, or its
            result lacks a figure.
    """
    folder = Path(folder)
    place = folder / reproduction.name
    inputs = find_inputs(reproduction, given or {})
    say(_estimate(reproduction, place, sum(one.bytes_to_fetch for one in inputs.values())))
    check_disk(place, reproduction.needs.disk_gib, inputs)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PrereadError(
            f"{place}: the folder cannot be made: {error.strerror}. Name another with --folder."
        ) from error
    places = {name: one.fetch() for name, one in inputs.items()}
    places |= {"folder": place, "index": place / "index"}
    done = [run_step(step, places, place / f"{step.name}.json", say) for step in reproduction.steps]
    compared = [
        Compared(one.step.name, figure, _take_figure(one, figure.key))
        for one in done
        for figure in one.step.figures
    ]
    return ReproductionOutcome(reproduction.name, place, done, compared)


def _estimate(reproduction: Reproduction, folder: Path, n_bytes: int) -> str:
    """Message about the cost of a reproduction."""
    fetched = f" and a download of {n_bytes / 2**30:,.2f} GiB" if n_bytes else ""
    return (
        f"{reproduction.name}: {reproduction.needs}{fetched}. Steps that are finished in {folder} "
        "are not run again."
    )


def _take_figure(done: Done, key: str) -> float:
    """The number at a path of a step's result."""
    value: Any = done.output
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PrereadError(
            f"step {done.step.name!r}: expected a number at {key!r} in what `preread "
            f"{done.command[0]} --json` prints, found {value!r}; it has {', '.join(done.output)}. "
            "Correct the list of reproductions."
        )
    return value
