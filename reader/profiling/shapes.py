"""What is profiled: a reader by its name, or a shape that needs no weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...data import PrereadError
from ..config import DeformerConfig
from ..modeling.question_answering import DeformerForQuestionAnswering
from ..reader import Reader, check_device

_XLNET: dict[str, Any] = {
    "base": "xlnet",
    "vocab_size": 32_000,
    "max_position_embeddings": None,
    "pad_token_id": 5,
    "passage_first": True,
}
SHAPES: dict[str, dict[str, Any]] = {
    "bert-base": {"num_lower_layers": 9},
    "bert-large": {
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "num_lower_layers": 20,
    },
    "xlnet-base": {**_XLNET, "num_lower_layers": 9},
    "xlnet-large": {
        **_XLNET,
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "num_lower_layers": 20,
    },
}
"""Fields of `DeformerConfig` that differ from its defaults. Another family's shapes go here with
their ``base``; all that a profile asks of a model is ``lower`` and ``upper``.

Source: Devlin et al. 2019 (https://aclanthology.org/N19-1423), section 3, and Yang et al. 2019
(https://arxiv.org/abs/1906.08237), appendix A.4; splits as in Cao et al. 2020
(https://aclanthology.org/2020.acl-main.411), section 4."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model under examination."""

    name: str
    config: DeformerConfig
    model: DeformerForQuestionAnswering | None
    """The reader's model; None for a shape."""

    @classmethod
    def load(
        cls, name: str, *, num_lower_layers: int | None = None, device: str = "cpu"
    ) -> "Subject":
        """Find what a name stands for; a folder comes before a shape of the same name.

        Args:
            name: As in `Reader.load`, or a key of `SHAPES`.
            num_lower_layers: Split elsewhere than the reader or shape says.
            device: Where it runs.

        Raises:
            PrereadError: If there is no such reader, or it has too few layers.
        """
        check_device(device)
        if name in SHAPES and not Path(name).is_dir():
            subject = cls(name, DeformerConfig(**SHAPES[name]), None)
        else:
            reader = Reader.load(name, device=device, num_lower_layers=num_lower_layers)
            subject = cls(reader.name, reader.config, reader.model)
        if num_lower_layers is not None:
            subject.config.num_lower_layers = num_lower_layers
            subject.config.check()
        return subject

    def model_on(self, device: torch.device) -> DeformerForQuestionAnswering:
        """The model to be timed; random weights where it has none, which takes no less time."""
        if self.model is not None:
            return self.model
        with device:
            return random_model(self.config)

    def check_room(self, n_tokens: int) -> None:
        """Refuse a segment without positions.

        Raises:
            PrereadError: If it is longer than the table of positions.
        """
        longest = self.config.longest_segment
        if longest is not None and n_tokens > longest:
            raise PrereadError(
                f"{self.name}: expected segments of at most {longest} tokens "
                f"(max_position_embeddings), found one of {n_tokens}. Choose another layout."
            )


def random_model(config: DeformerConfig) -> DeformerForQuestionAnswering:
    """A model of this shape, in evaluation mode, with a configuration of its own."""
    model = DeformerForQuestionAnswering(deepcopy(config))
    model.train(False)
    return model


@contextmanager
def split_at(model: DeformerForQuestionAnswering, num_lower_layers: int) -> Iterator[None]:
    """Split a model elsewhere for a while: the weights are the same at every split."""
    before = model.config.num_lower_layers
    model.config.num_lower_layers = num_lower_layers
    try:
        yield
    finally:
        model.config.num_lower_layers = before
