"""Tables of signed bytes stand for numbers exactly."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from preread.reader.codecs.tables import from_int8, rounded, to_int8


@given(st.integers(0, 10_000), st.integers(0, 5), st.sampled_from([1e-7, 1e-4, 1.0, 300.0]))
def test_a_rounded_table_is_written_without_loss(seed: int, n_rows: int, size: float) -> None:
    torch.manual_seed(seed)
    table = size * torch.randn(2, n_rows, 3)
    once = rounded(table)
    steps, scales = to_int8(once)
    assert (steps.dtype, scales.dtype, scales.shape) == (torch.int8, torch.float16, (2, 3))
    assert torch.equal(from_int8(steps, scales), once)
    assert bool(((once - table).abs() <= 0.51 * scales.float().unsqueeze(1)).all())


def test_a_single_row_keeps_the_digits_of_float16() -> None:
    row = torch.tensor([[0.1, -3.0, 1000.0]])
    torch.testing.assert_close(rounded(row), row, rtol=2**-11, atol=0)
