"""Runtimes give the numbers of the model they are made of."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from preread.reader import DeformerForQuestionAnswering, Packed, Precision, Reader
from preread.reader.attention import attend_by_segment, attend_padded
from preread.reader.runtime import FusedUpper, load_runtime
from preread.reader.runtime.joining import joined_batches
from preread.reader.spans import window_table

MakeModel = Callable[..., DeformerForQuestionAnswering]
lengths = st.lists(st.integers(1, 12), min_size=1, max_size=5)


def packed(lengths: list[int], size: int) -> Packed:
    """Random states."""
    return Packed(torch.randn(sum(lengths), size), tuple(lengths))


@given(lengths, lengths, st.data())
@settings(max_examples=40, deadline=None)
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
    for q, p in pairs:
        mine = list(range(p_offsets[p], p_offsets[p + 1]))
        expected.append([*range(q_offsets[q], q_offsets[q + 1]), *(n_q + row for row in mine)])
        targets.append(list(range(place, place + len(mine))))
        place += len(mine)
    found = []
    for batch in joined_batches(questions, passages, pairs, rows_at_once):
        assert sum(batch.lengths) <= rows_at_once or len(batch.lengths) == 1
        rows = torch.split(batch.source, batch.lengths)
        places = torch.split(batch.target, batch.passage_lengths)
        is_passage = torch.zeros(sum(batch.lengths), dtype=torch.bool)
        is_passage[batch.passage_rows] = True
        for segment, flags, where in zip(
            rows, torch.split(is_passage, batch.lengths), places, strict=True
        ):
            assert flags.tolist() == sorted(flags.tolist()), "the question comes first"
            assert int(flags.sum()) == len(where)
            found.append((where.tolist(), segment.tolist()))
    assert sorted(found) == sorted(zip(targets, expected, strict=True))


@pytest.mark.parametrize("num_lower_layers", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("rows_at_once", [1, 30, 10_000])
def test_fused_layers_equal_the_model(
    make_tiny_model: MakeModel, num_lower_layers: int, rows_at_once: int
) -> None:
    torch.manual_seed(num_lower_layers)
    model = make_tiny_model(num_hidden_layers=4, num_lower_layers=num_lower_layers).eval()
    size = model.config.hidden_size
    questions, passages = packed([3, 7], size), packed([1, 9, 4, 9], size)
    pairs = [(1, 0), (0, 3), (1, 2), (0, 1), (1, 3)]
    with torch.inference_mode():
        expected = model.upper(questions, passages, pairs)
    start, end = FusedUpper(model, rows_at_once=rows_at_once).span_logits(
        questions, passages, pairs
    )
    torch.testing.assert_close(start, expected.start, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(end, expected.end, rtol=1e-4, atol=1e-5)


def test_padded_attention_of_a_gpu_gives_the_same() -> None:
    """What a GPU runs, run here."""
    torch.manual_seed(0)
    query, key, value = torch.randn(6, 2, 8), torch.randn(14, 2, 8), torch.randn(14, 2, 8)
    arguments = query, key, value, (5, 2, 7)
    torch.testing.assert_close(
        attend_padded(*arguments, query_lengths=(1, 2, 3)),
        attend_by_segment(*arguments, query_lengths=(1, 2, 3)),
    )


def test_bfloat16_stays_near(make_tiny_model: MakeModel) -> None:
    torch.manual_seed(0)
    model = make_tiny_model(num_hidden_layers=4, num_lower_layers=2).eval()
    size = model.config.hidden_size
    questions, passages, pairs = packed([5], size), packed([30, 20], size), [(0, 0), (0, 1)]
    exact, near = (
        load_runtime(model, precision).span_logits(questions, passages, pairs)
        for precision in Precision
    )
    for a, b in zip(exact, near, strict=True):
        assert b.dtype == torch.float32
        assert float((a - b).norm() / a.norm()) < 0.03


def test_nothing_to_read(make_tiny_model: MakeModel) -> None:
    model = make_tiny_model().eval()
    size = model.config.hidden_size
    start, end = FusedUpper(model).span_logits(packed([3], size), packed([], size), [])
    assert start.shape == end.shape == (0,)


def test_a_reader_answers_alike_in_both_precisions() -> None:
    """On text it was trained for, rounding moves no answer."""
    exact, half = (Reader.load("default", precision=precision) for precision in Precision)
    text = "Etna is a volcano on Sicily. It erupted in 2021, and the airport of Catania was shut."
    (windows,) = half.encoder.encode_passages([text], [""])
    table = window_table([(len(w.token_ids), w.n_prefix, w.first_token, 0) for w in windows])
    states = exact.window_states(windows)
    for question in ("where is etna?", "when did it erupt?", "what was shut?"):
        spans = [
            reader.read(reader.question_states(question), states, table, n_best=1)[0]
            for reader in (exact, half)
        ]
        assert (spans[0].first_token, spans[0].last_token) == (
            spans[1].first_token,
            spans[1].last_token,
        )
