"""Features from the data sets of a recipe for a pair task."""

import logging
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ....data import OnError, PrereadError, ReadReport, read_choices, read_pairs
from ...pairs.features import Example, PairEncoder, PairFeature, second_text
from ...text.windows import TextEncoder
from ..batches import BatchDataset
from ..datasets import lay_out_epochs, repeat, warn_of_skipped
from ..recipe import Recipe, SourceConfig, StageConfig, TaskConfig, TaskKind
from .batches import PairBatch, collate_pairs

_LOG = logging.getLogger(__name__)


class PairLoader:
    """Reads the data sets of a recipe for a pair task, each file once.

    Attributes:
        held_out: Held-out examples; complete after `load`.
    """

    def __init__(
        self,
        recipe: Recipe,
        task: TaskConfig,
        folder: Path,
        encoder: TextEncoder,
        on_error: OnError = OnError.FAIL,
    ) -> None:
        """Prepare to read.

        Args:
            recipe: Names the data sets.
            task: The recipe's task.
            folder: Folder of the training sets.
            encoder: Makes token ids of texts.
            on_error: What a bad record does.
        """
        self._recipe = recipe
        self._task = task
        self._folder = folder
        self._encoder = PairEncoder(encoder, task.labels)
        self._on_error = on_error
        self._features: dict[str, list[PairFeature]] = {}
        self.held_out: list[Example] = []

    def load(self) -> BatchDataset[PairFeature, PairBatch]:
        """Make all batches, stage after stage.

        Raises:
            DataError: If a file cannot be read, or has a bad record and ``on_error`` is ``FAIL``.
            PrereadError: If a label is not one of the task's, or nothing is left to train on.
        """
        features, batches = lay_out_epochs(self._recipe, self._of_epoch)
        if not batches:
            raise PrereadError("training: no pair is left to learn from. Raise a source's weight.")
        for which, count in self._encoder.cut.items():
            if count:
                _LOG.warning("%d %s texts cut to max_%s_length", count, which, which)
        collate = partial(collate_pairs, n_labels=len(self._task.labels))
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
            held_out = self._recipe.held_out
            count = min(held_out.contexts, len(seconds)) if held_out else 0
            back = set(random.Random(self._recipe.seed).sample(seconds, count))
            self.held_out += [e for e in examples if second_text(e) in back]
            kept = [e for e in examples if second_text(e) not in back]
            self._features[source.file] = self._encoder.encode(kept)
        return self._features[source.file]

    def _read(self, file: str, report: ReadReport) -> Iterator[Example]:
        path = self._folder / file
        if self._task.kind is TaskKind.CHOICE:
            return read_choices(path, on_error=self._on_error, report=report)
        return read_pairs(path, on_error=self._on_error, report=report)
