"""Decoding against a plain triple loop, and its rules one by one."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from preread.reader import DeformerConfig, WindowTable, decode_spans
from preread.reader.inference.span_decoder import SpanDecoder
from preread.reader.inference.spans import passage_margins, passage_normalisers
from preread.reader.inference.window_table import window_table
from preread.reader.modeling.question_answering import SpanLogits

TABLE = window_table([(5, 1, 0, 0), (4, 0, 0, 1), (4, 0, 2, 1)])


def by_hand(
    start: torch.Tensor,
    end: torch.Tensor,
    windows: WindowTable,
    longest: int,
    is_meaningful: torch.Tensor | None = None,
) -> tuple[float, int, int, int]:
    """The best span, by trying all of them."""
    best = (-float("inf"), -1, -1, -1)
    row = 0
    for length, prefix, first, passage in zip(
        windows.lengths, windows.n_prefix, windows.first_token, windows.passage, strict=True
    ):
        for i in range(prefix, length - 1):
            for j in range(i, min(i + longest, length - 1)):
                score = float(start[row + i] + end[row + j])
                inside = slice(row + i, row + j + 1)
                is_allowed = is_meaningful is None or bool(is_meaningful[inside].any())
                if is_allowed and score > best[0]:
                    best = (score, passage, first + i - prefix, first + j - prefix)
        row += length
    return best


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=6),
    st.integers(1, 6),
    st.integers(0, 2**31),
    st.sampled_from([None, 0.0, 0.2, 0.8, 1.0]),
)
def test_best_span_equals_a_plain_loop(
    shapes: list[tuple[int, int]], longest: int, seed: int, share: float | None
) -> None:
    """With a share of rows that carry meaning; without one all rows do."""
    rows = [(prefix + text + 1, prefix, 0, p) for p, (prefix, text) in enumerate(shapes)]
    windows = window_table(rows)
    torch.manual_seed(seed)
    start, end = torch.randn(2, sum(windows.lengths)).unbind(0)
    flags = None if share is None else torch.rand(sum(windows.lengths)) < share
    found = decode_spans(
        start, end, windows, max_answer_length=longest, n_best=1, is_meaningful=flags
    )
    score, passage, first, last = by_hand(start, end, windows, longest, flags)
    if passage < 0:
        assert found == []
        return
    assert (found[0].passage, found[0].first_token, found[0].last_token) == (passage, first, last)
    assert abs(found[0].logit - score) < 1e-5


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=7),
    st.integers(1, 4),
    st.integers(0, 2**31),
    st.booleans(),
)
def test_best_span_of_fewer_passages_is_the_best_of_their_best_spans(
    shapes: list[tuple[int, int]], longest: int, seed: int, has_ties: bool
) -> None:
    """Passages of one or two windows; whole-numbered logits, so that some are equal."""
    rows = [
        (prefix + text + 1, prefix, 0, number // 2) for number, (prefix, text) in enumerate(shapes)
    ]
    n_passages = rows[-1][-1] + 1
    windows = window_table(rows)
    torch.manual_seed(seed)
    logits = torch.randint(0, 3, (2, sum(windows.lengths))).float()
    start, end = logits if has_ties else torch.randn_like(logits)
    scores = torch.randint(0, 3, (n_passages,)).tolist()
    of_passages = decode_spans(
        start, end, windows,
        max_answer_length=longest, n_best=1, passage_scores=scores, of_each_passage=True,
    )  # fmt: skip
    for k in range(1, n_passages + 1):
        few = window_table([row for row in rows if row[-1] < k])
        n_rows = sum(few.lengths)
        alone = decode_spans(
            start[:n_rows], end[:n_rows], few,
            max_answer_length=longest, n_best=1, passage_scores=scores[:k],
        )  # fmt: skip
        best = [s for s in of_passages if s.passage < k][:1]
        assert [s.logit for s in best] == [s.logit for s in alone]
        if not has_ties:
            assert [(s.passage, s.first_token, s.last_token) for s in best] == [
                (s.passage, s.first_token, s.last_token) for s in alone
            ]


def test_a_span_without_meaning_changes_no_probability() -> None:
    torch.manual_seed(0)
    start, end = torch.randn(2, 13)
    every = decode_spans(start, end, TABLE, max_answer_length=1, n_best=9)
    flags = torch.arange(13) % 2 == 0
    some = decode_spans(start, end, TABLE, max_answer_length=1, n_best=9, is_meaningful=flags)
    assert 0 < len(some) < len(every) and set(some) <= set(every)


def test_margins_are_those_of_spans_with_meaning() -> None:
    start, null = torch.arange(13.0), torch.zeros(3, 2)
    flags = torch.zeros(13, dtype=torch.bool)
    flags[2] = True  # of the first passage; the second has no span
    found = passage_margins(start, start, null, TABLE, max_answer_length=1, is_meaningful=flags)
    assert found.tolist() == [4.0, 0.0]


def test_title_and_separator_are_never_answers() -> None:
    start = torch.tensor([9.0, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 9])
    spans = decode_spans(start, start.clone(), TABLE, max_answer_length=5, n_best=20)
    assert all(span.logit < 9 for span in spans)


def test_span_may_not_be_longer_than_allowed() -> None:
    start, end = torch.zeros(5), torch.zeros(5)
    start[0], end[3] = 5.0, 5.0
    windows = window_table([(5, 0, 0, 0)])
    short = decode_spans(start, end, windows, max_answer_length=3, n_best=1)[0]
    assert short.last_token - short.first_token < 3
    long = decode_spans(start, end, windows, max_answer_length=4, n_best=1)[0]
    assert (long.first_token, long.last_token) == (0, 3)


def test_overlapping_windows_give_an_answer_once() -> None:
    start = torch.zeros(13)
    start[[5 + 2, 9 + 0]] = 7.0  # text token 2 of passage 1, seen by both of its windows
    spans = decode_spans(start, start.clone(), TABLE, max_answer_length=1, n_best=3)
    assert [(s.passage, s.first_token) for s in spans].count((1, 2)) == 1


def test_probabilities_are_a_softmax_over_all_spans() -> None:
    torch.manual_seed(0)
    start, end = torch.randn(2, 13).unbind(0)
    windows = window_table([(5, 1, 0, 0), (4, 0, 0, 1), (4, 0, 0, 2)])
    single = decode_spans(start, end, windows, max_answer_length=1, n_best=50)
    assert sum(s.probability for s in single) == pytest.approx(1.0)
    spans = decode_spans(start, end, windows, max_answer_length=5, n_best=50)
    assert 0 < sum(s.probability for s in spans) < 1  # overlapping spans are left out
    assert spans == sorted(spans, key=lambda s: -s.probability)


def test_normalisers_leave_the_product_of_two_softmaxes() -> None:
    torch.manual_seed(0)
    start, end = torch.randn(2, 15).unbind(0)
    windows = window_table([(5, 1, 0, 0), (4, 0, 0, 1), (4, 0, 2, 1), (2, 1, 0, 2)])
    found = passage_normalisers(start, end, windows)
    texts = [[1, 2, 3], [5, 6, 7, 9, 10, 11]]
    expected = [start[rows].logsumexp(0) + end[rows].logsumexp(0) for rows in texts]
    torch.testing.assert_close(found, torch.stack([*expected, torch.tensor(0.0)]))


def test_score_of_a_passage_is_added_to_its_spans() -> None:
    start, end = torch.zeros(13), torch.zeros(13)
    (plain,) = decode_spans(start, end, TABLE, max_answer_length=2, n_best=1)
    (moved,) = decode_spans(
        start, end, TABLE, max_answer_length=2, n_best=1, passage_scores=[0.0, 1.5]
    )
    assert (plain.passage, moved.passage) == (0, 1)
    assert moved.logit == pytest.approx(plain.logit + 1.5)


def test_no_window_has_no_answer() -> None:
    none = torch.zeros(0)
    assert decode_spans(none, none, window_table([]), max_answer_length=5, n_best=3) == []
    null = torch.zeros(0, 2)
    assert not len(passage_margins(none, none, null, window_table([]), max_answer_length=5))


def test_passages_without_text_have_no_answer() -> None:
    windows = window_table([(1, 0, 0, 0), (3, 2, 0, 1)])
    assert (
        decode_spans(torch.zeros(4), torch.zeros(4), windows, max_answer_length=5, n_best=3) == []
    )


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=7),
    st.integers(1, 4),
    st.integers(0, 2**31),
)
def test_best_spans_by_passage_are_the_best_of_all_spans(
    shapes: list[tuple[int, int]], n_best: int, seed: int
) -> None:
    """Passages of one or two windows, against all spans counted by passage."""
    rows = [(prefix + text + 1, prefix, 0, n // 2) for n, (prefix, text) in enumerate(shapes)]
    windows = window_table(rows)
    torch.manual_seed(seed)
    start, end = torch.randn(2, sum(windows.lengths)).unbind(0)
    scores = torch.randn(rows[-1][-1] + 1).tolist()
    every = decode_spans(
        start, end, windows, max_answer_length=3, n_best=10_000, passage_scores=scores
    )
    expected = [
        span
        for number, span in enumerate(every)
        if sum(other.passage == span.passage for other in every[:number]) < n_best
    ]
    found = decode_spans(
        start, end, windows,
        max_answer_length=3, n_best=n_best, passage_scores=scores, of_each_passage=True,
    )  # fmt: skip
    assert found == expected


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=7),
    st.integers(0, 2**31),
)
def test_margins_equal_a_plain_loop(shapes: list[tuple[int, int]], seed: int) -> None:
    rows = [(prefix + text + 1, prefix, 0, n // 2) for n, (prefix, text) in enumerate(shapes)]
    windows = window_table(rows)
    torch.manual_seed(seed)
    start, end = torch.randn(2, sum(windows.lengths)).unbind(0)
    null = torch.randn(len(rows), 2)
    found = passage_margins(start, end, null, windows, max_answer_length=3)
    margins: dict[int, float] = {}
    row = 0
    for number, (length, prefix, first, passage) in enumerate(rows):
        some = slice(row, row + length)
        one = window_table([(length, prefix, first, 0)])
        logit = by_hand(start[some], end[some], one, 3)[0]
        margins[passage] = max(
            margins.get(passage, -float("inf")), logit - float(null[number].sum())
        )
        row += length
    expected = [m if m > -float("inf") else 0.0 for _, m in sorted(margins.items())]
    torch.testing.assert_close(found, torch.tensor(expected))


@pytest.mark.parametrize("compare", [True, False])
def test_a_calls_own_length_is_that_of_margins_too(compare: bool) -> None:
    """What no answer may be is nothing to say of its passage."""
    said: dict[str, Any] = {"has_no_answer_score": True, "shared_normalization": compare}
    config = DeformerConfig(max_answer_length=3, **said)
    short = DeformerConfig(max_answer_length=1, **said)
    start = torch.linspace(3, 0, sum(TABLE.lengths))
    logits = SpanLogits(start, 2 * start.flip(0), torch.zeros(len(TABLE.lengths), 2))
    called, configured = SpanDecoder(config, 0.5), SpanDecoder(short, 0.5)
    expected = configured.margins(logits, TABLE)
    assert called.margins(logits, TABLE) != expected
    assert called.margins(logits, TABLE, max_answer_length=1) == expected
    for name in ("best", "best_by_passage"):
        found = getattr(called, name)(logits, TABLE, 3, max_answer_length=1)
        assert found == getattr(configured, name)(logits, TABLE, 3)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=6),
    st.integers(1, 6),
    st.integers(0, 2**31),
)
def test_no_span_reaches_over_a_break(
    shapes: list[tuple[int, int]], longest: int, seed: int
) -> None:
    windows = window_table([(p + text + 1, p, 0, n) for n, (p, text) in enumerate(shapes)])
    torch.manual_seed(seed)
    start, end = torch.randn(2, sum(windows.lengths)).unbind(0)
    tokens = {n: list(range(0, text, 3)) for n, (_, text) in enumerate(shapes)}
    breaks = windows.rows_of(tokens)
    assert int(breaks.sum()) == sum(map(len, tokens.values()))
    found = decode_spans(
        start, end, windows,
        max_answer_length=longest, n_best=9, breaks=breaks, of_each_passage=True,
    )  # fmt: skip
    assert len(found) >= sum(map(len, tokens.values()))  # a span begins at each of them at least
    for span in found:
        assert span.first_token // 3 == span.last_token // 3
