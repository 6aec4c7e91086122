"""Checks of stored windows and of logits, for an index that somebody made up."""

from collections.abc import Callable

import torch

from ...data import PrereadError
from ...indexer import IndexFormatError
from ...reader import SpanLogits, WindowTable
from ...reader.text.token_map import TokenMap


def check_windows(windows: WindowTable, tokens: Callable[[int], TokenMap]) -> None:
    """Refuse windows that are not those of their texts, as an index that somebody made up can have.

    Args:
        windows: Table of the windows that were read.
        tokens: Returns the text and tokens of a passage by its number.

    Raises:
        IndexFormatError: If a window begins before its text, or ends after it.
    """
    for length, prefix, first, passage in zip(
        windows.lengths, windows.n_prefix, windows.first_token, windows.passage, strict=True
    ):
        end, n_tokens = first + length - prefix - 1, len(tokens(passage).tokens)
        if first < 0 or end > n_tokens:
            raise IndexFormatError(
                f"stored windows: expected those of a passage of {n_tokens} tokens, found tokens "
                f"{first} to {end}, not those of its text. The index is damaged: build it again."
            )


def check_finite(logits: SpanLogits) -> None:
    """Refuse logits that are not finite, as stored states that somebody made up can give.

    Args:
        logits: Logits of some windows.

    Raises:
        PrereadError: If one is infinite or not a number.
    """
    if not all(bool(torch.isfinite(some).all()) for some in (logits.start, logits.end)):
        raise PrereadError(
            "expected finite logits, found others: the stored states or the reader's weights are "
            "damaged. Check the index (`preread verify`), and load the reader again."
        )
