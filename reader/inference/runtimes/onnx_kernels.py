"""Products of upper layers in int8, by ONNX Runtime."""

import importlib
from typing import Any

import torch
from torch import Tensor

from ....data import PrereadError
from ...modeling.layers import TransformerLayer
from .base import Finish, Project


class OnnxInt8Kernels:
    """`Kernels` on a CPU in int8, norms and activations in float32.

    An activation's scale is that of its batch, so that the last digits of logits depend on what
    else is in it.
    """

    dtype = torch.float32

    def __init__(self, hidden_act: str) -> None:
        """Make ready; ONNX Runtime gets as many threads as PyTorch has now.

        Args:
            hidden_act: The activation, as in the configuration.

        Raises:
            PrereadError: If ONNX or ONNX Runtime is not installed.
        """
        check_installed()
        self._hidden_act = hidden_act
        self._largest = largest_weight()
        self._threads = torch.get_num_threads()

    def project(self, weight: Tensor, bias: Tensor) -> Project:
        """See `Kernels`."""
        from .onnx_graphs import linear_graph

        session = self._session(linear_graph(weight, bias, self._largest))
        return lambda rows: _run(session, rows=rows)

    def finish(self, layer: TransformerLayer) -> Finish:
        """See `Kernels`."""
        from .onnx_graphs import finish_graph

        session = self._session(finish_graph(layer, self._hidden_act, self._largest))
        return lambda hidden, mixed: _run(session, hidden=hidden, mixed=mixed)

    def _session(self, model: bytes) -> Any:
        """A model, optimised, on as many threads as PyTorch has."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        # Between two calls the cores are PyTorch's; by default threads would go on spinning.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def check_installed() -> None:
    """Make sure that the packages are there.

    Raises:
        PrereadError: If one is not.
    """
    missing = [name for name in ("onnx", "onnxruntime") if not _is_there(name)]
    if missing:
        raise PrereadError(
            "runtime onnx-int8: expected the packages onnx and onnxruntime, found no "
            f"{' and no '.join(missing)}. Install preread[onnx], or read with --runtime torch."
        )


def largest_weight() -> int:
    """The largest integer of a weight that this processor multiplies rightly.

    Without VNNI two products are added in 16 bits, which 8-bit weights can overflow.

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
    """Run a session; rows are handed over without a copy."""
    (out,) = session.run(["out"], {k: v.contiguous().numpy() for k, v in inputs.items()})
    return torch.from_numpy(out)
