"""Reading comprehension: how well a reader answers when it is given the passage."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from ...data import PrereadError, ReadingExample, score_answer
from ...data.metrics.intervals import bootstrap_intervals
from ...reader import Packed, Reader, answer_examples
from ...reader.codecs import Codec, known_codec, round_trip


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
    codec: str | Codec | None = None,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Answer questions about given contexts and score the answers.

    The context alone is read, without its title, as published SQuAD figures are. Questions
    without a gold answer are left out and counted: the reader has no null answer.

    Args:
        reader: What reads. For ``full``, load it with ``num_lower_layers=0``.
        examples: With gold answers.
        mode: Where the states come from.
        codec: What ``stored`` goes through: a codec, its name, or the file of a learned one; by
            default the reader's own.
        show_progress: Draw a progress bar on standard error.

    Returns:
        ``exact_match`` and ``f1`` in percent, each with an ``…_interval`` that holds 95 % (see
        `bootstrap_intervals`), ``n_questions``, ``n_without_answer``, ``mode``, and for ``stored``
        the ``codec``.

    Raises:
        PrereadError: If there is nothing to score, or the codec has to be learned first.
    """
    known = [replace(example, title="") for example in examples]
    answerable = [example for example in known if example.answers]
    if not answerable:
        raise PrereadError("evaluate-reader: expected questions with answers, found none.")
    through: Callable[[Packed, Packed], Packed] = _unchanged
    more: dict[str, str] = {}
    if mode is ReadMode.STORED:
        named = codec or reader.config.codec
        chosen = known_codec(named, reader) if isinstance(named, str) else named
        through = partial(round_trip, chosen)
        more["codec"] = str(chosen.name)
    answered = answer_examples(reader, answerable, through)
    bar = tqdm(answered, total=len(answerable), unit=" questions", disable=not show_progress)
    scores = [score_answer(prediction, example.answers) for example, prediction in bar]
    percent = 100 * np.transpose(scores)
    exact_match, f1 = percent.mean(axis=1).tolist()
    of_exact_match, of_f1 = bootstrap_intervals(percent).round(2).tolist()
    return {
        "exact_match": round(exact_match, 2),
        "exact_match_interval": of_exact_match,
        "f1": round(f1, 2),
        "f1_interval": of_f1,
        "n_questions": len(scores),
        "n_without_answer": len(known) - len(answerable),
        "mode": mode.value,
        **more,
        "num_lower_layers": reader.config.num_lower_layers,
    }


def _unchanged(states: Packed, token_ids: Packed) -> Packed:
    return states


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
