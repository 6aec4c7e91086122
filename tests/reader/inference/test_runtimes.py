"""Runtimes give the numbers of the model they are made of."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from preread.data import PrereadError
from preread.reader import (
    DeformerConfig,
    DeformerForQuestionAnswering,
    Packed,
    Precision,
    Reader,
    Runtime,
)
from preread.reader.inference.runtimes import FusedUpper, Kernels, UpperRuntime, load_runtime
from preread.reader.inference.runtimes.base import Project
from preread.reader.inference.runtimes.joining import joined_batches
from preread.reader.inference.runtimes.onnx_graphs import linear_graph, quantise
from preread.reader.inference.runtimes.onnx_kernels import OnnxInt8Kernels, largest_weight
from preread.reader.inference.runtimes.torch_kernels import (
    OneDnnKernels,
    TorchKernels,
    torch_kernels,
)
from preread.reader.inference.window_table import window_table
from preread.reader.modeling.attention import attend_by_segment, attend_padded

MakeModel = Callable[..., DeformerForQuestionAnswering]
lengths = st.lists(st.integers(1, 12), min_size=1, max_size=5)


def packed(lengths: list[int], size: int) -> Packed:
    """Random states."""
    return Packed(torch.randn(sum(lengths), size), tuple(lengths))


@given(lengths, lengths, st.data())
def test_batches_hold_every_row_of_every_pair_once(
    of_questions: list[int], of_passages: list[int], data: st.DataObject
) -> None:
    numbers = st.tuples(st.integers(0, len(of_questions) - 1), st.integers(0, len(of_passages) - 1))
    pairs = data.draw(st.lists(numbers, max_size=7))
    rows_at_once = data.draw(st.integers(1, 40))
    questions, passages = (
        Packed(torch.zeros(sum(n)), tuple(n)) for n in (of_questions, of_passages)
    )
    q_offsets, p_offsets = questions.offsets().tolist(), passages.offsets().tolist()
    n_q = questions.rows.shape[0]
    expected, targets, place = [], [], 0
    n_rows = sum(of_passages[p] for _, p in pairs)
    for number, (q, p) in enumerate(pairs):
        mine = list(range(p_offsets[p], p_offsets[p + 1]))
        expected.append([*range(q_offsets[q], q_offsets[q + 1]), *(n_q + row for row in mine)])
        targets.append([n_rows + number, *range(place, place + len(mine))])
        place += len(mine)
    found = []
    for batch in joined_batches(questions, passages, pairs, rows_at_once):
        assert sum(batch.lengths) <= rows_at_once or len(batch.lengths) == 1
        rows = torch.split(batch.source, list(batch.lengths))
        places = torch.split(batch.target, list(batch.read_lengths))
        is_read = torch.zeros(sum(batch.lengths), dtype=torch.bool)
        is_read[batch.read_rows] = True
        for segment, flags, where in zip(
            rows, torch.split(is_read, list(batch.lengths)), places, strict=True
        ):
            assert flags[0], "the first row is [CLS]"
            assert flags.tolist()[1:] == sorted(flags.tolist()[1:]), "the question comes first"
            assert int(flags.sum()) == len(where)
            found.append((where.tolist(), segment.tolist()))
    assert sorted(found) == sorted(zip(targets, expected, strict=True))


EXACT: list[tuple[str, Kernels]] = [
    ("plain", TorchKernels()),
    ("onednn", OneDnnKernels(torch.float32, "gelu")),
]


@pytest.mark.parametrize("kernels", [k for _, k in EXACT], ids=[name for name, _ in EXACT])
@pytest.mark.parametrize("num_lower_layers", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("rows_at_once", [1, 30, 10_000])
def test_fused_layers_equal_the_model(
    make_tiny_model: MakeModel, num_lower_layers: int, rows_at_once: int, kernels: Kernels
) -> None:
    torch.manual_seed(num_lower_layers)
    model = make_tiny_model(num_hidden_layers=4, num_lower_layers=num_lower_layers).eval()
    size = model.config.hidden_size
    questions, passages = packed([3, 7], size), packed([1, 9, 4, 9], size)
    pairs = [(1, 0), (0, 3), (1, 2), (0, 1), (1, 3)]
    with torch.inference_mode():
        expected = model.upper(questions, passages, pairs)
    runtime = FusedUpper(model, kernels, rows_at_once=rows_at_once)
    found = runtime.logits(questions, passages, pairs)
    for name in ("start", "end", "null"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


class Recorder(TorchKernels):
    """Notes how many rows its products get."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        super().__init__()
        self.seen: set[int] = set()

    def project(self, weight: torch.Tensor, bias: torch.Tensor) -> Project:
        plain = super().project(weight, bias)

        def run(rows: torch.Tensor) -> torch.Tensor:
            self.seen.add(len(rows))
            return plain(rows)

        return run


@given(lengths, lengths)
@settings(max_examples=15)
def test_products_see_few_numbers_of_rows(of_questions: list[int], of_passages: list[int]) -> None:
    """OneDNN keeps code and buffers for every number."""
    config = DeformerConfig(
        hidden_size=8, num_hidden_layers=3, num_attention_heads=2, intermediate_size=8,
        num_lower_layers=1, vocab_size=10,
    )  # fmt: skip
    kernels = Recorder()
    upper = FusedUpper(DeformerForQuestionAnswering(config).eval(), kernels, rows_at_once=70)
    pairs = [(q, p) for q in range(len(of_questions)) for p in range(len(of_passages))]
    upper.logits(packed(of_questions, 8), packed(of_passages, 8), pairs)
    assert kernels.seen and all(n % 64 == 0 for n in kernels.seen)


def test_padded_attention_of_a_gpu_gives_the_same() -> None:
    """What a GPU runs, run here."""
    torch.manual_seed(0)
    query, key, value = torch.randn(6, 2, 8), torch.randn(14, 2, 8), torch.randn(14, 2, 8)
    arguments = query, key, value, (5, 2, 7)
    torch.testing.assert_close(
        attend_padded(*arguments, query_lengths=(1, 2, 3)),
        attend_by_segment(*arguments, query_lengths=(1, 2, 3)),
    )


@pytest.mark.parametrize("hidden_act", ["gelu", "relu", "gelu_new"])
def test_every_activation_is_the_models(make_tiny_model: MakeModel, hidden_act: str) -> None:
    torch.manual_seed(0)
    model = make_tiny_model(hidden_act=hidden_act).eval()
    size = model.config.hidden_size
    questions, passages = packed([5], size), packed([9, 4], size)
    with torch.inference_mode():
        expected = model.upper(questions, passages)
    found = load_runtime(model).logits(questions, passages, [(0, 0), (0, 1)])
    torch.testing.assert_close(found.start, expected.start, rtol=1e-4, atol=1e-5)


def test_a_cpu_with_onednn_uses_it() -> None:
    kernels = torch_kernels(torch.device("cpu"), torch.float32, "gelu")
    assert isinstance(kernels, OneDnnKernels) == torch.backends.mkldnn.is_available()


def test_later_changes_of_the_model_are_not_seen(make_tiny_model: MakeModel) -> None:
    model = make_tiny_model().eval()
    size = model.config.hidden_size
    arguments = packed([3], size), packed([6], size), [(0, 0)]
    runtimes: list[UpperRuntime] = [FusedUpper(model, k) for _, k in EXACT]
    runtimes.append(load_runtime(model, Runtime.ONNX_INT8))
    before = [runtime.logits(*arguments).start for runtime in runtimes]
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3.0)
    for runtime, logits in zip(runtimes, before, strict=True):
        torch.testing.assert_close(runtime.logits(*arguments).start, logits)


CHOICES = [
    (Runtime.TORCH, Precision.BFLOAT16, 0.03),
    (Runtime.ONNX_INT8, Precision.FLOAT32, 0.05 * 127 / largest_weight()),
]


@pytest.mark.parametrize(("runtime", "precision", "tolerance"), CHOICES)
@pytest.mark.parametrize("num_lower_layers", [1, 3, 4])
def test_fewer_bits_stay_near(
    make_tiny_model: MakeModel,
    num_lower_layers: int,
    runtime: Runtime,
    precision: Precision,
    tolerance: float,
) -> None:
    torch.manual_seed(0)
    model = make_tiny_model(num_hidden_layers=4, num_lower_layers=num_lower_layers).eval()
    size = model.config.hidden_size
    questions, passages, pairs = packed([5], size), packed([30, 20], size), [(0, 0), (0, 1)]
    exact = load_runtime(model).logits(questions, passages, pairs)
    near = load_runtime(model, runtime, precision).logits(questions, passages, pairs)
    for a, b in ((exact.start, near.start), (exact.end, near.end)):
        assert b.dtype == torch.float32
        assert float((a - b).norm() / a.norm()) < tolerance


def test_int8_integers_are_a_channels_own() -> None:
    weight = np.array([[0.5, -1.0], [100.0, 25.0], [0.0, 0.0]], np.float32)
    integers, scales = quantise(weight, 127)
    np.testing.assert_array_equal(integers, [[64, -127], [127, 32], [0, 0]])
    np.testing.assert_allclose(scales, [1 / 127, 100 / 127, 1.0], rtol=1e-6)


@pytest.mark.parametrize("largest", sorted({63, largest_weight()}))
def test_an_int8_product_is_that_of_its_integers(largest: int) -> None:
    """Rows on the grid of uint8 lose nothing: what is left of the error is the weights'."""
    torch.manual_seed(0)
    rows = torch.randint(0, 256, (7, 16)).float()
    rows[0, 0], rows[0, 1] = 0.0, 255.0
    weight, bias = torch.randn(5, 16), torch.randn(5)
    session = onnxruntime.InferenceSession(linear_graph(weight, bias, largest))
    (found,) = session.run(["out"], {"rows": rows.numpy()})
    integers, scales = quantise(weight.numpy(), largest)
    expected = rows.numpy() @ (integers * scales[:, None]).T + bias.numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_onnx_runtime_gets_as_many_threads_as_pytorch() -> None:
    before = torch.get_num_threads()
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            session = OnnxInt8Kernels("gelu")._session(
                linear_graph(torch.ones(2, 3), torch.ones(2), 127)
            )
            assert session.get_session_options().intra_op_num_threads == n_threads
    finally:
        torch.set_num_threads(before)


def test_int8_refuses_an_activation_that_it_lacks(make_tiny_model: MakeModel) -> None:
    model = make_tiny_model(hidden_act="relu").eval()
    with pytest.raises(PrereadError, match="hidden_act is one of gelu.*found 'relu'"):
        load_runtime(model, Runtime.ONNX_INT8)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(PrereadError, match=rf"not installed: {package}\. Install preread\[onnx\]"):
        Reader.load("default", runtime="onnx-int8")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"runtime": "tensorrt"}, "runtime: expected one of torch, onnx-int8, found 'tensorrt'"),
        ({"precision": "int4"}, "precision: expected one of float32, bfloat16, found 'int4'"),
        ({"runtime": "onnx-int8", "precision": "bfloat16"}, "onnx-int8 computes in int8"),
    ],
)
def test_what_cannot_be_chosen_is_refused(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(PrereadError, match=message):
        Reader.load("default", **choice)


def test_nothing_to_read(make_tiny_model: MakeModel) -> None:
    model = make_tiny_model().eval()
    size = model.config.hidden_size
    found = FusedUpper(model).logits(packed([3], size), packed([], size), [])
    assert found.start.shape == found.end.shape == (0,)


def test_a_reader_answers_alike_with_fewer_bits() -> None:
    """On text it was trained for, rounding moves no answer."""
    exact, *others = (
        Reader.load("default", runtime=runtime, precision=precision)
        for runtime, precision in [("torch", "float32"), *(choice[:2] for choice in CHOICES)]
    )
    text = "Etna is a volcano on Sicily. It erupted in 2021, and the airport of Catania was shut."
    (windows,) = exact.encoder.encode_passages([text], [""])
    table = window_table([(len(w.token_ids), w.n_prefix, w.first_token, 0) for w in windows])
    states = exact.window_states(windows)
    for question in ("where is etna?", "when did it erupt?", "what was shut?"):
        spans = [
            reader.read(reader.question_states(question), states, table, n_best=1)[0]
            for reader in (exact, *others)
        ]
        assert len({(span.first_token, span.last_token) for span in spans}) == 1
