"""Reading passages in waves, best promise first, until no unread one is likely to win.

Passages come in their retriever's order, and a span's logit has its passage's BM25 score in it,
weighed. An unread passage would have to bring a logit higher than the best answer so far less the
most that BM25 promises for any of them. When that lead is greater than a margin that logits hardly
ever have, the rest is not read. The best answer is the best span here, also where equal answers add
up: what support unread passages would give is not known.

Source: the stopping rule of threshold algorithms (Fagin et al. 2003,
https://doi.org/10.1016/S0022-0000(03)00026-6), with a bound that holds for most questions, not all.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from ..indexer import PassageIndex
from ..reader import Packed, Reader, SpanLogits, WindowTable
from ..reader.codecs import Codec

FIRST_WAVE = 8
"""Passages of the first wave; each later one doubles what has been read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The logits of the passages that were read."""

    logits: SpanLogits
    windows: WindowTable
    n_passages: int
    """The first of those that were given."""


def wave_ends(n_passages: int, first: int = FIRST_WAVE) -> Iterator[int]:
    """How many passages have been read after each wave."""
    end = first
    while end < n_passages:
        yield end
        end *= 2
    yield n_passages


def read_in_waves(
    reader: Reader,
    index: PassageIndex,
    codec: Codec,
    question: Packed,
    ordinals: Sequence[int],
    passage_scores: Sequence[float],
    *,
    margin: float | None,
    on_stage: Callable[[str], None],
) -> Reading:
    """Read passages until the best answer is ahead by a margin.

    Args:
        reader: What reads.
        index: Where the passages' states are.
        codec: Decodes them.
        question: Lower states of the question.
        ordinals: The passages, best promise first.
        passage_scores: What each brings along, in logits.
        margin: In logits; None reads all in one wave.
        on_stage: Told when fetching, decoding and reading are done, for each wave.

    Returns:
        What was read.
    """
    if not ordinals:
        nothing = SpanLogits(torch.empty(0), torch.empty(0), torch.empty(0, 2))
        return Reading(nothing, WindowTable((), (), (), ()), 0)
    ends = [len(ordinals)] if margin is None else list(wave_ends(len(ordinals)))
    read: list[SpanLogits] = []
    windows = WindowTable((), (), (), ())
    first, best = 0, -torch.inf
    for last in ends:
        stored = index.fetch(ordinals[first:last])
        on_stage("fetch")
        states = stored.decode(codec, reader.device)
        on_stage("decode")
        logits = reader.logits(question, states)
        read.append(logits)
        windows = windows.followed_by(stored.windows, first)
        on_stage("read")
        is_over = last == len(ordinals)
        if margin is not None and not is_over and stored.windows.lengths:
            spans = reader.spans.best(logits, stored.windows, 1, passage_scores[first:last])
            best = max([best, *(span.logit for span in spans)])
            is_over = best - max(passage_scores[last:]) >= margin
            on_stage("read")
        first = last
        if is_over:
            break
    parts = ((x.start, x.end, x.null) for x in read)
    start, end, null = (torch.cat(kind) for kind in zip(*parts, strict=True))
    return Reading(SpanLogits(start, end, null), windows, first)
