"""The reader of pairs: a trained model and its tokenizer, which label pairs or choose answers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ...data import PrereadError
from ...data.io.system_errors import words_of
from ..config import DeformerConfig, Stored
from ..forks import survive_forks
from ..hub import find_checkpoint
from ..modeling.layers import Segment
from ..packing import Packed
from ..reader import check_device
from ..saved_files import read_config
from ..text.saved_tokenizer import SavedTokenizer
from ..text.windows import TextEncoder, load_tokenizer
from .features import Example, PairEncoder, PairFeature, pack_pairs
from .models import DeformerForMultipleChoice, DeformerForSequenceClassification, PairModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_EXAMPLES_AT_ONCE = 32
_MODELS: dict[str, type[PairModel]] = {
    "ForSequenceClassification": DeformerForSequenceClassification,
    "ForMultipleChoice": DeformerForMultipleChoice,
}

Through = Callable[[Packed, Packed], Packed]
"""Applied to the stored states and their token ids before they are read, for example the round trip
through a codec."""


class PairReader:
    """Reads pairs of texts, one of which may have been encoded ahead of time.

    Attributes:
        name: Name that it was loaded by.
        device: PyTorch device that runs the model.
        model: The network, in evaluation mode.
        encoder: Converts pairs to token ids.
    """

    def __init__(
        self,
        model: PairModel,
        tokenizer: "PreTrainedTokenizerFast | SavedTokenizer",
        *,
        name: str,
        device: str | torch.device = "cpu",
    ) -> None:
        """Combine a model with its tokenizer, on a device.

        Args:
            model: The network; its parameters are moved to the device.
            tokenizer: The tokenizer that the model was trained with.
            name: Name for error messages and results.
            device: PyTorch device that runs the model.
        """
        survive_forks()
        self.name = name
        self.device = torch.device(device)
        self.model = model
        self.model.to(self.device)
        self.model.train(False)
        self.encoder = PairEncoder(TextEncoder(tokenizer, model.config), self.labels)

    @classmethod
    def load(
        cls,
        name: str | Path,
        *,
        device: str | torch.device = "cpu",
        num_lower_layers: int | None = None,
        stored_segment: str | None = None,
    ) -> "PairReader":
        """Load a reader of pairs.

        Args:
            name: Folder or hub name. A full model with a classifier is split.
            device: PyTorch device that runs the model.
            num_lower_layers: Number of lower layers; by default that of the checkpoint.
            stored_segment: The text that is stored, ``first`` or ``second``; by default that of the
                checkpoint.

        Raises:
            PrereadError: If the reader or device does not exist, the model is not one of pairs, or
                its files are damaged.
        """
        check_device(device)
        source = find_checkpoint(name)
        name = str(name)
        asked: dict[str, Any] = {
            "num_lower_layers": num_lower_layers,
            "stored_segment": stored_segment,
        }
        changes = {key: value for key, value in asked.items() if value is not None}
        try:
            kind = _kind(source)
            model = kind.from_pretrained(source, half_words=True, **changes)
            tokenizer = SavedTokenizer.load(Path(source)) or load_tokenizer(source)
        except PrereadError:
            raise
        except Exception as error:  # whatever a library raises at a file, it is the file's fault
            raise PrereadError(f"{name}: reader could not be loaded: {words_of(error)}") from error
        return cls(model, tokenizer, name=name, device=device)

    @property
    def config(self) -> DeformerConfig:
        """Configuration of the model."""
        return self.model.config

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of a classifier, in the order of its logits; empty in multiple choice."""
        if not self.model.has_labels:
            return ()
        names = self.model.config.id2label or {}
        return tuple(str(name) for _, name in sorted(names.items()))

    def judge(
        self, examples: Iterable[Example], through: Through | None = None
    ) -> Iterator[tuple[PairFeature, int]]:
        """Label each pair, or choose an answer to each question.

        Args:
            examples: Pairs for a classifier, questions with choices for a model of multiple choice.
            through: Applied to the states of the stored text and its token ids before they are
                read.

        Yields:
            The feature of each example, with its gold label or choice, and the number of the label
            or choice that the reader gives.

        Raises:
            PrereadError: If an example is of another task, or its label is not one of the reader's.
        """
        remaining = iter(examples)
        while some := list(islice(remaining, _EXAMPLES_AT_ONCE)):
            features = self.encoder.encode(some)
            yield from zip(features, self._said(features, through), strict=True)

    @torch.inference_mode()
    def _said(self, features: Sequence[PairFeature], through: Through | None) -> list[int]:
        inputs = pack_pairs(features).to(self.device)
        firsts = self.model.lower(inputs.firsts, Segment.QUESTION)
        seconds = self.model.lower(inputs.seconds, Segment.PASSAGE)
        if through is not None and self.config.stored_segment == Stored.FIRST:
            firsts = through(firsts, inputs.firsts)
        elif through is not None:
            seconds = through(seconds, inputs.seconds)
        logits = self.model.upper(firsts, seconds, inputs.pairs).logits
        if self.model.has_labels:
            return logits.argmax(1).tolist()
        choices = torch.split(logits, [len(feature.firsts) for feature in features])
        return [int(of_question.argmax()) for of_question in choices]


def _kind(name: str) -> type[PairModel]:
    """The class of a checkpoint's model."""
    if not (Path(name) / "config.json").is_file():
        raise PrereadError(
            f"{name}: expected a reader's folder with config.json, model.safetensors and "
            "tokenizer.json; found no config.json. Name a folder or a hub model."
        )
    found = read_config(name).get("architectures") or ["none"]
    for ending, kind in _MODELS.items():
        if found[0].endswith(ending):
            return kind
    raise PrereadError(
        f"{name}: expected a model of pair tasks ({', '.join(_MODELS)}), found {found[0]}. Train "
        "one with a recipe that has a [task], or evaluate this one with `evaluate-reader`."
    )
