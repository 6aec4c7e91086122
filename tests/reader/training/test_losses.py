"""Losses, against values worked out by hand."""

import math

import pytest
import torch
from preread.reader.training.losses import (
    distillation_loss,
    gold_loss,
    layer_loss,
    segment_log_softmax,
)

# Two segments: rows 0-1 and rows 2-4. The last row of each is no text.
ALLOWED = torch.tensor([True, False, True, True, False])
SEGMENT = torch.tensor([0, 0, 1, 1, 1])


def test_log_softmax_of_segments_by_hand() -> None:
    logits = torch.tensor([5.0, 9.0, math.log(3.0), 0.0, 9.0])
    found = segment_log_softmax(logits, ALLOWED, SEGMENT, 2).exp()
    assert found.tolist() == pytest.approx([1.0, 0.0, 0.75, 0.25, 0.0], abs=1e-6)


def test_log_softmax_equals_torch_on_each_segment() -> None:
    torch.manual_seed(0)
    logits = torch.randn(50) * 30
    segment = torch.arange(5).repeat_interleave(10)
    found = segment_log_softmax(logits, torch.ones(50, dtype=torch.bool), segment, 5)
    expected = logits.view(5, 10).log_softmax(dim=1).flatten()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_empty_segment_gives_no_nan() -> None:
    logits = torch.zeros(5, requires_grad=True)
    found = segment_log_softmax(logits, ALLOWED & (SEGMENT == 1), SEGMENT, 2)
    found[2].backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all() and not found.isnan().any()


def test_gold_loss_by_hand() -> None:
    start = torch.tensor([5.0, 9.0, math.log(3.0), 0.0, 9.0])
    end = torch.tensor([-1.0, 9.0, 0.0, math.log(7.0), 9.0])
    log_start, log_end = (segment_log_softmax(x, ALLOWED, SEGMENT, 2) for x in (start, end))
    loss = gold_loss(log_start, log_end, torch.tensor([0, 2]), torch.tensor([0, 3]), 2)
    # Segment 0 has one choice (CE 0). Segment 1: start 3/(3+1), end 7/(7+1). Mean of two.
    expected = (-math.log(3 / 4) / 2 - math.log(7 / 8) / 2) / 2
    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_rows_that_are_no_text_get_no_gradient() -> None:
    start = torch.zeros(5, requires_grad=True)
    log_start = segment_log_softmax(start, ALLOWED, SEGMENT, 2)
    log_end = torch.zeros(5)
    gold_loss(log_start, log_end, torch.tensor([0, 2]), torch.tensor([0, 3]), 2).backward()
    assert start.grad is not None
    assert start.grad[~ALLOWED].abs().sum() == 0 and start.grad[2:4].abs().sum() > 0


def test_distillation_by_hand() -> None:
    # T = 2 halves the logits. Segment 0 agrees (one choice). Segment 1: teacher 3:1, student 1:1.
    teacher = torch.tensor([1.0, 0.0, 2 * math.log(3.0), 0.0, 0.0])
    student = torch.tensor([7.0, 3.0, 5.0, 5.0, 8.0])
    kl = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    found = distillation_loss(student, teacher, ALLOWED, SEGMENT, 2, temperature=2.0)
    assert found.item() == pytest.approx(4 * kl / 2, abs=1e-6)


def test_distillation_of_the_same_logits_is_nothing() -> None:
    logits = torch.randn(5)
    found = distillation_loss(logits, logits, ALLOWED, SEGMENT, 2)
    assert found.item() == pytest.approx(0.0, abs=1e-6)


def test_layer_loss_compares_the_last_layers_by_hand() -> None:
    student = [torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 0.0]])]
    teacher = [torch.tensor([[9.0, 9.0]]), torch.tensor([[1.0, 4.0]]), torch.tensor([[3.0, 0.0]])]
    # Layer means: (0² + 2²)/2 = 2 and (3² + 0²)/2 = 4.5.
    assert layer_loss(student, teacher).item() == pytest.approx((2 + 4.5) / 2)
