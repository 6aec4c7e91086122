"""A trained model of pair tasks with its tokenizer: texts in, labels or choices out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, PreTrainedTokenizerFast

from ...data import PrereadError
from ..checkpoints import shipped_reader_path
from ..config import DeformerConfig
from ..modeling.layers import Segment
from ..packing import Packed
from ..reader import check_device, looks_like_path
from ..stored import Stored
from ..text.windows import TextEncoder, load_tokenizer
from .features import Example, PairEncoder, PairFeature, pack_pairs
from .models import DeformerForMultipleChoice, DeformerForSequenceClassification, PairModel

_EXAMPLES_AT_ONCE = 32
_MODELS: dict[str, type[PairModel]] = {
    "ForSequenceClassification": DeformerForSequenceClassification,
    "ForMultipleChoice": DeformerForMultipleChoice,
}

Through = Callable[[Packed, Packed], Packed]
"""What stored states and their token ids go through before they are read, such as a codec."""


class PairReader:
    """Reads pairs of texts, either of them ahead of time.

    Attributes:
        name: What it was loaded by.
        model: The network, in evaluation mode.
        encoder: Lays pairs out for it.
    """

    def __init__(
        self,
        model: PairModel,
        tokenizer: PreTrainedTokenizerFast,
        *,
        name: str,
        device: str | torch.device = "cpu",
    ) -> None:
        """Put a model and its tokenizer together on a device; see `load`."""
        self.name = name
        self.device = torch.device(device)
        self.model = model
        self.model.to(self.device)  # type: ignore[arg-type]  # a wrapper hides the signature
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
            name: A folder or a hub name; an ordinary classifier is split.
            device: Where it runs.
            num_lower_layers: Split elsewhere than the checkpoint says.
            stored_segment: Which text is stored, where it is not the one the checkpoint says.

        Raises:
            PrereadError: If there is no such reader or device, it is no reader of pairs, or its
                files are damaged.
        """
        name = str(name)
        check_device(device)
        source = str(shipped_reader_path(name) or name)
        asked = {"num_lower_layers": num_lower_layers, "stored_segment": stored_segment}
        changes = {key: value for key, value in asked.items() if value is not None}
        try:
            kind = _kind(source)
            model = kind.from_pretrained(source, **changes)
            tokenizer = load_tokenizer(source)
        except (OSError, ValueError, SafetensorError) as error:
            reason = (str(error).strip() or repr(error)).splitlines()[0]
            raise PrereadError(f"{name}: reader could not be loaded: {reason}") from error
        return cls(model, tokenizer, name=name, device=device)

    @property
    def config(self) -> DeformerConfig:
        """Configuration of the model."""
        return self.model.config

    @property
    def labels(self) -> tuple[str, ...]:
        """A classifier's labels, in the order of its logits; none where choices compete."""
        if not self.model.has_labels:
            return ()
        names = self.model.config.id2label or {}
        return tuple(str(name) for _, name in sorted(names.items()))

    def judge(
        self, examples: Iterable[Example], through: Through | None = None
    ) -> Iterator[tuple[PairFeature, int]]:
        """Say the label of each pair, or choose an answer.

        Args:
            examples: Pairs for a classifier, questions with choices for a reader of these.
            through: What the stored text's states go through.

        Yields:
            Each example as token ids with its gold answer, and the number of what was said.

        Raises:
            PrereadError: If an example is of another kind than the reader, or has another label.
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
    """The class of a checkpoint's model.

    Raises:
        PrereadError: If it is none of pair tasks.
    """
    if looks_like_path(name) and not (Path(name) / "config.json").is_file():
        raise PrereadError(
            f"{name}: expected a reader's folder, with config.json, model.safetensors and "
            "tokenizer.json; found none. Name a folder or a hub model."
        )
    found = AutoConfig.from_pretrained(name).architectures or ["none"]
    for ending, kind in _MODELS.items():
        if found[0].endswith(ending):
            return kind
    raise PrereadError(
        f"{name}: expected a model of pair tasks ({', '.join(_MODELS)}), found {found[0]}. Train "
        "one with a recipe that has a [task], or evaluate this one with `evaluate-reader`."
    )
