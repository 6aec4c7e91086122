"""Training a reader by a recipe, on transformers' `Trainer`."""

import logging
import shutil
from functools import partial
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast, PrinterCallback

from ...data import OnError
from ..codecs import Codec, QuantisedCodec, codec_file_name, known_codec, round_trip, save_codec
from ..hub import find_checkpoint
from ..modeling.decomposed import DecomposedModel
from ..modeling.question_answering import DeformerForQuestionAnswering
from ..ranking import Ranking
from ..reader import Reader
from ..retrieval.files import hand_on_head
from ..text.windows import load_tokenizer
from .callbacks import TrainingProgress
from .objective import Teacher
from .plot import plot_run
from .recipe import Recipe
from .setup import prepare_folder, training_arguments
from .starting import load_student, ranking_of_student
from .tasks import task_of
from .trainer import PackedTrainer, last_checkpoint, publish

_LOG = logging.getLogger(__name__)


def train(
    recipe: Recipe,
    *,
    data: str | Path,
    output: str | Path,
    device: str | None = None,
    on_error: OnError = OnError.FAIL,
    resume: bool = False,
) -> Path:
    """Train a reader and save it, in float16, with its tokenizer.

    Args:
        recipe: Everything that decides the result.
        data: Folder of the training sets.
        output: Folder of checkpoints, ``log.csv``, ``held-out.csv``, ``training.png`` and, in
            ``reader/``, the trained reader.
        device: ``cpu`` or ``cuda``; by default CUDA where there is any. Several GPUs are used when
            this runs under ``torchrun`` or ``accelerate launch``.
        on_error: What a bad record does.
        resume: Go on from the newest checkpoint in ``output``, or begin where there is none.

    Raises:
        DataError: If a training set cannot be read.
        PrereadError: If base or teacher cannot be used, ``output`` holds another run, or the loss
            is not a finite number.
    """
    data = Path(data)
    output = Path(output)
    arguments = training_arguments(recipe, output, device)
    torch.manual_seed(recipe.seed)  # a base without the head gets a random one
    base = find_checkpoint(recipe.base)
    tokenizer = load_tokenizer(base)
    task = task_of(recipe)
    model = load_student(recipe, task, base)
    ranking = ranking_of_student(recipe, base)
    teacher = None
    if recipe.distillation is not None and recipe.distillation.teacher:
        source = find_checkpoint(recipe.distillation.teacher)
        half = arguments.bf16
        teacher = Teacher.load(recipe.distillation, source, model, in_bfloat16=half)
    if arguments.process_index == 0:  # a base that cannot be used leaves no folder
        prepare_folder(output, recipe, resume)
    assert arguments.distributed_state is not None
    arguments.distributed_state.wait_for_everyone()  # of several processes one makes the folder
    checkpoint = last_checkpoint(output)
    lesson = task.lesson(model, tokenizer, teacher, data, on_error)
    every = recipe.held_out.every if recipe.held_out else 0
    trainer = PackedTrainer(
        lesson.objective,
        model=model,
        args=arguments,
        train_dataset=lesson.batches,
        callbacks=[TrainingProgress(output, lesson.score, every)],
    )
    codec: Codec | None = None
    if recipe.codec and isinstance(model, DeformerForQuestionAnswering):
        start = Reader(model, tokenizer, name=base, device=trainer.args.device)
        codec = known_codec(recipe.codec, start)
        model.config.codec = str(codec.name)
        model.stored_as = partial(round_trip, codec)
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if trainer.is_world_process_zero():
        learned = codec if isinstance(codec, QuantisedCodec) else None
        _save(model, tokenizer, output / "reader", learned, ranking, Path(base))
        plot_run(output)
    return output / "reader"


def _save(
    model: DecomposedModel,
    tokenizer: PreTrainedTokenizerFast,
    target: Path,
    codec: QuantisedCodec | None,
    ranking: Ranking | None,
    base: Path,
) -> None:
    """Write the reader to a new folder, and rename that.

    The codec that it was trained with comes with it, and the retrieval head of its base reader if
    the lower layers are still those of the base.
    """
    staging = target.with_name(target.name + ".unfinished")
    shutil.rmtree(staging, ignore_errors=True)
    # float16 halves the file; it is loaded as float32. A copy, since the run may go on.
    weights = {name: weight.half() for name, weight in model.state_dict().items()}
    model.save_pretrained(staging, state_dict=weights)
    tokenizer.save_pretrained(staging)
    if ranking is not None:
        ranking.save(staging)
    if codec is not None:
        save_codec(codec, Reader.load(str(staging)), staging / codec_file_name(codec.name))
    if isinstance(model, DeformerForQuestionAnswering):
        hand_on_head(base, staging)
    publish(staging, target)
    _LOG.info("reader saved in %s", target)
