"""Learning a quantised codec from the states of some passages."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ...data import Passage, PrereadError
from ..packing import Packed
from ..reader import Reader
from .names import CodecKind, CodecName
from .predicting import fit_predictor
from .quantised import BOOK_SIZE, Predictor, QuantisedCodec
from .quantising import fit_quantiser, parts_of, stretching
from .sensitivity import fisher_information

MIN_TOKENS = 39 * BOOK_SIZE
"""What faiss wants: 39 vectors for each row of a codebook."""
MAX_TOKENS = 200_000
"""Their states have to be held in memory."""
_WINDOWS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class StateSample:
    """States of some windows, to learn codecs from."""

    token_ids: Packed
    """Shape ``(n_rows,)``, int64."""
    states: Tensor
    """Shape ``(n_rows, hidden_size)``, float32, on CPU."""
    sensitivity: Tensor
    """What errors of a state cost, by `fisher_information`. Shape ``(hidden_size, hidden_size)``,
    float64."""


def learn_codec(
    name: CodecName, reader: Reader, sample: StateSample, *, show_progress: bool = False
) -> QuantisedCodec:
    """Learn a codec; it takes some minutes.

    Args:
        name: Of kind ``pq`` or ``rpq``.
        reader: Whose states are coded.
        sample: Some of its states, by `sample_states`.
        show_progress: Draw a progress bar on standard error.

    Returns:
        The codec. The same arguments give the same one, on the same machine.

    Raises:
        PrereadError: If the sample has too few tokens, or the kind has nothing to learn.
    """
    if not name.kind.is_learned:
        raise PrereadError(f"codec: expected pqN or rpqN, found {name}, which needs no learning.")
    n_tokens = sample.states.shape[0]
    if n_tokens < MIN_TOKENS:
        raise PrereadError(
            f"codec: expected at least {MIN_TOKENS} tokens of passages to learn from, found "
            f"{n_tokens}. Learn from a larger corpus, or use float16."
        )
    embeddings = reader.model.embedder.word_vectors().detach()
    size = sample.states.shape[1]
    with torch.inference_mode():
        if name.kind is CodecKind.PQ:
            average = sample.states.mean(0, keepdim=True)
            predictor = Predictor(
                average,
                average.new_empty((0, size, size)),
                average.new_empty((0, size)),
                average.new_empty((0, size)),
            )
            maps = stretching(None, size)
            quantiser = fit_quantiser(sample.states - average, name.n_bytes, name.n_bytes, *maps)
        else:
            maps = stretching(sample.sensitivity, size)
            predictor, rest = fit_predictor(
                reader, sample.token_ids, sample.states, maps[0], show_progress=show_progress
            )
            quantiser = fit_quantiser(rest, name.n_bytes, parts_of(name.n_bytes), *maps)
        return QuantisedCodec(name, predictor, quantiser, embeddings)


def sample_states(
    reader: Reader, passages: Sequence[Passage], *, show_progress: bool = False
) -> StateSample:
    """Encode passages, as many as are needed, and see what errors in their states would cost.

    Args:
        reader: Whose states are coded.
        passages: A sample of what will be coded, in random order; 2,000 of 100 words are plenty.
        show_progress: Draw a progress bar on standard error.
    """
    encoded = reader.encoder.encode_passages(
        [p.text for p in passages], [p.title for p in passages]
    )
    windows = [w for of_passage in encoded for w in of_passage]
    lengths = np.cumsum([len(w.token_ids) for w in windows])
    windows = windows[: int(np.searchsorted(lengths, MAX_TOKENS)) + 1]
    n_tokens = sum(len(w.token_ids) for w in windows)
    states = torch.empty(n_tokens, reader.config.hidden_size)
    row = 0
    with tqdm(total=n_tokens, unit=" tokens", desc="sampling", disable=not show_progress) as bar:
        for first in range(0, len(windows), _WINDOWS_AT_ONCE):
            some = reader.window_states(windows[first : first + _WINDOWS_AT_ONCE]).rows
            states[row : row + some.shape[0]] = some
            row += some.shape[0]
            bar.update(some.shape[0])
    sensitivity = fisher_information(reader, passages, show_progress=show_progress)
    return StateSample(Packed.from_lists([w.token_ids for w in windows]), states, sensitivity)
