"""What can be seen of a training while it runs: log, progress bar, held-out scores."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm
from transformers import (
    PreTrainedTokenizerFast,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from ...data import ReadingExample, score_answer
from ..comprehension import answer_examples
from ..modeling.question_answering import DeformerForQuestionAnswering
from ..pairs.features import Example
from ..pairs.models import PairModel
from ..pairs.reader import PairReader
from ..reader import Reader

LOG = "log.csv"
HELD_OUT = "held-out.csv"


class CsvLog:
    """Rows of numbers by step; a resumed run goes on where its checkpoint was."""

    def __init__(self, path: Path) -> None:
        """Write to ``path``."""
        self.path = path

    def forget_after(self, step: int) -> None:
        """Drop rows of steps that will be taken again."""
        if not self.path.exists():
            return
        header, *rows = self.path.read_text(encoding="utf-8").splitlines()
        kept = [row for row in rows if int(row.split(",", 1)[0]) <= step]
        self.path.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")

    def append(self, row: Mapping[str, object]) -> None:
        """Add a row, ``step`` its first column."""
        is_new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if is_new:
                writer.writeheader()
            writer.writerow(row)


def score_examples(
    model: DeformerForQuestionAnswering,
    tokenizer: PreTrainedTokenizerFast,
    examples: Sequence[ReadingExample],
) -> dict[str, float]:
    """EM and F1 of a model, in percent; the model is left in the mode it was in."""
    was_training = model.training
    reader = Reader(model, tokenizer, name="in training", device=model.device)
    scores = [score_answer(said, e.answers) for e, said in answer_examples(reader, examples)]
    model.train(was_training)
    exact_match, f1 = np.mean(scores, axis=0).tolist()
    return {"exact_match": 100 * exact_match, "f1": 100 * f1}


def score_pairs(
    model: PairModel, tokenizer: PreTrainedTokenizerFast, examples: Sequence[Example]
) -> dict[str, float]:
    """Accuracy of a model, in percent; the model is left in the mode it was in."""
    was_training = model.training
    reader = PairReader(model, tokenizer, name="in training", device=model.device)
    right = [feature.gold == said for feature, said in reader.judge(examples)]
    model.train(was_training)
    return {"accuracy": 100 * float(np.mean(right))}


class TrainingProgress(TrainerCallback):
    """Writes the log, draws the bar, scores held-out questions."""

    def __init__(
        self,
        output: Path,
        score: Callable[[], dict[str, float]] | None,
        every: int,
    ) -> None:
        """Write below ``output``; ``score`` the model on held-out questions at so many steps."""
        self._log = CsvLog(output / LOG)
        self._scores = CsvLog(output / HELD_OUT)
        self._score, self._every = score, every
        self._bar: tqdm[Any] | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the bar where the run starts."""
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
        """Move the bar; score when it is time."""
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
