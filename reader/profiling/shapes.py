"""The subject of a profile: a reader, or a shape with random weights."""

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
_LARGE: dict[str, Any] = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "num_lower_layers": 20,
}
SHAPES: dict[str, dict[str, Any]] = {
    "bert-base": {"num_lower_layers": 9},
    "bert-large": _LARGE,
    "xlnet-base": {**_XLNET, "num_lower_layers": 9},
    "xlnet-large": {**_XLNET, **_LARGE},
}
"""Fields of `DeformerConfig` that differ from its defaults, by name. A profile uses only ``lower``
and ``upper`` of a model, so shapes of any family can be added with their ``base``.

Source: Devlin et al. 2019 (https://aclanthology.org/N19-1423), section 3, and Yang et al. 2019
(https://arxiv.org/abs/1906.08237), appendix A.4; splits as in Cao et al. 2020
(https://aclanthology.org/2020.acl-main.411), section 4."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The model that is profiled."""

    name: str
    config: DeformerConfig
    model: DeformerForQuestionAnswering | None
    """Model of the reader; None for a shape."""

    @classmethod
    def load(
        cls, name: str, *, num_lower_layers: int | None = None, device: str = "cpu"
    ) -> "Subject":
        """Load a reader or find a shape. A folder has precedence over a shape of the same name.

        Args:
            name: Name of a reader as in `Reader.load`, or a key of `SHAPES`.
            num_lower_layers: Number of lower layers; by default that of the reader or shape.
            device: Device that runs the model.

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
        """The model to be timed. A shape gets random weights, which take the same time.

        Args:
            device: Device of a new model.
        """
        if self.model is not None:
            return self.model
        with device:
            return random_model(self.config)

    def check_room(self, n_tokens: int) -> None:
        """Check that a segment is not longer than the position table.

        Args:
            n_tokens: Number of tokens of the segment.

        Raises:
            PrereadError: If it is longer.
        """
        longest = self.config.longest_segment
        if longest is not None and n_tokens > longest:
            raise PrereadError(
                f"{self.name}: expected segments of at most {longest} tokens "
                f"(max_position_embeddings), found one of {n_tokens}. Choose another layout."
            )


def random_model(config: DeformerConfig) -> DeformerForQuestionAnswering:
    """A model with random weights, in evaluation mode, with its own copy of the configuration."""
    model = DeformerForQuestionAnswering(deepcopy(config))
    model.train(False)
    return model


@contextmanager
def split_at(model: DeformerForQuestionAnswering, num_lower_layers: int) -> Iterator[None]:
    """Change the split of a model within a context; the weights are the same at every split.

    Args:
        model: Model to change.
        num_lower_layers: Number of lower layers within the context.
    """
    before = model.config.num_lower_layers
    model.config.num_lower_layers = num_lower_layers
    try:
        yield
    finally:
        model.config.num_lower_layers = before
