"""ONNX graphs of what is the same for every row of a packed batch, in int8.

Weights are quantised ahead of time, one scale an output; activations when they come, one scale and
zero point a batch::

    x --DynamicQuantizeLinear--> uint8 --MatMulInteger(int8 weights)--> int32 --scale, bias--> y

ONNX Runtime makes one kernel of these nodes. Attention is not here: its segments differ in length.

Source: https://onnx.ai/onnx/operators for the nodes;
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html for the pattern.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ....data import PrereadError
from ...modeling.layers import TransformerLayer

_OPSET = 20  # the first with Gelu
_IR_VERSION = 9  # of that opset
_GELU = {"gelu": "none", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh"}


class Int8Graph:
    """Nodes and weights, as they are added; a node's output is called by its name."""

    def __init__(self, hidden_act: str, largest: int) -> None:
        """Begin with none.

        Args:
            hidden_act: Activation of the layers, as in the configuration.
            largest: As in `quantise`.
        """
        self._hidden_act = hidden_act
        self._largest = largest
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output."""
        return self.nodes(kind, inputs, 1, **attributes)[0]

    def nodes(
        self, kind: str, inputs: Sequence[str], n_outputs: int, **attributes: Any
    ) -> list[str]:
        """Add a node of several outputs."""
        names = [f"{kind}_{len(self._nodes)}_{number}" for number in range(n_outputs)]
        self._nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names

    def weight(self, values: Tensor | NDArray[np.generic]) -> str:
        """Add a constant."""
        array = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
        name = f"weight_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def linear(self, rows: str, weight: Tensor, bias: Tensor) -> str:
        """A product in int8, with its bias, in float32 again.

        Args:
            rows: What goes in. Shape ``(..., n_in)``, float32.
            weight: Shape ``(n_out, n_in)``.
            bias: Shape ``(n_out,)``.
        """
        integers, scales = quantise(weight.detach().float().cpu().numpy(), self._largest)
        quantised, scale, zero = self.nodes("DynamicQuantizeLinear", [rows], 3)
        zeros = self.weight(np.zeros(len(scales), np.int8))
        product = self.node("MatMulInteger", quantised, self.weight(integers.T), zero, zeros)
        factor = self.node("Mul", scale, self.weight(scales))
        scaled = self.node("Mul", self.node("Cast", product, to=TensorProto.FLOAT), factor)
        return self.node("Add", scaled, self.weight(bias.float()))

    def normalise(self, rows: str, norm: nn.LayerNorm) -> str:
        """A layer norm, in float32."""
        weights = (self.weight(w.float()) for w in (norm.weight, norm.bias))
        return self.node("LayerNormalization", rows, *weights, epsilon=norm.eps)

    def finish(self, layer: TransformerLayer, mixed: str, hidden: str) -> str:
        """What comes after attention.

        Raises:
            PrereadError: If there is no node for the activation.
        """
        if self._hidden_act not in _GELU:
            raise PrereadError(
                "runtime onnx-int8: expected a reader whose hidden_act is one of "
                f"{', '.join(_GELU)}, found {self._hidden_act!r}. Read with --runtime torch."
            )
        output = layer.attention.output
        attended = self.normalise(
            self.node("Add", self.linear(mixed, output.weight, output.bias), hidden),
            layer.attention_norm,
        )
        wide = self.linear(attended, layer.expand.weight, layer.expand.bias)
        active = self.node("Gelu", wide, approximate=_GELU[self._hidden_act])
        fed = self.linear(active, layer.contract.weight, layer.contract.bias)
        return self.normalise(self.node("Add", fed, attended), layer.output_norm)

    def serialised(self, inputs: Sequence[onnx.ValueInfoProto], output: str) -> bytes:
        """The whole model, with one output: ``out``, float32."""
        out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
        last = helper.make_node("Identity", [output], ["out"])
        graph = helper.make_graph(
            [*self._nodes, last], "preread", list(inputs), [out], self._weights
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        serialised: bytes = model.SerializeToString()
        return serialised


def quantise(
    weight: NDArray[np.float32], largest: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Integers, and what one of them is worth in each row.

    Args:
        weight: Shape ``(n_out, n_in)``.
        largest: Integers lie in ``-largest..largest``.

    Returns:
        Integers of the same shape, and scales of shape ``(n_out,)``.
    """
    most = np.abs(weight).max(axis=1, initial=0.0)
    scales = np.where(most > 0, most / largest, 1.0).astype(np.float32)
    return np.rint(weight / scales[:, None]).astype(np.int8), scales


def linear_graph(weight: Tensor, bias: Tensor, largest: int) -> bytes:
    """A product: ``rows`` to ``out``.

    Args:
        weight: Shape ``(n_out, n_in)``.
        bias: Shape ``(n_out,)``.
        largest: As in `quantise`.

    Returns:
        The model, serialised.
    """
    graph = Int8Graph("", largest)
    return graph.serialised(_rows(weight.shape[1], "rows"), graph.linear("rows", weight, bias))


def finish_graph(layer: TransformerLayer, hidden_act: str, largest: int) -> bytes:
    """What comes after attention: ``mixed`` and ``hidden`` to ``out``.

    Args:
        layer: Its weights are taken.
        hidden_act: Its activation, as in the configuration.
        largest: As in `quantise`.

    Returns:
        The model, serialised.

    Raises:
        PrereadError: If there is no node for the activation.
    """
    graph = Int8Graph(hidden_act, largest)
    inputs = _rows(layer.expand.in_features, "mixed", "hidden")
    return graph.serialised(inputs, graph.finish(layer, "mixed", "hidden"))


def _rows(width: int, *names: str) -> list[onnx.ValueInfoProto]:
    """Inputs of any number of rows, float32."""
    return [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["rows", width]) for n in names]
