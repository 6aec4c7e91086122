"""Selecting a runtime by name."""

from enum import StrEnum
from typing import TypeVar

import torch

from ....data import PrereadError
from ...modeling.layers import TransformerLayer
from ...modeling.question_answering import DeformerForQuestionAnswering
from .base import UpperRuntime
from .fused import FusedUpper
from .onnx_kernels import OnnxInt8Kernels, check_installed
from .plain import PlainUpper
from .torch_kernels import torch_kernels

_Choice = TypeVar("_Choice", bound=StrEnum)


class Runtime(StrEnum):
    """Implementation of the upper layers."""

    TORCH = "torch"
    ONNX_INT8 = "onnx-int8"
    """ONNX Runtime in int8, on a CPU only; needs ``preread[onnx]``."""


class Precision(StrEnum):
    """Number format in which PyTorch runs the upper layers."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    """Faster on processors with instructions for it, slower on others. Logits keep about two
    digits."""


def load_runtime(
    model: DeformerForQuestionAnswering,
    runtime: Runtime = Runtime.TORCH,
    precision: Precision = Precision.FLOAT32,
) -> UpperRuntime:
    """Make a runtime from a model's upper layers: the fused one if it supports the layers.

    Args:
        model: Model on the device that reads.
        runtime: Implementation of the upper layers.
        precision: Number format of `Runtime.TORCH`.

    Raises:
        PrereadError: If the runtime is not installed, or does not support the model's layers.
    """
    hidden_act = model.config.hidden_act
    is_fusible = all(
        isinstance(layer, TransformerLayer) and not layer.attention.has_bias
        for layer in model.layers
    )
    if runtime is Runtime.ONNX_INT8:
        if not is_fusible:
            raise PrereadError(
                f"runtime onnx-int8: expected layers like BERT's, found those of "
                f"{model.config.base}. Read with --runtime torch."
            )
        return FusedUpper(model, OnnxInt8Kernels(hidden_act))
    dtype: torch.dtype = getattr(torch, precision.value)
    if not is_fusible:
        return PlainUpper(model, dtype=dtype)
    return FusedUpper(model, torch_kernels(model.device, dtype, hidden_act))


def check_choice(runtime: str, precision: str, device: torch.device) -> tuple[Runtime, Precision]:
    """Parse the names of a runtime and a precision, and check that they can be used together.

    Args:
        runtime: A value of `Runtime`.
        precision: A value of `Precision`.
        device: Device that reads.

    Raises:
        PrereadError: If a name is unknown, the three cannot be combined, or a package is missing.
    """
    chosen, number_format = _named(Runtime, runtime), _named(Precision, precision)
    if chosen is Runtime.ONNX_INT8 and device.type != "cpu":
        raise PrereadError(
            f"runtime: onnx-int8 runs on a cpu, but the device is {device}. Choose another device "
            "or runtime."
        )
    if chosen is Runtime.ONNX_INT8 and number_format is not Precision.FLOAT32:
        raise PrereadError(
            f"precision: onnx-int8 computes in int8, but {number_format.value} was requested. "
            "Leave --precision out, or choose --runtime torch."
        )
    if chosen is Runtime.ONNX_INT8:
        check_installed()
    return chosen, number_format


def _named(choices: type[_Choice], name: str) -> _Choice:
    try:
        return choices(name)
    except ValueError:
        raise PrereadError(
            f"{choices.__name__.lower()}: expected one of {', '.join(choices)}, found {name!r}."
        ) from None
