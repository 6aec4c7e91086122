"""Reading comprehension: how well a reader answers a question from its own context."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ...data import PrereadError, ReadingExample, score_answer
from ...data.metrics.intervals import bootstrap_intervals
from ...reader import Packed, Reader, answer_examples
from ...reader.codecs import Codec, known_codec, round_trip


class ReadMode(StrEnum):
    """How contexts are read."""

    FULL = "full"
    """Without a split: all layers see question and context together."""
    DECOMPOSED = "decomposed"
    """With the split; states are computed on the spot."""
    STORED = "stored"
    """With the split; states go through the codec, as in an index."""


def evaluate_reader(
    reader: Reader,
    examples: Iterable[ReadingExample],
    *,
    mode: ReadMode = ReadMode.DECOMPOSED,
    codec: str | Path | Codec | None = None,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Answer questions from their contexts and score the answers.

    Contexts are read without titles, as for published results on SQuAD. Questions without a gold
    answer are left out and counted.

    Args:
        reader: The reader. For ``full``, load it with ``num_lower_layers=0``.
        examples: Questions with contexts and gold answers.
        mode: How contexts are read.
        codec: Codec of the mode ``stored``: a codec, its name, or the file of a learned one; by
            default the reader's own.
        show_progress: Draw a progress bar on standard error.

    Returns:
        ``exact_match`` and ``f1`` in percent, each with the ends of a 95 % interval
        (``…_interval``), ``n_questions``, ``n_without_answer``, ``mode``, ``num_lower_layers``, and
        for ``stored`` the ``codec``.

    Raises:
        PrereadError: If no question has a gold answer, or the codec has to be learned first.
    """
    known = [replace(example, title="") for example in examples]
    answerable = [example for example in known if example.answers]
    if not answerable:
        raise PrereadError(
            "evaluate-reader: expected questions with answers, found none. Name another file."
        )
    through: Callable[[Packed, Packed], Packed] = _unchanged
    more: dict[str, str] = {}
    if mode is ReadMode.STORED:
        named = codec or reader.config.codec
        chosen = known_codec(named, reader) if isinstance(named, str | Path) else named
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
