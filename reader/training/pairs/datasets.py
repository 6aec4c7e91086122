"""Features from the data sets of a recipe for a pair task."""

import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ....data import OnError, PrereadError, ReadReport, read_choices, read_pairs
from ...pairs.features import Example, PairEncoder, PairFeature, second_text
from ..batches import BatchDataset
from ..datasets import lay_out_epochs, repeat, warn_of_skipped
from ..recipe import Recipe, SourceConfig, StageConfig, TaskConfig, TaskKind
from .batches import PairBatch, collate_pairs

_LOG = logging.getLogger(__name__)


@dataclass
class PairLoader:
    """Reads the data sets of a recipe for a pair task, each file once."""

    recipe: Recipe
    """Names the data sets."""
    task: TaskConfig
    """The recipe's task."""
    folder: Path
    """Folder of the training sets."""
    encoder: PairEncoder
    """Makes features of examples."""
    on_error: OnError = OnError.FAIL
    """What a bad record does."""
    held_out: list[Example] = field(default_factory=list, init=False)
    """Held-out examples; complete after `load`."""
    _features: dict[str, list[PairFeature]] = field(default_factory=dict, init=False)

    def load(self) -> BatchDataset[PairFeature, PairBatch]:
        """Make all batches, stage after stage.

        Raises:
            DataError: If a file cannot be read, or has a bad record and ``on_error`` is ``FAIL``.
            PrereadError: If a label is not one of the task's, or nothing is left to train on.
        """
        features, batches = lay_out_epochs(self.recipe, self._of_epoch)
        if not batches:
            raise PrereadError("training: no pair is left to learn from. Raise a source's weight.")
        for which, count in self.encoder.cut.items():
            if count:
                _LOG.warning("%d %s texts cut to max_%s_length", count, which, which)
        collate = partial(collate_pairs, n_labels=len(self.task.labels))
        return BatchDataset(features, batches, collate)

    def _of_epoch(self, stage: StageConfig, seed: int) -> list[PairFeature]:
        draw = random.Random(seed)
        return [
            feature
            for source in stage.sources
            for feature in repeat(self._of_source(source), source.weight, draw)
        ]

    def _of_source(self, source: SourceConfig) -> list[PairFeature]:
        """The features of a data set, without those of held-out examples."""
        if source.file not in self._features:
            report = ReadReport()
            examples = list(self._read(source.file, report))
            warn_of_skipped(report)
            seconds = list(dict.fromkeys(map(second_text, examples)))
            held_out = self.recipe.held_out
            count = min(held_out.contexts, len(seconds)) if held_out else 0
            back = set(random.Random(self.recipe.seed).sample(seconds, count))
            self.held_out += [e for e in examples if second_text(e) in back]
            kept = [e for e in examples if second_text(e) not in back]
            self._features[source.file] = self.encoder.encode(kept)
        return self._features[source.file]

    def _read(self, file: str, report: ReadReport) -> Iterator[Example]:
        path = self.folder / file
        if self.task.kind is TaskKind.CHOICE:
            return read_choices(path, on_error=self.on_error, report=report)
        return read_pairs(path, on_error=self.on_error, report=report)
