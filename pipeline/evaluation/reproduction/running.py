"""A reproduction from its inputs to the comparison of its figures."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ....data import PrereadError
from .inputs import check_disk, find_inputs
from .listing import Figure, Reproduction, is_within
from .steps import Done, run_step


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure that was found."""

    step: str
    figure: Figure
    found: float

    @property
    def is_ok(self) -> bool:
        """Whether it is within the tolerance."""
        return is_within(self.found, self.figure)

    def to_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"step": self.step, **asdict(self.figure), "found": self.found, "ok": self.is_ok}


@dataclass(frozen=True, slots=True)
class ReproductionOutcome:
    """A reproduction that has run."""

    name: str
    folder: Path
    done: list[Done]
    compared: list[Compared]

    @property
    def is_ok(self) -> bool:
        """Whether every figure is within its tolerance."""
        return all(one.is_ok for one in self.compared)

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``preread reproduce --json``."""
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
    """Run what is not finished of a reproduction, and compare its figures.

    Args:
        reproduction: Which.
        folder: Gets a folder of its name, with the index, predictions and results of its steps.
        given: Files that were named for its inputs, by ``corpus`` and ``questions``.
        say: Told a line for a person before the start, and before each step.

    Returns:
        The figures found, each with what was expected.

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
    """What it will take."""
    fetched = f" and a download of {n_bytes / 2**30:,.2f} GiB" if n_bytes else ""
    return (
        f"{reproduction.name}: {reproduction.needs}{fetched}. What is finished in {folder} is not "
        "done again."
    )


def _take_figure(done: Done, key: str) -> float:
    """The number at the end of a way."""
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
