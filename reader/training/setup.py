"""The folder of a training run, and the arguments of transformers' `Trainer`."""

from pathlib import Path
from typing import Protocol

import torch
from transformers import TrainingArguments

from ...data import PrereadError
from ..inference.mixed_precision import MixedPrecision, uses_bfloat16
from ..reader import check_device

_RECIPE = "recipe.txt"


class _Schedule(Protocol):
    """What both kinds of recipe decide of a run; they say what each field is."""

    @property
    def learning_rate(self) -> float: ...

    @property
    def warmup_ratio(self) -> float: ...

    @property
    def weight_decay(self) -> float: ...

    @property
    def precision(self) -> MixedPrecision: ...

    @property
    def accumulate(self) -> int: ...

    @property
    def save_every(self) -> int: ...

    @property
    def seed(self) -> int: ...


def prepare_folder(output: Path, recipe: object, resume: bool) -> None:
    """Make the folder of a run, or check that the run in it may be resumed.

    Args:
        output: The folder.
        recipe: The recipe of the run; its ``repr`` is recorded in the folder.
        resume: Whether a run that is there may go on.

    Raises:
        PrereadError: If the folder holds a run already and this is not its continuation.
    """
    described = output / _RECIPE
    if described.exists():
        if not resume:
            raise PrereadError(
                f"{output}: expected no training run, found one. Go on with it (--resume) or name "
                "another folder."
            )
        if described.read_text(encoding="utf-8") != repr(recipe):
            raise PrereadError(
                f"{output}: expected the recipe of the run in it, recorded in {described}, found "
                "another recipe. Resume with that one or name another folder."
            )
    output.mkdir(parents=True, exist_ok=True)
    described.write_text(repr(recipe), encoding="utf-8")


def training_arguments(recipe: _Schedule, output: Path, device: str | None) -> TrainingArguments:
    """A recipe as the arguments of transformers' `Trainer`.

    Args:
        recipe: The recipe of the run.
        output: The folder of the run.
        device: ``cpu`` or ``cuda``; None for CUDA where there is any.
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    check_device(device)
    arguments = TrainingArguments(
        output_dir=str(output),
        per_device_train_batch_size=1,  # an item is a whole batch
        num_train_epochs=1,  # stages and epochs are laid out in the data set
        gradient_accumulation_steps=recipe.accumulate,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup_ratio,
        weight_decay=recipe.weight_decay,
        lr_scheduler_type="linear",
        max_grad_norm=1.0,
        use_cpu=device == "cpu",
        bf16=uses_bfloat16(recipe.precision, torch.device(device)),
        logging_steps=10,
        logging_nan_inf_filter=False,
        save_steps=recipe.save_every,
        remove_unused_columns=False,
        disable_tqdm=True,  # TrainingProgress draws one, on standard error
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        report_to=[],
        seed=recipe.seed,
    )
    # With several GPUs and one process the library would split batches. Packed batches cannot be.
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1
    return arguments
