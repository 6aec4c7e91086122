"""The log, the progress bar and the held-out scores of a run."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import (
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

LOG = "log.csv"
HELD_OUT = "held-out.csv"


@dataclass(frozen=True, slots=True)
class CsvLog:
    """A CSV file with a row of numbers for each logged step."""

    path: Path
    """The file; it may not exist yet."""

    def forget_after(self, step: int) -> None:
        """Drop the rows after a step: a resumed run takes those steps again.

        Args:
            step: The step of the checkpoint.
        """
        if not self.path.exists():
            return
        header, *rows = self.path.read_text(encoding="utf-8").splitlines()
        kept = [row for row in rows if int(row.split(",", 1)[0]) <= step]
        self.path.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")

    def append(self, row: Mapping[str, object]) -> None:
        """Add a row.

        Args:
            row: Numbers by column, ``step`` first.
        """
        is_new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if is_new:
                writer.writeheader()
            writer.writerow(row)


class TrainingProgress(TrainerCallback):
    """Writes the log, draws the progress bar and scores the held-out examples."""

    def __init__(
        self,
        output: Path,
        score: Callable[[], dict[str, float]] | None,
        every: int,
    ) -> None:
        """Follow a run.

        Args:
            output: Folder of the run.
            score: Scores the model on the held-out examples; None where there are none.
            every: Steps between two scores.
        """
        self._log = CsvLog(output / LOG)
        self._scores = CsvLog(output / HELD_OUT)
        self._score, self._every = score, every
        self._bar: tqdm[Any] | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Draw the bar from the step at which the run starts."""
        if not state.is_world_process_zero:
            return
        for table in (self._log, self._scores):
            table.forget_after(state.global_step)
        self._bar = tqdm(
            total=state.max_steps, initial=state.global_step, unit=" steps", desc="training"
        )

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Move the bar, and score the model every so many steps."""
        if self._bar is None:
            return
        self._bar.update(state.global_step - self._bar.n)
        is_due = state.global_step % max(1, self._every) == 0
        if self._score and (is_due or state.global_step == state.max_steps):
            scores = {name: round(value, 2) for name, value in self._score().items()}
            self._scores.append({"step": state.global_step, **scores})
            self._bar.write(f"step {state.global_step}: held-out {scores}", file=self._bar.fp)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Write a row of the log."""
        if self._bar is None or logs is None or "loss" not in logs:
            return
        known = {k: v for k, v in logs.items() if isinstance(v, float) and k != "epoch"}
        self._log.append({"step": state.global_step, "n_steps": state.max_steps, **known})
        self._bar.set_postfix(loss=f"{logs['loss']:.3f}")

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
