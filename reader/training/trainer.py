"""transformers' `Trainer` for packed batches, with checkpoints that are complete or absent."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Trainer
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from typing_extensions import override

from ...data import PrereadError
from ...data.io.atomic import sync
from ...data.modes import give_usual_mode
from ..packing import Movable
from .batches import BatchDataset
from .objective import Objective

_UNFINISHED = "unfinished"
_CHECKPOINTS_KEPT = 2


class PackedTrainer(Trainer):
    """Trains on packed batches in a fixed order."""

    def __init__(self, objective: Objective, **kwargs: Any) -> None:
        """Prepare to train.

        Args:
            objective: The losses.
            **kwargs: Arguments of transformers' `Trainer`.
        """
        super().__init__(data_collator=lambda items: {"batch": items[0]}, **kwargs)
        self._objective = objective
        self._folder = Path(str(self.args.output_dir))
        if objective.teacher is not None:
            objective.teacher.model.to(self.args.device)
        self._sums: dict[str, Tensor] = {}
        self._n_sums = 0

    @override
    def compute_loss(
        self, model: nn.Module, inputs: Mapping[str, Any], *args: Any, **kwargs: Any
    ) -> Tensor:
        """The sum of the losses of one batch; PrereadError if it is not a finite number."""
        losses = self._objective.losses(model, inputs["batch"])
        total = torch.stack(list(losses.values())).sum()
        if not bool(torch.isfinite(total)):
            found = ", ".join(f"{name} {value.item()}" for name, value in losses.items())
            raise PrereadError(
                f"training: the loss at step {self.state.global_step + 1} is not a finite number "
                f"({found}). Lower the learning rate or train in float32; --resume goes on from "
                f"the last checkpoint in {self.args.output_dir}."
            )
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value.detach()
        self._n_sums += 1
        return total

    @override
    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Log every loss by its name, besides their sum."""
        if "loss" in logs and self._n_sums:
            logs |= {name: float(value) / self._n_sums for name, value in self._sums.items()}
            self._sums, self._n_sums = {}, 0
        super().log(logs, *args, **kwargs)

    def _get_train_sampler(self, *args: Any) -> torch.utils.data.Sampler[int]:
        assert isinstance(self.train_dataset, BatchDataset)
        return torch.utils.data.SequentialSampler(self.train_dataset)

    @override
    def floating_point_ops(self, inputs: Mapping[str, Any]) -> int:
        """0: the base class estimates it from padded inputs, which there are none of."""
        return 0

    def _prepare_input(self, data: Any) -> Any:
        if isinstance(data, Movable):
            return data.to(self.args.device)
        return super()._prepare_input(data)

    def _get_output_dir(self, trial: Any) -> str:
        """The folder that the base class writes a checkpoint to, before it is renamed."""
        return str(self._folder / _UNFINISHED)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Write a checkpoint to another folder, then rename it."""
        staging = Path(self._get_output_dir(trial))
        if self.args.should_save:
            shutil.rmtree(staging, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()  # every process has written its random state
        if not self.args.should_save:
            return
        name = f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
        publish(staging / name, self._folder / name)
        shutil.rmtree(staging)
        for old in _checkpoints(self._folder)[:-_CHECKPOINTS_KEPT]:
            shutil.rmtree(old)


def publish(finished: Path, target: Path) -> None:
    """Rename a finished folder once its bytes are on disk. Its files get the usual permissions.

    Args:
        finished: The folder.
        target: Its new name; a folder of that name is replaced.
    """
    for path in finished.rglob("*"):
        if path.is_file():
            give_usual_mode(path)
    for path in [*finished.rglob("*"), finished]:
        sync(path)
    if target.exists():
        shutil.rmtree(target)
    finished.rename(target)


def last_checkpoint(output: Path) -> Path | None:
    """The newest complete checkpoint of a run; None where there is none.

    Args:
        output: Folder of the run.
    """
    found = _checkpoints(output)
    return found[-1] if found else None


def _checkpoints(output: Path) -> list[Path]:
    """All checkpoints of a run, oldest first."""
    found = output.glob(f"{PREFIX_CHECKPOINT_DIR}-*")
    return sorted(found, key=lambda path: int(path.name.rsplit("-", 1)[1]))
