"""Sensitivity of answers to errors in lower states: their Fisher information.

A small error d in a state changes the distribution of answers by about ``d @ F @ d / 2`` nats of
Kullback-Leibler divergence. F is the second moment of the gradient of an answer's log-probability,
with answers drawn from the reader itself. A codec that keeps ``d @ F @ d`` small spends its bytes
on what the upper layers read.

Questions are made from the passages themselves (`statement_examples`), so only text is needed.

Source: Choi et al. 2017 (https://arxiv.org/abs/1612.01543), section 3, weight the k-means of
network weights by the curvature of the loss; here states are quantised, and F is a full matrix.
"""

import random
from collections.abc import Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from ....data import Passage, ReadingExample, statement_examples
from ...modeling.layers import Segment
from ...packing import Packed
from ...reader import Reader

_QUESTIONS = 400
_AT_ONCE = 8
_DRAWS = 2
"""Answers drawn for each question."""


def fisher_information(
    reader: Reader, passages: Sequence[Passage], *, seed: int = 0, show_progress: bool = False
) -> Tensor:
    """Average over tokens of the outer product of the gradient.

    Args:
        reader: Reader whose upper layers are examined.
        passages: Passages from which questions are made.
        seed: Seed of the choice of questions and answers.
        show_progress: Whether to draw a progress bar on standard error.

    Returns:
        Shape ``(hidden_size, hidden_size)``, float64, on CPU; zeros if no question can be made from
        any passage.
    """
    generator = torch.Generator(reader.device).manual_seed(seed)
    examples = list(statement_examples(passages, per_passage=1, seed=seed))
    examples = random.Random(seed).sample(examples, min(_QUESTIONS, len(examples)))
    size = reader.config.hidden_size
    total = torch.zeros(size, size, dtype=torch.float64)
    n_tokens = 0
    starts = range(0, len(examples), _AT_ONCE)
    for first in tqdm(starts, desc="sensitivity", disable=not show_progress, delay=2):
        gradient = _gradient(reader, examples[first : first + _AT_ONCE], generator)
        total += (gradient.T @ gradient).double().cpu()
        n_tokens += gradient.shape[0]
    return total / max(1, n_tokens)


@torch.inference_mode(False)
@torch.enable_grad()
def _gradient(
    reader: Reader, examples: Sequence[ReadingExample], generator: torch.Generator
) -> Tensor:
    """Gradients of drawn answers' log-probabilities by the states. Shape ``(n_rows, size)``."""
    model, encoder = reader.model, reader.encoder
    encoded = encoder.encode_passages([e.context for e in examples], [e.title for e in examples])
    windows = Packed.from_lists([of_passage[0].token_ids for of_passage in encoded])
    questions = Packed.from_lists(encoder.encode_questions([e.question for e in examples]))
    with torch.no_grad():
        states = model.lower(windows.to(reader.device), Segment.PASSAGE)
        asked = model.lower(questions.to(reader.device), Segment.QUESTION)
    rows = states.rows.detach().requires_grad_(True)
    pairs = [(number, number) for number in range(len(examples))]
    logits = model.upper(asked, states.with_rows(rows), pairs)
    drawn: list[Tensor] = []
    for packed in (logits.start, logits.end):
        for of_window in torch.split(packed, list(windows.lengths)):
            chances = of_window.detach().softmax(0)
            answers = torch.multinomial(chances, _DRAWS, replacement=True, generator=generator)
            drawn.append(of_window.log_softmax(0)[answers].sum() / _DRAWS**0.5)
    (gradient,) = torch.autograd.grad(torch.stack(drawn).sum(), rows)
    return gradient
