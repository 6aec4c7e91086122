"""Training a retrieval head by a recipe, on transformers' `Trainer`."""

import logging
from pathlib import Path

import torch
from transformers import PrinterCallback

from ....data import OnError, PrereadError
from ...hub import find_checkpoint
from ...modeling.question_answering import DeformerForQuestionAnswering
from ...reader import Reader
from ...retrieval.files import HEAD_FILE, save_head
from ...retrieval.head import RetrievalHead
from ..callbacks import TrainingProgress
from ..plot import plot_run
from ..setup import prepare_folder, training_arguments
from ..trainer import PackedTrainer, last_checkpoint
from .batches import Processes, VectorTeacher, load_batches
from .objective import HeadObjective
from .recipe import HeadRecipe

_LOG = logging.getLogger(__name__)


def train_head(
    recipe: HeadRecipe,
    teacher: VectorTeacher,
    *,
    data: Path,
    output: Path,
    device: str | None = None,
    on_error: OnError = OnError.FAIL,
    resume: bool = False,
    show_progress: bool = False,
) -> Path:
    """Train a retrieval head and save it in float16.

    Args:
        recipe: Everything that decides the result.
        teacher: The recipe's sentence encoder.
        data: Folder of the mined files.
        output: Folder of checkpoints, the teacher's vectors, ``log.csv``, ``training.png`` and
            ``retrieval.safetensors``, the trained head.
        device: ``cpu`` or ``cuda``; None for CUDA where there is any.
        on_error: What a bad record does.
        resume: Go on from the newest checkpoint in ``output``, or begin where there is none.
        show_progress: Draw progress bars on standard error.

    Returns:
        The file of the head. Put it beside the reader's weights.

    Raises:
        DataError: If a file cannot be read.
        PrereadError: If the reader cannot be used, ``output`` holds another run, or the loss is not
            a finite number.
    """
    arguments = training_arguments(recipe, output, device)
    if arguments.process_index == 0:
        prepare_folder(output, recipe, resume)
    torch.manual_seed(recipe.seed)
    reader = Reader.load(recipe.reader, device=arguments.device)
    head = _start_head(recipe, reader)
    assert arguments.distributed_state is not None
    wait = arguments.distributed_state.wait_for_everyone
    batches = load_batches(
        recipe,
        data,
        output / "teacher",
        reader.encoder,
        teacher,
        processes=Processes(arguments.process_index, arguments.world_size, wait),
        on_error=on_error,
        show_progress=show_progress,
    )
    weight = recipe.vectors if teacher.width == recipe.width else 0.0
    trainer = PackedTrainer(
        HeadObjective(reader.model, recipe.temperature, weight, arguments.bf16),
        model=head,
        args=arguments,
        train_dataset=batches,
        callbacks=[TrainingProgress(output, None, 0)],
    )
    trainer.remove_callback(PrinterCallback)
    checkpoint = last_checkpoint(output)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    path = output / HEAD_FILE
    if trainer.is_world_process_zero():
        save_head(head, reader, path)
        plot_run(output)
        _LOG.info("retrieval head saved in %s", path)
    return path


def _start_head(recipe: HeadRecipe, reader: Reader) -> RetrievalHead:
    """A head with the layers that a recipe lets it start from, by default those of the reader."""
    head = RetrievalHead(reader.config, recipe.n_layers, recipe.width)
    source = reader.model
    if recipe.layers_from:
        source = DeformerForQuestionAnswering.from_pretrained(
            find_checkpoint(recipe.layers_from), num_lower_layers=0
        )
    first = len(source.layers) - recipe.n_layers
    try:
        for mine, theirs in zip(head.layers, source.layers[first:], strict=True):
            mine.load_state_dict(theirs.state_dict())
    except (RuntimeError, ValueError) as error:
        raise PrereadError(
            f"{recipe.layers_from or recipe.reader}: expected {recipe.n_layers} layers of the "
            f"reader's sizes ({reader.config.hidden_size} wide), found others. Name another "
            "checkpoint as layers_from."
        ) from error
    return head
