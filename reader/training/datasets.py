"""Features from the data sets of a recipe: choice of examples, epochs, held-out questions."""

import logging
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from ...data import (
    OnError,
    OpenDomainExample,
    PrereadError,
    ReadingExample,
    ReadReport,
    read_examples,
    read_open_domain_examples,
)
from ..text.windows import TextEncoder
from .batches import Batch, BatchDataset, Costly, collate, make_batches
from .features import Feature, FeatureMaker
from .recipe import Recipe, SourceConfig, StageConfig

_LOG = logging.getLogger(__name__)
_Item = TypeVar("_Item")
_Feature = TypeVar("_Feature", bound=Costly)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The batches of a run, and the questions held out from it."""

    batches: BatchDataset[Feature, Batch]
    """All batches, in their order."""
    held_out: list[ReadingExample]
    """Examples whose contexts are in no batch."""
    left_out: Counter[str]
    """Number of examples that could not be used, by reason, counted again in every epoch."""


def lay_out_epochs(
    recipe: Recipe, features_of: Callable[[StageConfig, int], list[_Feature]]
) -> tuple[list[_Feature], list[list[int]]]:
    """Features of all epochs, stage after stage, and the batches made of them.

    Of a run that ends early (``max_steps``), these are the features that it gets to.

    Args:
        recipe: Decides stages, batch size and seed.
        features_of: Makes the features of one epoch of a stage, from a seed.
    """
    features: list[_Feature] = []
    batches: list[list[int]] = []
    epochs = [(stage, n) for stage in recipe.stages for n in range(stage.epochs)]
    of_epoch: list[_Feature] = []
    for number, (stage, repetition) in enumerate(epochs):
        seed = recipe.seed + number
        if stage.redraw or repetition == 0:
            of_epoch = features_of(stage, seed)
            features += of_epoch
        first = len(features) - len(of_epoch)
        made = make_batches(of_epoch, recipe.max_rows, seed, sorted_together=recipe.sorted_together)
        batches += [[first + i for i in batch] for batch in made]
        _LOG.info("epoch %d: %d features, batches up to %d", number, len(of_epoch), len(batches))
    if recipe.max_steps:
        del batches[recipe.max_steps * recipe.accumulate :]
        used = sorted({number for batch in batches for number in batch})
        place = {number: i for i, number in enumerate(used)}
        features = [features[number] for number in used]
        batches = [[place[number] for number in batch] for batch in batches]
    return features, batches


@dataclass(frozen=True, slots=True)
class DataLoader:
    """Reads a recipe's data sets, each file once."""

    recipe: Recipe
    """Names the data sets."""
    folder: Path
    """Folder of the training sets."""
    on_error: OnError = OnError.FAIL
    """What a bad record does."""
    _reading: dict[SourceConfig, list[ReadingExample]] = field(default_factory=dict, init=False)
    _open_domain: dict[str, list[OpenDomainExample]] = field(default_factory=dict, init=False)
    _held_out: dict[str, set[str]] = field(default_factory=dict, init=False)

    def load(self, encoder: TextEncoder) -> TrainingData:
        """Make all batches, stage after stage.

        Args:
            encoder: Makes windows and token ids of texts.

        Raises:
            DataError: If a file cannot be read, or has a bad record and ``on_error`` is ``FAIL``.
            PrereadError: If nothing is left to train on.
        """
        maker = FeatureMaker(encoder)
        features, batches = lay_out_epochs(
            self.recipe, lambda stage, seed: self._features(stage, maker, seed)
        )
        if not batches:
            raise PrereadError(f"training: no example is left to learn from ({maker.left_out}).")
        for reason, count in maker.left_out.items():
            _LOG.warning("%d examples left out: %s", count, reason)
        if maker.cut_questions:
            _LOG.warning(
                "%d questions cut to max_question_length (%d wordpieces)",
                maker.cut_questions,
                encoder.config.max_question_length,
            )
        held_out = [
            example if source.titles else replace(example, title="")
            for source, examples in self._reading.items()
            for example in examples
            if example.context in self._held_out[source.file] and example.answers
        ]
        return TrainingData(BatchDataset(features, batches, collate), held_out, maker.left_out)

    def _features(self, stage: StageConfig, maker: FeatureMaker, seed: int) -> list[Feature]:
        made: list[Feature] = []
        for source in stage.sources:
            if source.negatives:
                made += maker.open_domain(self._draw_open_domain(source, seed))
            else:
                examples = self._draw_reading(source, seed)
                made += maker.reading(
                    examples,
                    self.recipe.questions_per_window,
                    source.random_negatives,
                    source.article_negatives,
                    altered_questions=source.altered_questions,
                    titles=source.titles,
                )
        return made

    def _draw_open_domain(self, source: SourceConfig, seed: int) -> list[OpenDomainExample]:
        """The questions of a mined data set, each with some of its negatives."""
        if source.file not in self._open_domain:
            report = ReadReport()
            found = read_open_domain_examples(
                self.folder / source.file, on_error=self.on_error, report=report
            )
            self._open_domain[source.file] = list(found)
            warn_of_skipped(report)
        draw = random.Random(seed)
        return [
            _with_negatives(example, source, draw)
            for example in repeat(self._open_domain[source.file], source.weight, draw)
        ]

    def _draw_reading(self, source: SourceConfig, seed: int) -> list[ReadingExample]:
        """The examples of a data set that are not held out, limited for each context."""
        examples = self._reading_examples(source)
        held_out = self._held_out[source.file]
        by_context: dict[str, list[ReadingExample]] = defaultdict(list)
        for example in examples:
            if example.context not in held_out:
                by_context[example.context].append(example)
        draw = random.Random(seed)
        limit = source.questions_per_context
        groups = list(by_context.values())
        if limit:
            groups = [draw.sample(group, min(limit, len(group))) for group in groups]
        # Whole contexts make up a share of the questions: those of one share a lower pass.
        draw.shuffle(groups)
        examples = [e for group in groups for e in group]
        whole = int(source.weight)
        return examples * whole + examples[: round((source.weight - whole) * len(examples))]

    def _reading_examples(self, source: SourceConfig) -> list[ReadingExample]:
        """All examples of a data set. The contexts to hold out are drawn when it is read first."""
        if source not in self._reading:
            report = ReadReport()
            found = read_examples(self.folder / source.file, on_error=self.on_error, report=report)
            examples = [replace(e, title=e.title.replace("_", " ")) for e in found]
            warn_of_skipped(report)
            self._reading[source] = examples
            held_out = self.recipe.held_out
            if source.file not in self._held_out:
                contexts = list(dict.fromkeys(example.context for example in examples))
                count = min(held_out.contexts, len(contexts)) if held_out else 0
                draw = random.Random(self.recipe.seed)
                self._held_out[source.file] = set(draw.sample(contexts, count))
        return self._reading[source]


def _with_negatives(
    example: OpenDomainExample, source: SourceConfig, draw: random.Random
) -> OpenDomainExample:
    """The example with the number of negatives that the recipe asks for, drawn at random."""
    count = min(source.negatives, len(example.negatives))
    negatives = tuple(draw.sample(example.negatives, count))
    if source.titles:
        return replace(example, negatives=negatives)
    return replace(
        example,
        positive=replace(example.positive, title=""),
        negatives=tuple(replace(passage, title="") for passage in negatives),
    )


def repeat(items: Sequence[_Item], weight: float, draw: random.Random) -> list[_Item]:
    """Repeat items: 2.5 gives each item twice, and half of them once more, drawn at random.

    Args:
        items: Any items.
        weight: How often each is repeated on average.
        draw: Draws the rest.
    """
    whole = int(weight)
    part = round((weight - whole) * len(items))
    chosen = sorted(draw.sample(range(len(items)), part)) if part else []
    return [*items] * whole + [items[i] for i in chosen]


def warn_of_skipped(report: ReadReport) -> None:
    """Log a warning if records of a file were skipped.

    Args:
        report: What was read and skipped.
    """
    if not report.is_complete:
        _LOG.warning("%s", report.summary())
