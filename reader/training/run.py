"""Training a reader by a recipe, on transformers' `Trainer`."""

import csv
import logging
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from ...data import ReadingExample, read_examples
from ..model import DeformerForQuestionAnswering
from ..windows import TextEncoder, load_tokenizer
from .batches import BatchDataset, make_batches
from .features import Feature, make_features
from .recipe import Recipe, SourceConfig, StageConfig

_LOG = logging.getLogger(__name__)
_SAVE_EVERY = 200


class _PackedTrainer(Trainer):
    """Trainer over ready-made packed batches, in their order."""

    def compute_loss(
        self, model: nn.Module, inputs: Mapping[str, Any], *args: Any, **kwargs: Any
    ) -> Tensor:
        return model(**inputs).loss  # type: ignore[no-any-return]

    def _get_train_sampler(self, *args: Any) -> torch.utils.data.Sampler[int]:
        assert isinstance(self.train_dataset, BatchDataset)
        return torch.utils.data.SequentialSampler(self.train_dataset)

    def floating_point_ops(self, inputs: Mapping[str, Any]) -> int:
        return 0  # the estimate of the base class needs padded inputs

    def _prepare_input(self, data: Any) -> Any:
        if hasattr(data, "with_rows"):
            return data.with_rows(data.rows.to(self.args.device))
        return super()._prepare_input(data)


class _CsvLog(TrainerCallback):
    """Writes step, loss, learning rate to a CSV file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if logs is None or "loss" not in logs:
            return
        is_new = not self._path.exists()
        with self._path.open("a", newline="") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(["step", "n_steps", "loss", "learning_rate", "grad_norm"])
            writer.writerow(
                [state.global_step, state.max_steps, logs["loss"]]
                + [logs["learning_rate"], logs["grad_norm"]]
            )


def train(recipe: Recipe, *, base: str, data: Path, output: Path, resume: bool = False) -> None:
    """Train a reader and save it, in float16, with its tokenizer.

    Args:
        recipe: What decides the result.
        base: Folder or hub name of the checkpoint to start from.
        data: Folder of the training sets.
        output: Folder of checkpoints, ``log.csv`` and, in ``reader/``, the trained reader.
        resume: Go on from the newest checkpoint in ``output``.

    Raises:
        PrereadError: If the data or the base cannot be used.
    """
    torch.manual_seed(recipe.seed)  # the span head starts from random weights
    tokenizer = load_tokenizer(base)
    model = DeformerForQuestionAnswering.from_pretrained(
        base,
        num_lower_layers=recipe.num_lower_layers,
        hidden_dropout_prob=recipe.dropout,
        attention_probs_dropout_prob=recipe.dropout,
    )
    dataset = _dataset(recipe, data, TextEncoder(tokenizer, model.config))
    arguments = TrainingArguments(
        output_dir=str(output),
        per_device_train_batch_size=1,  # an item is a whole batch
        num_train_epochs=1,  # stages and epochs are laid out in the data set
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup_ratio,
        weight_decay=recipe.weight_decay,
        lr_scheduler_type="linear",
        max_grad_norm=1.0,
        bf16=torch.cuda.is_available(),
        logging_steps=10,
        save_steps=_SAVE_EVERY,
        save_total_limit=2,
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=torch.cuda.is_available(),
        report_to=[],
        seed=recipe.seed,
    )
    trainer = _PackedTrainer(
        model=model,
        args=arguments,
        train_dataset=dataset,
        data_collator=lambda items: items[0],
        callbacks=[_CsvLog(output / "log.csv")],
    )
    trainer.train(resume_from_checkpoint=resume)
    model.to(torch.float16)  # type: ignore[arg-type]  # halves what ships; loaded as float32
    model.save_pretrained(output / "reader")
    tokenizer.save_pretrained(output / "reader")


def _dataset(recipe: Recipe, data: Path, encoder: TextEncoder) -> BatchDataset:
    """All stages' batches, one after the other."""
    features: list[Feature] = []
    batches: list[list[int]] = []
    for number, stage in enumerate(recipe.stages):
        of_stage = _features(stage, recipe, data, encoder)
        first = len(features)
        for batch in make_batches(of_stage, recipe.max_rows, recipe.seed + number):
            batches.append([first + i for i in batch])
        features += of_stage
        _LOG.info("stage %d: %d windows, batches up to %d", number, len(of_stage), len(batches))
    return BatchDataset(features, batches)


def _features(
    stage: StageConfig, recipe: Recipe, data: Path, encoder: TextEncoder
) -> list[Feature]:
    """Features of all sources of a stage."""
    made: list[Feature] = []
    for source in stage.sources:
        examples = read_examples(data / source.file)
        made += make_features(
            _choose(examples, source, recipe.seed), encoder, recipe.questions_per_window
        )
    return made


def _choose(
    examples: Iterable[ReadingExample], source: SourceConfig, seed: int
) -> list[ReadingExample]:
    """Apply a source's choice of titles and its limit per context."""
    by_context: dict[str, list[ReadingExample]] = defaultdict(list)
    for example in examples:
        title = example.title.replace("_", " ") if source.titles else ""
        by_context[example.context].append(replace(example, title=title))
    if not source.questions_per_context:
        return [e for group in by_context.values() for e in group]
    draw = random.Random(seed)
    limit = source.questions_per_context
    return [e for group in by_context.values() for e in draw.sample(group, min(limit, len(group)))]
