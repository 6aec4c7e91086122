"""Activations by the names that Hugging Face's configurations give them."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import gelu, relu, silu

from ...data import PrereadError

Activation = Callable[[Tensor], Tensor]

ACTIVATIONS: dict[str, Activation] = {
    "gelu": gelu,
    "gelu_new": partial(gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(gelu, approximate="tanh"),
    "relu": relu,
    "silu": silu,
    "tanh": torch.tanh,
}


def find_activation(name: str) -> Activation:
    """Find an activation by its name.

    Args:
        name: A key of `ACTIVATIONS`, such as ``hidden_act`` of a configuration.

    Raises:
        PrereadError: If there is no such activation.
    """
    if name not in ACTIVATIONS:
        raise PrereadError(
            f"hidden_act: expected one of {', '.join(ACTIVATIONS)}, found {name!r}. Name another "
            "checkpoint."
        )
    return ACTIVATIONS[name]
