"""What a reader costs, against formulas written out here and the paper's own layouts."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from preread.data import PrereadError
from preread.reader import DeformerConfig, DeformerForQuestionAnswering, Packed, Segment
from preread.reader.codecs import Float16Codec, Int8Codec
from preread.reader.modeling.families import XLNET
from preread.reader.profiling import (
    LAYOUTS,
    SHAPES,
    WIKIPEDIA_PASSAGES,
    Arrangement,
    Case,
    Counter,
    Layout,
    PassKind,
    ProfileOptions,
    Stored,
    Subject,
    Workload,
    f1_by_split,
    find_layouts,
    make_pass,
    measure_latency,
    measure_memory,
    parse_stored,
    plot_sweep,
    profile_reader,
    storage_of,
    sweep_reader,
)
from transformers import XLNetConfig

CPU = torch.device("cpu")
TINY = Layout("tiny", 40, 8, mean_question=5, mean_passage=20)
COUNTED = ProfileOptions(layouts=(TINY,), is_measured=False)

# GFLOP of the full model and from the store; ratio from the store and without it. Derived from the
# padded lengths and 2 operations a multiply-add, linear layers and attention alone.
DERIVED = [
    ("bert-base", "squad", 58.13, 17.99, 3.23, 1.01),
    ("bert-base", "mnli", 20.92, None, 2.21, 1.01),
    ("bert-base", "qqp", 17.36, 9.74, 1.78, 1.01),
    ("bert-large", "boolq", 203.3, 42.5, 4.79, None),
]


@cache
def counter_of(shape: str) -> Counter:
    """A counter for a shape, made once."""
    return Counter(Subject.load(shape).config)


def workload(layout: Layout, arrangement: Arrangement, batch: int = 1) -> Workload:
    """The workload of a layout in an arrangement."""
    of_layout = ProfileOptions(batch=batch).workloads(layout)
    return next(w for w in of_layout if w.arrangement is arrangement)


def layer_flops(config: DeformerConfig, n_tokens: int) -> int:
    """Four projections, two products of attention, two of the feed-forward part."""
    size, inner = config.hidden_size, config.intermediate_size
    projections = 4 * 2 * n_tokens * size * size
    attention = 2 * 2 * n_tokens * n_tokens * size
    return projections + attention + 2 * 2 * n_tokens * size * inner


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "layout", "full", "from_store", "ratio", "no_store"), DERIVED)
def test_operations_are_those_derived_from_the_papers_layouts(
    shape: str,
    layout: str,
    full: float,
    from_store: float | None,
    ratio: float,
    no_store: float | None,
) -> None:
    padded = workload(LAYOUTS[layout], Arrangement.PADDED)
    split = Subject.load(shape).config.num_lower_layers
    kinds = [kind for kind in PassKind if kind is not PassKind.DECOMPOSED or no_store]
    flops = {
        kind: counter_of(shape).flops(Case(padded, kind, 0 if kind is PassKind.FULL else split))
        for kind in kinds
    }
    assert split == {"bert-base": 9, "bert-large": 20}[shape]
    assert flops[PassKind.FULL] / 1e9 == pytest.approx(full, rel=0.02)
    assert flops[PassKind.FULL] / flops[PassKind.STORED] == pytest.approx(ratio, rel=0.02)
    if from_store is not None:
        assert flops[PassKind.STORED] / 1e9 == pytest.approx(from_store, rel=0.02)
    if no_store is not None:
        assert flops[PassKind.FULL] / flops[PassKind.DECOMPOSED] == pytest.approx(
            no_store, rel=0.02
        )


def test_operations_of_a_tiny_model_are_those_of_the_formula(
    make_tiny_model: Callable[..., DeformerForQuestionAnswering],
) -> None:
    config = make_tiny_model().config
    counter = Counter(config)
    one = workload(TINY, Arrangement.PADDED)
    question, passage, both = (layer_flops(config, n) for n in (8, 32, 40))
    head = 2 * (32 + 1) * config.hidden_size * 2  # passage rows, and [CLS]
    stores_first = replace(one, stored=Stored.FIRST)
    assert counter.flops(Case(one, PassKind.FULL, 0)) == 4 * both + head
    decomposed = counter.flops(Case(one, PassKind.DECOMPOSED, 3))
    assert decomposed == 3 * (question + passage) + both + head
    assert counter.flops(Case(one, PassKind.STORED, 3)) == 3 * question + both + head
    assert counter.flops(Case(stores_first, PassKind.STORED, 3)) == 3 * passage + both + head


def xlnet_layer_flops(config: DeformerConfig, n_tokens: int, *, is_joint: bool) -> int:
    """Beside what BERT's layer does: distances projected and scored, and sides where there are."""
    size = config.hidden_size
    distances = 2 * 2 * n_tokens * size * size + 2 * n_tokens * 2 * n_tokens * size
    return layer_flops(config, n_tokens) + distances + is_joint * 2 * n_tokens * 2 * size


def test_operations_of_a_tiny_xlnet_are_those_of_the_formula() -> None:
    fields = SHAPES["xlnet-base"] | {"hidden_size": 32, "intermediate_size": 64}
    fields |= {"num_hidden_layers": 4, "num_attention_heads": 4, "num_lower_layers": 3}
    config = DeformerConfig(**fields)
    one = workload(TINY, Arrangement.PADDED)
    question, passage = (xlnet_layer_flops(config, n, is_joint=False) for n in (8, 32))
    both = xlnet_layer_flops(config, 40, is_joint=True)
    head = 2 * (32 + 1) * config.hidden_size * 2  # passage rows, and [CLS]
    counter = Counter(config)
    assert counter.flops(Case(one, PassKind.FULL, 0)) == 4 * both + head
    decomposed = counter.flops(Case(one, PassKind.DECOMPOSED, 3))
    assert decomposed == 3 * (question + passage) + both + head
    assert counter.flops(Case(one, PassKind.STORED, 3)) == 3 * question + both + head


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("xlnet-base", {"d_model": 768, "n_layer": 12, "n_head": 12, "d_inner": 3072}),
        ("xlnet-large", {"d_model": 1024, "n_layer": 24, "n_head": 16, "d_inner": 4096}),
    ],
)
def test_shapes_of_xlnet_are_those_of_its_configurations(name: str, shape: dict[str, Any]) -> None:
    subject = Subject.load(name)
    fields = XLNET.config_fields(XLNetConfig(**shape))
    assert fields == {field: getattr(subject.config, field) for field in fields}
    subject.check_room(10_000)


@pytest.mark.slow
def test_a_packed_batch_runs_its_question_through_the_lower_layers_once(
    make_tiny_model: Callable[..., DeformerForQuestionAnswering],
) -> None:
    config = make_tiny_model().config
    counter = Counter(config)
    padded = counter.flops(Case(workload(TINY, Arrangement.PADDED, 6), PassKind.STORED, 2))
    packed = counter.flops(Case(workload(TINY, Arrangement.PACKED, 6), PassKind.STORED, 2))
    heads = [2 * 6 * (n + 1) * config.hidden_size * 2 for n in (32, 20)]
    assert padded == 6 * 2 * (layer_flops(config, 8) + layer_flops(config, 40)) + heads[0]
    assert packed == 2 * layer_flops(config, 5) + 6 * 2 * layer_flops(config, 25) + heads[1]


def test_counting_leaves_no_trace_in_the_reader(
    make_tiny_model: Callable[..., DeformerForQuestionAnswering],
) -> None:
    model = make_tiny_model()
    Counter(model.config).flops(Case(workload(TINY, Arrangement.PADDED), PassKind.STORED, 3))
    make_pass(model, Case(workload(TINY, Arrangement.PADDED), PassKind.FULL, 0))()
    assert model.config.num_lower_layers == 2


def test_parameters_are_those_of_the_weights(
    make_tiny_model: Callable[..., DeformerForQuestionAnswering],
) -> None:
    model = make_tiny_model(num_lower_layers=3)
    counts = Counter(model.config).parameters()
    of_layer = sum(p.numel() for p in model.layers[0].parameters())
    assert counts.pop("all") == sum(p.numel() for p in model.parameters()) == sum(counts.values())
    assert counts["lower_layers"] == 3 * of_layer and counts["upper_layers"] == of_layer
    assert counts["head"] == 2 * (model.config.hidden_size + 1)


def test_full_and_decomposed_passes_give_the_logits_of_the_model(
    make_tiny_model: Callable[..., DeformerForQuestionAnswering],
) -> None:
    model = make_tiny_model()
    two = workload(TINY, Arrangement.PADDED, 2)
    questions, passages = two.inputs(CPU)
    with torch.inference_mode():
        whole = make_tiny_model(num_lower_layers=0)(questions, passages, [(0, 0), (1, 1)])
        split = model(questions, passages, [(0, 0), (1, 1)])
    torch.testing.assert_close(make_pass(model, Case(two, PassKind.FULL, 0))().start, whole.start)
    decomposed = make_pass(model, Case(two, PassKind.DECOMPOSED, 2))()
    torch.testing.assert_close(decomposed.start, split.start)
    assert not torch.allclose(whole.start, split.start)


def test_most_memory_is_held_at_once_and_more_is_asked_for_in_all() -> None:
    def run() -> torch.Tensor:
        first = torch.ones(1 << 18)  # 1 MiB
        second = first + 1
        del first
        return second + 1

    memory = measure_memory(run, CPU)
    assert memory.peak_bytes == pytest.approx(2 << 20, rel=0.01)
    assert memory.requested_bytes == pytest.approx(3 << 20, rel=0.01)


def test_a_longer_input_needs_more_memory(
    make_tiny_model: Callable[..., DeformerForQuestionAnswering],
) -> None:
    model = make_tiny_model()
    short, long = (
        measure_memory(make_pass(model, Case(w, PassKind.STORED, 2)), CPU)
        for w in (workload(TINY, Arrangement.PADDED, n) for n in (1, 8))
    )
    assert long.peak_bytes > 6 * short.peak_bytes


def test_upper_layers_let_go_of_outputs_that_nobody_asked_for(
    make_tiny_model: Callable[..., DeformerForQuestionAnswering],
) -> None:
    model = make_tiny_model(num_hidden_layers=12, num_lower_layers=0)
    questions = Packed(torch.zeros(20, dtype=torch.int64), (20,))

    def read(keep_hidden: bool) -> int:
        with torch.inference_mode():
            question, passage = (model.lower(questions, segment) for segment in Segment)
            memory = measure_memory(
                lambda: model.upper(question, passage, keep_hidden=keep_hidden), CPU
            )
        return memory.peak_bytes

    of_layer = 40 * model.config.hidden_size * 4
    assert read(True) - read(False) >= 10 * of_layer


def test_passes_take_turns_and_warm_ups_do_not_count() -> None:
    calls: list[str] = []
    passes = [lambda: calls.append("a"), lambda: calls.append("b")]
    latencies = measure_latency(passes, repeat=5, device=CPU)
    assert calls == ["a", "b"] * 7
    assert all(0 <= x.least_ms <= x.median_ms <= x.most_ms for x in latencies)


def test_latency_is_of_the_pass_it_stands_for() -> None:
    import time

    passes = [lambda: time.sleep(0.02), lambda: None]
    slow, fast = measure_latency(passes, repeat=5, device=CPU)
    assert slow.least_ms >= 20 > fast.median_ms


def test_storage_is_what_codecs_write() -> None:
    rows = {row.codec: row for row in storage_of(768, 30522)}
    states = Packed(torch.randn(3, 768), (3,))
    ids = Packed(torch.zeros(3, dtype=torch.int64), (3,))
    for codec in (Float16Codec(), Int8Codec()):
        code = codec.encode(states, ids)
        of_token = code.shape[1] * code.element_size() + 2  # and the token's id
        assert rows[str(codec.name)].bytes_per_token == of_token
    assert rows["rpq8"].bytes_per_token == 10
    assert rows["rpq8"].bytes_wikipedia == WIKIPEDIA_PASSAGES * rows["rpq8"].bytes_per_passage
    assert storage_of(768, 100_000, ["rpq8"])[0].bytes_per_token == 12


@pytest.mark.slow
def test_a_profile_of_a_reader_has_three_rows_for_each_arrangement(tiny_reader_path: Path) -> None:
    options = ProfileOptions(layouts=(TINY,), repeat=5)
    profile = profile_reader(str(tiny_reader_path), options, num_lower_layers=3).to_dict()
    assert profile["weights"] == "trained" and profile["num_lower_layers"] == 3
    found = [(r["arrangement"], r["pass"], r["num_lower_layers"]) for r in profile["rows"]]
    kinds = [("full", 0), ("decomposed", 3), ("stored", 3)]
    assert found == [(a, *kind) for a in ("padded", "packed") for kind in kinds]
    for row in profile["rows"]:
        assert row["latency_ms"]["least"] <= row["latency_ms"]["median"]
        assert 0 < row["peak_bytes"] <= row["requested_bytes"]
    assert profile["rows"][0]["speedup"] == profile["rows"][0]["flop_speedup"] == 1


@pytest.mark.slow
def test_a_sweep_gains_with_every_layer_below_its_bound(tiny_reader_path: Path) -> None:
    sweep = sweep_reader(str(tiny_reader_path), COUNTED)
    for arrangement in Arrangement:
        rows = [r for r in sweep.rows if r.case.workload.arrangement is arrangement]
        assert [r.case.num_lower_layers for r in rows] == [0, 1, 2, 3]
        speedups = [r.flop_speedup for r in rows]
        assert speedups == sorted(set(speedups))
        assert all(s <= 4 / (4 - k) for k, s in enumerate(speedups))
    assert sweep.rows[0].latency is None and sweep.rows[0].memory is None


@pytest.mark.slow
def test_a_shape_is_split_where_it_is_told() -> None:
    profile = profile_reader("bert-base", COUNTED, num_lower_layers=4)
    content = profile.to_dict()
    assert content["weights"] == "random" and content["num_lower_layers"] == 4
    assert content["rows"][0]["latency_ms"] is None and content["repeat"] is None


@pytest.mark.slow
def test_a_sweep_is_drawn(tiny_reader_path: Path, tmp_path: Path) -> None:
    sweep = sweep_reader(str(tiny_reader_path), COUNTED)
    plain, with_f1 = tmp_path / "plain.png", tmp_path / "f1.png"
    plot_sweep(sweep, plain)
    plot_sweep(sweep, with_f1, {"squad": {1: 60.0, 2: 58.5}})
    assert plain.read_bytes()[:4] == with_f1.read_bytes()[:4] == b"\x89PNG"
    assert plain.read_bytes() != with_f1.read_bytes()
    with pytest.raises(PrereadError, match="could not be written"):
        plot_sweep(sweep, tmp_path / "missing" / "plain.png")


def test_f1_is_read_from_a_split_curve(tmp_path: Path) -> None:
    curve = tmp_path / "curve.json"
    rows = [
        {"num_lower_layers": k, "kind": "gold", "scores": {"squad": {"f1": 60.5 - k}}}
        for k in (0, 2)
    ]
    curve.write_text(json.dumps({"rows": rows}))
    assert f1_by_split(curve) == {"squad, gold": {0: 60.5, 2: 58.5}}
    for broken in ("", "[]", '{"rows": [{"scores": {}}, 3]}', '{"rows": [{"scores": {"a": 1}}]}'):
        curve.write_text(broken)
        with pytest.raises(PrereadError, match="expected the JSON that benchmarks/split"):
            f1_by_split(curve)
    with pytest.raises(PrereadError, match="expected the JSON that benchmarks/split"):
        f1_by_split(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"batch": 0}, "--batch: expected 1 or more, found 0"),
        ({"repeat": 4}, "--repeat: expected 5 or more, found 4"),
        ({"question_tokens": 3}, "expected both or neither"),
        ({"question_tokens": 3, "passage_tokens": -1}, "--passage-tokens: expected 1 or more"),
    ],
)
def test_options_that_cannot_be_are_refused(fields: dict[str, int], message: str) -> None:
    with pytest.raises(PrereadError, match=message):
        ProfileOptions(**fields)  # type: ignore[arg-type]


def test_unknown_layouts_segments_and_too_long_ones_are_refused(tiny_reader_path: Path) -> None:
    assert find_layouts(["qqp", "all"])[0].name == "qqp"
    assert {layout.name for layout in find_layouts(["all"])} == set(LAYOUTS)
    with pytest.raises(PrereadError, match=r"expected all or one of squad, race, .*found 'nli'"):
        find_layouts(["nli"])
    with pytest.raises(PrereadError, match="expected first or second, found 'third'"):
        parse_stored("third")
    too_long = ProfileOptions(is_measured=False)
    with pytest.raises(PrereadError, match="at most 64 tokens .* found one of 293"):
        profile_reader(str(tiny_reader_path), too_long)
    with pytest.raises(PrereadError, match=r"num_lower_layers must lie in 0\.\.12.* found 13"):
        profile_reader("bert-base", COUNTED, num_lower_layers=13)
