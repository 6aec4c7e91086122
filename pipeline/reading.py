"""Reading comprehension: how well a reader answers when it is given the passage."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from ..data import PrereadError, ReadingExample, score_answer
from ..indexer import CodecName, make_codec
from ..reader import Packed, Reader, WindowTable


class ReadMode(StrEnum):
    """Where the states come from."""

    FULL = "full"
    """No split: question and passage together through all layers."""
    DECOMPOSED = "decomposed"
    """Split, states computed on the spot."""
    STORED = "stored"
    """Split, states through the codec, as an index would give them back."""


def evaluate_reader(
    reader: Reader,
    examples: Iterable[ReadingExample],
    *,
    mode: ReadMode = ReadMode.DECOMPOSED,
    codec: CodecName = CodecName.FLOAT16,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Answer questions about given contexts and score the answers.

    The context alone is read, without its title, as published SQuAD figures are. Questions
    without a gold answer are left out and counted: the reader has no null answer.

    Args:
        reader: What reads. For ``full``, load it with ``num_lower_layers=0``.
        examples: With gold answers.
        mode: Where the states come from.
        codec: What ``stored`` goes through.
        show_progress: Draw a progress bar on standard error.

    Returns:
        ``exact_match`` and ``f1`` in percent, ``n_questions``, ``n_without_answer``, ``mode``.

    Raises:
        PrereadError: If there is nothing to score.
    """
    by_context: dict[str, list[ReadingExample]] = defaultdict(list)
    n_without_answer = 0
    for example in examples:
        if example.answers:
            by_context[example.context].append(example)
        else:
            n_without_answer += 1
    if not by_context:
        raise PrereadError("evaluate-reader: expected questions with answers, found none.")
    scores: list[tuple[float, float]] = []
    total = sum(map(len, by_context.values()))
    with tqdm(total=total, unit=" questions", disable=not show_progress) as bar:
        for context, group in by_context.items():
            passage, windows = _passage_states(reader, context, mode, codec)
            for example, prediction in zip(
                group, _answers(reader, context, passage, windows, group), strict=True
            ):
                scores.append(score_answer(prediction, example.answers))
            bar.update(len(group))
    exact_match, f1 = np.mean(scores, axis=0).tolist()
    return {
        "exact_match": round(100 * exact_match, 2),
        "f1": round(100 * f1, 2),
        "n_questions": len(scores),
        "n_without_answer": n_without_answer,
        "mode": mode.value,
        "num_lower_layers": reader.config.num_lower_layers,
    }


def _passage_states(
    reader: Reader, context: str, mode: ReadMode, codec: CodecName
) -> tuple[Packed, WindowTable]:
    """States of a context's windows; one lower pass for all its questions."""
    (windows,) = reader.encoder.encode_passages([context])
    states = reader.window_states(windows)
    if mode is ReadMode.STORED:
        stored = make_codec(codec)
        states = states.with_rows(stored.decode(stored.encode(states.rows)).to(reader.device))
    table = WindowTable(
        lengths=states.lengths,
        n_prefix=tuple(w.n_prefix for w in windows),
        first_token=tuple(w.first_token for w in windows),
        passage=(0,) * len(windows),
    )
    return states, table


@torch.inference_mode()
def _answers(
    reader: Reader,
    context: str,
    passage: Packed,
    windows: WindowTable,
    examples: Sequence[ReadingExample],
) -> list[str]:
    """Best span of each question; empty where the context holds no token."""
    tokens = reader.encoder.token_map(context)
    predictions = []
    for example in examples:
        question = reader.question_states(example.question)
        spans = reader.read(question, passage, windows, n_best=1)
        start, end = (
            tokens.char_span(spans[0].first_token, spans[0].last_token) if spans else (0, 0)
        )
        predictions.append(context[start:end])
    return predictions


def parse_mode(name: str) -> ReadMode:
    """A mode by its name.

    Raises:
        PrereadError: If there is none of that name.
    """
    try:
        return ReadMode(name)
    except ValueError:
        raise PrereadError(
            f"mode: expected one of {', '.join(ReadMode)}, found {name!r}."
        ) from None
