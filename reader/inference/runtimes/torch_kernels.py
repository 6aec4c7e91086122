"""Products of the upper layers, computed by PyTorch."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, linear
from typing_extensions import override

from ...modeling.layers import TransformerLayer
from .base import Finish, Kernels, Project


class TorchKernels(Kernels):
    """`Kernels` that use PyTorch's own operators, on CPU or GPU."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        """Set the number format of weights and activations."""
        self.dtype = dtype

    @override
    def project(self, weight: Tensor, bias: Tensor) -> Project:
        own_weight, own_bias = self._own(weight), self._own(bias)
        return lambda rows: linear(rows, own_weight, own_bias)

    @override
    def finish(self, layer: TransformerLayer) -> Finish:
        output, contract = (
            self.project(x.weight, x.bias) for x in (layer.attention.output, layer.contract)
        )
        expand = self._activated(layer)
        norms = [
            (x.normalized_shape, self._own(x.weight), self._own(x.bias), x.eps)
            for x in (layer.attention_norm, layer.output_norm)
        ]

        def run(hidden: Tensor, mixed: Tensor) -> Tensor:
            attended = layer_norm(output(mixed).add_(hidden), *norms[0])
            return layer_norm(contract(expand(attended)).add_(attended), *norms[1])

        return run

    def _activated(self, layer: TransformerLayer) -> Project:
        """The first product of the feed-forward part, with its activation."""
        expand, activation = self.project(layer.expand.weight, layer.expand.bias), layer.activation
        return lambda rows: activation(expand(rows))

    def _own(self, weight: Tensor) -> Tensor:
        """A copy, so that later changes of the model have no effect."""
        return weight.detach().to(self.dtype, copy=True)


class OneDnnKernels(TorchKernels):
    """`Kernels` that use oneDNN on a CPU, with weights in oneDNN's own layout.

    The activation is fused into the product. PyTorch computes float32 products with MKL, which does
    not use AVX-512 on processors of other makers than Intel; oneDNN uses all instructions of the
    processor.
    """

    def __init__(self, dtype: torch.dtype, hidden_act: str) -> None:
        """Set the number format and the activation.

        Args:
            dtype: Number format of weights and activations.
            hidden_act: Activation of the feed-forward part, a key of transformers' ``ACT2FN``. Only
                ``gelu`` is fused into the product.
        """
        super().__init__(dtype)
        self._hidden_act = hidden_act

    @override
    def project(self, weight: Tensor, bias: Tensor) -> Project:
        return self._pointwise(weight, bias, "none", "")

    def _activated(self, layer: TransformerLayer) -> Project:
        if self._hidden_act != "gelu":
            return super()._activated(layer)
        return self._pointwise(layer.expand.weight, layer.expand.bias, "gelu", "none")

    def _pointwise(self, weight: Tensor, bias: Tensor, activation: str, algorithm: str) -> Project:
        """A product, then a function of each number; `torch.compile` writes the same for CPUs."""
        operators: Any = torch.ops.mkldnn
        own_weight, own_bias = operators._reorder_linear_weight(self._own(weight)), self._own(bias)
        product = operators._linear_pointwise
        return lambda rows: product(rows, own_weight, own_bias, activation, [], algorithm)


def torch_kernels(device: torch.device, dtype: torch.dtype, hidden_act: str) -> TorchKernels:
    """The faster kernels that are available for a device.

    Args:
        device: Device that reads.
        dtype: Number format of weights and activations.
        hidden_act: Activation of the feed-forward part, a key of transformers' ``ACT2FN``.
    """
    if device.type == "cpu" and _has_onednn(dtype):
        return OneDnnKernels(dtype, hidden_act)
    return TorchKernels(dtype)


def _has_onednn(dtype: torch.dtype) -> bool:
    """Whether this PyTorch has oneDNN, and it supports a number format on this processor."""
    operators: Any = torch.ops.mkldnn
    is_built_in: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not is_built_in or not hasattr(operators, "_linear_pointwise"):
        return False
    # Without AVX-512 oneDNN refuses bfloat16; PyTorch's own product emulates it.
    return dtype is not torch.bfloat16 or bool(operators._is_mkldnn_bf16_supported())
