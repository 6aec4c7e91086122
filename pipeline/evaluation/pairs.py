"""Evaluation on pairs of texts: the accuracy of labels, or of chosen answers."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from ...data import ChoiceExample, PairExample, PrereadError
from ...reader import PairReader
from ...reader.codecs import plain_codec, round_trip
from .analysis import estimates
from .comprehension import ReadMode
from .summary import interval, percent


def evaluate_pairs(
    reader: PairReader,
    examples: Iterable[PairExample | ChoiceExample],
    *,
    mode: ReadMode = ReadMode.DECOMPOSED,
    codec: str = "float16",
    show_progress: bool = False,
) -> dict[str, Any]:
    """Classify pairs, or choose answers, and score the result.

    Args:
        reader: The reader. For ``full``, load it with ``num_lower_layers=0``.
        examples: Pairs with labels, or questions with choices.
        mode: How pairs are read.
        codec: Codec of the mode ``stored``: ``float16`` or ``int8``.
        show_progress: Draw a progress bar on standard error.

    Returns:
        ``accuracy`` in percent with its ``accuracy_interval``, ``f1`` of the label ``true`` if the
        labels are true and false, ``n_examples``, ``mode``, and the reader's
        ``num_lower_layers`` and ``stored_segment``.

    Raises:
        PrereadError: If there are no examples, they are of another task than the reader, or the
            codec has to be learned.
    """
    known = list(examples)
    if not known:
        raise PrereadError("evaluate-pairs: expected pairs with labels, found none. Name others.")
    of_choice = isinstance(known[0], ChoiceExample)
    if of_choice == reader.model.has_labels:
        kinds = "questions with choices", "pairs with labels"
        raise PrereadError(
            f"{reader.name}: expected {kinds[reader.model.has_labels]}, as this reader takes, "
            f"found {kinds[not of_choice]}. Name a reader or a data set of the same task."
        )
    through = partial(round_trip, plain_codec(codec)) if mode is ReadMode.STORED else None
    judged = reader.judge(known, through)
    bar = tqdm(judged, total=len(known), unit=" pairs", disable=not show_progress)
    results = np.array([(feature.gold, said) for feature, said in bar])
    (accuracy,) = estimates([results[:, 0] == results[:, 1]])
    content: dict[str, Any] = {
        "accuracy": percent(accuracy.mean),
        "accuracy_interval": interval(accuracy),
    }
    if set(reader.labels) == {"true", "false"}:
        content["f1"] = round(100 * _f1(*(results == reader.labels.index("true")).T), 2)
    return content | {
        "n_examples": len(results),
        "mode": mode.value,
        "num_lower_layers": reader.config.num_lower_layers,
        "stored_segment": reader.config.stored_segment,
    }


def _f1(is_true: Any, said_true: Any) -> float:
    """F1 of a label: 2 tp / (2 tp + fp + fn); 0 if it is neither right nor predicted."""
    n_named = int(is_true.sum() + said_true.sum())
    return 2 * int((is_true & said_true).sum()) / n_named if n_named else 0.0
