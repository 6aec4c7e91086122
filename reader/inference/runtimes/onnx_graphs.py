"""ONNX graphs of a layer in int8, without attention.

Weights are quantised ahead of time, with one scale for each output. Activations are quantised when
they arrive, with one scale and zero point for each batch::

    x --DynamicQuantizeLinear--> uint8 --MatMulInteger(int8 weights)--> int32 --scale, bias--> y

ONNX Runtime fuses these nodes into one kernel. Attention is left out because the lengths of its
segments differ.

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

_OPSET = 20  # the first opset with Gelu
_IR_VERSION = 9  # the version that belongs to this opset
_GELU = {"gelu": "none", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh"}


class Int8Graph:
    """A graph under construction. The output of a node is referred to by its name."""

    def __init__(self, hidden_act: str, largest: int) -> None:
        """Begin an empty graph.

        Args:
            hidden_act: Activation of the feed-forward part, a key of transformers' ``ACT2FN``.
            largest: Quantised weights lie in ``-largest..largest``.
        """
        self._hidden_act = hidden_act
        self._largest = largest
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node, and name its one output.

        Args:
            kind: Name of the ONNX operator.
            *inputs: Names of the inputs.
            **attributes: Attributes of the operator.
        """
        return self.nodes(kind, inputs, 1, **attributes)[0]

    def nodes(
        self, kind: str, inputs: Sequence[str], n_outputs: int, **attributes: Any
    ) -> list[str]:
        """Add a node, and name its several outputs.

        Args:
            kind: Name of the ONNX operator.
            inputs: Names of the inputs.
            n_outputs: Number of outputs.
            **attributes: Attributes of the operator.
        """
        names = [f"{kind}_{len(self._nodes)}_{number}" for number in range(n_outputs)]
        self._nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names

    def weight(self, values: Tensor | NDArray[np.generic]) -> str:
        """Add a constant, and return its name."""
        array = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
        name = f"weight_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def linear(self, rows: str, weight: Tensor, bias: Tensor) -> str:
        """Add a product in int8, with its bias; the result is float32.

        Args:
            rows: Name of the input. Shape ``(..., n_in)``, float32.
            weight: Shape ``(n_out, n_in)``.
            bias: Shape ``(n_out,)``.

        Returns:
            Name of the output. Shape ``(..., n_out)``, float32.
        """
        integers, scales = quantise(weight.detach().float().cpu().numpy(), self._largest)
        quantised, scale, zero = self.nodes("DynamicQuantizeLinear", [rows], 3)
        zeros = self.weight(np.zeros(len(scales), np.int8))
        product = self.node("MatMulInteger", quantised, self.weight(integers.T), zero, zeros)
        factor = self.node("Mul", scale, self.weight(scales))
        scaled = self.node("Mul", self.node("Cast", product, to=TensorProto.FLOAT), factor)
        return self.node("Add", scaled, self.weight(bias.float()))

    def normalise(self, rows: str, norm: nn.LayerNorm) -> str:
        """Add a layer norm in float32.

        Args:
            rows: Name of the input. Shape ``(..., hidden_size)``, float32.
            norm: Layer norm whose weights are used.

        Returns:
            Name of the output, of the shape of the input.
        """
        weights = (self.weight(w.float()) for w in (norm.weight, norm.bias))
        return self.node("LayerNormalization", rows, *weights, epsilon=norm.eps)

    def finish(self, layer: TransformerLayer, mixed: str, hidden: str) -> str:
        """Add the part of a layer after attention.

        Args:
            layer: Layer whose weights are used.
            mixed: Name of the output of attention. Shape ``(n_rows, hidden_size)``, float32.
            hidden: Name of the layer's input for the same rows. Shape ``(n_rows, hidden_size)``,
                float32.

        Returns:
            Name of the layer's output. Shape ``(n_rows, hidden_size)``, float32.

        Raises:
            PrereadError: If ONNX has no node for the activation.
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
        """Serialise the model with one output, ``out``, in float32.

        Args:
            inputs: Declared inputs of the graph.
            output: Name of the node output that becomes ``out``.
        """
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
    """Quantise a matrix row by row.

    Args:
        weight: Shape ``(n_out, n_in)``, float32.
        largest: Integers lie in ``-largest..largest``.

    Returns:
        Integers of the same shape, and the scale of each row. Shape of the scales ``(n_out,)``.
    """
    most = np.abs(weight).max(axis=1, initial=0.0)
    scales = np.where(most > 0, most / largest, 1.0).astype(np.float32)
    return np.rint(weight / scales[:, None]).astype(np.int8), scales


def linear_graph(weight: Tensor, bias: Tensor, largest: int) -> bytes:
    """Serialised graph of a product in int8, with input ``rows`` and output ``out``.

    Args:
        weight: Shape ``(n_out, n_in)``.
        bias: Shape ``(n_out,)``.
        largest: Quantised weights lie in ``-largest..largest``.
    """
    graph = Int8Graph("", largest)
    return graph.serialised(_rows(weight.shape[1], "rows"), graph.linear("rows", weight, bias))


def finish_graph(layer: TransformerLayer, hidden_act: str, largest: int) -> bytes:
    """Serialised graph of the part of a layer after attention.

    Args:
        layer: Layer whose weights are used.
        hidden_act: Activation of the feed-forward part, a key of transformers' ``ACT2FN``.
        largest: Quantised weights lie in ``-largest..largest``.

    Returns:
        A model with the inputs ``mixed`` (output of attention) and ``hidden`` (input of the layer),
        and the output ``out``.

    Raises:
        PrereadError: If ONNX has no node for the activation.
    """
    graph = Int8Graph(hidden_act, largest)
    inputs = _rows(layer.expand.in_features, "mixed", "hidden")
    return graph.serialised(inputs, graph.finish(layer, "mixed", "hidden"))


def _rows(width: int, *names: str) -> list[onnx.ValueInfoProto]:
    """Declare inputs with any number of rows, in float32."""
    return [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["rows", width]) for n in names]
