"""The full model in int8 by ONNX Runtime, dynamic and per channel, batches sorted by length.

The graph is written with the operators that ONNX Runtime's own optimiser makes of an exported
BERT (fused attention, norms, Gelu and int8 products), so that nothing is left for it to miss.
"""

from collections.abc import Sequence

import onnxruntime
import torch
from onnx import TensorProto, helper
from preread.reader import DeformerForQuestionAnswering
from preread.reader.inference.runtimes.onnx_graphs import Int8Graph
from preread.reader.inference.runtimes.onnx_kernels import largest_weight
from preread.reader.modeling.layers import AbsoluteEmbedder, TransformerLayer
from torch import Tensor

from .hugging_face import BATCH
from .pairs import Pair, Reading, padded_batches, unpadded


def full_graph(model: DeformerForQuestionAnswering) -> bytes:
    """All layers over padded pairs; its inputs are made in `OnnxInt8Full.prepare`."""
    graph = Int8Graph(model.config.hidden_act, largest_weight())
    embedder = model.embedder
    assert isinstance(embedder, AbsoluteEmbedder) and embedder.token_type is not None
    tables = {
        "ids": embedder.word.weight.float(),
        "types": embedder.token_type.weight,
        "positions": embedder.position.weight,
    }
    looked_up = [graph.node("Gather", graph.weight(table), name) for name, table in tables.items()]
    total = graph.node("Add", graph.node("Add", looked_up[0], looked_up[1]), looked_up[2])
    hidden = graph.normalise(total, embedder.norm)
    for layer in model.layers:
        assert isinstance(layer, TransformerLayer)
        attention = layer.attention
        parts = [attention.query, attention.key, attention.value]
        together = graph.linear(
            hidden, torch.cat([x.weight for x in parts]), torch.cat([x.bias for x in parts])
        )
        query, key, value = graph.nodes("Split", [together], 3, axis=-1, num_outputs=3)
        mixed = graph.node(
            "MultiHeadAttention",
            *(query, key, value, "", "is_real"),
            domain="com.microsoft",
            num_heads=attention.n_heads,
        )
        hidden = graph.finish(layer, mixed, hidden)
    head = graph.node("MatMul", hidden, graph.weight(model.head.weight.T))
    logits = graph.node("Add", head, graph.weight(model.head.bias))
    inputs = [
        helper.make_tensor_value_info(name, kind, ["pairs", "tokens"])
        for name, kind in (
            ("ids", TensorProto.INT64),
            ("types", TensorProto.INT64),
            ("positions", TensorProto.INT64),
            ("is_real", TensorProto.INT32),
        )
    ]
    return graph.serialised(inputs, logits)


class OnnxInt8Full:
    """Question and passage together through all layers, in int8."""

    def __init__(self, model: DeformerForQuestionAnswering) -> None:
        """Quantise a model, on as many threads as PyTorch has."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.add_session_config_entry("session.force_spinning_stop", "1")  # others come next
        self._session = onnxruntime.InferenceSession(
            full_graph(model), options, providers=["CPUExecutionProvider"]
        )

    def prepare(self, pairs: Sequence[Pair]) -> Reading:
        """See `Baseline`."""
        batches = padded_batches(pairs, size=BATCH, is_sorted=True)
        inputs = [
            {
                "ids": batch.ids.numpy(),
                "types": batch.types.numpy(),
                "positions": torch.arange(batch.ids.shape[1]).expand_as(batch.ids).numpy(),
                "is_real": batch.is_real.int().numpy(),
            }
            for batch in batches
        ]

        def read() -> list[Tensor]:
            logits = [torch.from_numpy(self._session.run(["out"], one)[0]) for one in inputs]
            return unpadded(batches, logits)

        return read
