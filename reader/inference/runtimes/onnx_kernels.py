"""Products of the upper layers in int8, computed by ONNX Runtime."""

import importlib
from typing import Any

import torch
from torch import Tensor
from typing_extensions import override

from ....data import PrereadError
from ...modeling.layers import TransformerLayer
from .base import Finish, Kernels, Project


class OnnxInt8Kernels(Kernels):
    """`Kernels` in int8 on a CPU, with norms and activations in float32.

    The scale of an activation depends on its whole batch. The last digits of logits therefore
    depend on which other pairs are in the batch.
    """

    dtype = torch.float32

    def __init__(self, hidden_act: str) -> None:
        """Prepare ONNX Runtime, with as many threads as PyTorch uses now.

        Args:
            hidden_act: Activation of the feed-forward part, a key of transformers' ``ACT2FN``.

        Raises:
            PrereadError: If ONNX or ONNX Runtime is not installed.
        """
        check_installed()
        self._hidden_act = hidden_act
        self._largest = largest_weight()
        self._threads = torch.get_num_threads()

    @override
    def project(self, weight: Tensor, bias: Tensor) -> Project:
        from .onnx_graphs import linear_graph

        session = self._session(linear_graph(weight, bias, self._largest))
        return lambda rows: _run(session, rows=rows)

    @override
    def finish(self, layer: TransformerLayer) -> Finish:
        from .onnx_graphs import finish_graph

        session = self._session(finish_graph(layer, self._hidden_act, self._largest))
        return lambda hidden, mixed: _run(session, hidden=hidden, mixed=mixed)

    def _session(self, model: bytes) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        # Between two calls PyTorch needs the cores; by default the threads would go on spinning.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def check_installed() -> None:
    """Check that ONNX and ONNX Runtime are installed.

    Raises:
        PrereadError: If one of them is not.
    """
    missing = [name for name in ("onnx", "onnxruntime") if not _is_there(name)]
    if missing:
        raise PrereadError(
            "runtime onnx-int8: expected the packages onnx and onnxruntime; not installed: "
            f"{', '.join(missing)}. Install preread[onnx], or read with --runtime torch."
        )


def largest_weight() -> int:
    """The largest weight that this processor can multiply without overflow.

    Processors without VNNI add two products in 16 bits, which 8-bit weights can overflow.

    Source: https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html, on
    ``reduce_range``.
    """
    has_vnni: bool = torch.cpu._is_vnni_supported()
    return 127 if has_vnni else 63


def _is_there(package: str) -> bool:
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True


def _run(session: Any, **inputs: Tensor) -> Tensor:
    """Run a session on tensors, which are passed without a copy."""
    (out,) = session.run(["out"], {k: v.contiguous().numpy() for k, v in inputs.items()})
    return torch.from_numpy(out)
