"""Training a reader by a recipe, on transformers' `Trainer`."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast, PrinterCallback, TrainingArguments

from ...data import OnError, PrereadError
from ..checkpoints import shipped_reader_path
from ..codecs import Codec, QuantisedCodec, codec_file_name, known_codec, round_trip, save_codec
from ..inference.mixed_precision import uses_bfloat16
from ..modeling.decomposed import DecomposedModel
from ..modeling.question_answering import DeformerForQuestionAnswering
from ..pairs.models import PairModel
from ..ranking import Ranking
from ..reader import Reader, check_device
from ..text.windows import TextEncoder, load_tokenizer
from .batches import BatchDataset
from .callbacks import TrainingProgress, score_examples, score_pairs
from .datasets import DataLoader
from .labels import load_labels
from .objective import Objective, SpanObjective, Teacher
from .pairs.datasets import PairLoader
from .pairs.objective import PairObjective
from .plot import plot_run
from .recipe import Recipe
from .starting import load_student, ranking_of_student
from .trainer import PackedTrainer, last_checkpoint, publish

_LOG = logging.getLogger(__name__)
_RECIPE = "recipe.txt"


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
        recipe: What decides the result.
        data: Folder of the training sets.
        output: Folder of checkpoints, ``log.csv``, ``held-out.csv``, ``training.png`` and, in
            ``reader/``, the trained reader.
        device: ``cpu`` or ``cuda``; by default CUDA where there is any. Several GPUs are used when
            this runs under ``torchrun`` or ``accelerate launch``.
        on_error: What a bad record does.
        resume: Go on from the newest checkpoint in ``output``, or begin where there is none.

    Returns:
        The trained reader's folder.

    Raises:
        DataError: If a training set cannot be read.
        PrereadError: If base or teacher cannot be used, ``output`` holds another run, or the loss
            is no finite number.
    """
    data = Path(data)
    output = Path(output)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    check_device(device)
    arguments = _arguments(recipe, output, device)
    if arguments.process_index == 0:
        _prepare(output, recipe, resume)
    assert arguments.distributed_state is not None
    arguments.distributed_state.wait_for_everyone()  # of several processes one makes the folder
    checkpoint = last_checkpoint(output)
    torch.manual_seed(recipe.seed)  # a base without the head gets a random one
    base = str(shipped_reader_path(recipe.base) or recipe.base)
    tokenizer = load_tokenizer(base)
    model = load_student(recipe, base)
    ranking = ranking_of_student(recipe, base)
    teacher = None
    if recipe.distillation is not None and recipe.distillation.teacher:
        source = recipe.distillation.teacher
        source = str(shipped_reader_path(source) or source)
        teacher = Teacher.load(recipe.distillation, source, model)
    lesson = _lesson(recipe, model, tokenizer, teacher, data, on_error)
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
        _save(model, tokenizer, output / "reader", learned, ranking)
        plot_run(output)
    return output / "reader"


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What is learned, and how far it has been is told."""

    batches: BatchDataset[Any, Any]
    objective: Objective
    score: Callable[[], dict[str, float]] | None
    """Scores the model on what was held out, if anything was."""


def _lesson(
    recipe: Recipe,
    model: DecomposedModel,
    tokenizer: PreTrainedTokenizerFast,
    teacher: Teacher | None,
    data: Path,
    on_error: OnError,
) -> _Lesson:
    """Data, losses and scores of the recipe's task."""
    encoder = TextEncoder(tokenizer, model.config)
    if recipe.task is not None:
        assert isinstance(model, PairModel)
        loader = PairLoader(recipe, recipe.task, data, encoder, on_error)
        batches = loader.load()
        score = partial(score_pairs, model, tokenizer, loader.held_out)
        return _Lesson(batches, PairObjective(teacher), score if loader.held_out else None)
    assert isinstance(model, DeformerForQuestionAnswering)
    loaded = DataLoader(recipe, data, on_error).load(encoder)
    stored = recipe.distillation if recipe.distillation and recipe.distillation.labels else None
    if stored is not None:
        features = loaded.batches.features
        labels = load_labels(data / stored.labels, features)
        for feature, taught in zip(features, labels, strict=True):
            feature.taught = taught
    objective = SpanObjective(teacher, recipe.null_weight, stored)
    of_spans = partial(score_examples, model, tokenizer, loaded.held_out)
    return _Lesson(loaded.batches, objective, of_spans if loaded.held_out else None)


def _prepare(output: Path, recipe: Recipe, resume: bool) -> None:
    """Make the folder, or see that the run in it may be resumed.

    Raises:
        PrereadError: If the folder holds a run already and this is not its continuation.
    """
    described = output / _RECIPE
    if described.exists():
        if not resume:
            raise PrereadError(
                f"{output}: holds a training run already. Go on with it (--resume) or name "
                "another folder."
            )
        if described.read_text(encoding="utf-8") != repr(recipe):
            raise PrereadError(
                f"{output}: was begun with another recipe, recorded in {described}. Resume with "
                "that one or name another folder."
            )
    output.mkdir(parents=True, exist_ok=True)
    described.write_text(repr(recipe), encoding="utf-8")


def _arguments(recipe: Recipe, output: Path, device: str) -> TrainingArguments:
    """The recipe in the library's words."""
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
        disable_tqdm=True,  # the watcher draws one, on standard error
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        report_to=[],
        seed=recipe.seed,
    )
    # With several GPUs and one process the library would split batches, which ours cannot be.
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1
    return arguments


def _save(
    model: DecomposedModel,
    tokenizer: PreTrainedTokenizerFast,
    target: Path,
    codec: QuantisedCodec | None,
    ranking: Ranking | None,
) -> None:
    """Write the reader aside, with the codec that it learned to read, then rename it."""
    staging = target.with_name(target.name + ".unfinished")
    shutil.rmtree(staging, ignore_errors=True)
    # Halves what ships; it is loaded as float32. Not in place: the run may go on.
    weights = {name: weight.half() for name, weight in model.state_dict().items()}
    model.save_pretrained(staging, state_dict=weights)
    tokenizer.save_pretrained(staging)
    if ranking is not None:
        ranking.save(staging)
    if codec is not None:
        save_codec(codec, Reader.load(str(staging)), staging / codec_file_name(codec.name))
    publish(staging, target)
    _LOG.info("reader saved in %s", target)
