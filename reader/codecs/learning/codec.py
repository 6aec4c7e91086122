"""Learning a quantised codec from the states of sample passages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ....data import Passage, PrereadError
from ...packing import Packed
from ...reader import Reader
from ..beam_search import BOOK_SIZE
from ..names import CodecKind, CodecName
from ..quantised import QuantisedCodec
from ..side import Predictor, SideInformation
from ..tables import rounded
from .predictor import fit_predictor
from .quantiser import fit_quantiser, parts_of, stretching
from .sensitivity import fisher_information

MIN_TOKENS = 39 * BOOK_SIZE
"""Fewest tokens to learn from: faiss asks for 39 vectors for each row of a codebook."""
MAX_TOKENS = 600_000
"""Most tokens of a sample; their states must fit in memory."""
MAX_VECTORS = 200_000
"""Most tokens that a quantiser learns from: 780 for each row of a codebook."""
_UNTITLED = 4
"""One in this many passages is encoded without its title."""
_WINDOWS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class StateSample:
    """States of some windows, from which codecs are learned."""

    token_ids: Packed
    """Token ids of the windows. Shape ``(n_rows,)``, int64."""
    states: Tensor
    """Shape ``(n_rows, hidden_size)``, float32, on CPU."""
    sensitivity: Tensor
    """Cost of errors in a state, from `fisher_information`. Shape ``(hidden_size, hidden_size)``,
    float64."""


def learn_codec(
    name: CodecName, reader: Reader, sample: StateSample, *, show_progress: bool = False
) -> QuantisedCodec:
    """Learn one codec, in some minutes; on one machine equal arguments give an equal codec.

    Args:
        name: Name of a codec of kind ``pq`` or ``rpq``.
        reader: Reader whose states are encoded.
        sample: Sample of its states, from `sample_states`.
        show_progress: Whether to draw a progress bar on standard error.

    Raises:
        PrereadError: If the sample has too few tokens, or the codec needs no learning.
    """
    (codec,) = learn_codecs([name], reader, sample, show_progress=show_progress)
    return codec


def learn_codecs(
    names: Iterable[CodecName], reader: Reader, sample: StateSample, *, show_progress: bool = False
) -> Iterator[QuantisedCodec]:
    """Learn several codecs, in some minutes each; they share one predictor.

    Args:
        names: Names of codecs of kind ``pq`` or ``rpq``.
        reader: Reader whose states are encoded.
        sample: Sample of its states, from `sample_states`.
        show_progress: Whether to draw a progress bar on standard error.

    Yields:
        The codecs, in the order of the names. The same arguments give the same codecs on the same
        machine.

    Raises:
        PrereadError: If the sample has too few tokens, or a codec needs no learning.
    """
    n_tokens, size = sample.states.shape
    embeddings = reader.model.embedder.word_vectors().detach().float()
    predictor: Predictor | None = None
    for name in names:
        if not name.kind.is_learned:
            raise PrereadError(
                f"codec: expected pqN or rpqN, found {name}, which needs no learning."
            )
        if n_tokens < MIN_TOKENS:
            raise PrereadError(
                f"codec: expected at least {MIN_TOKENS} tokens to learn from, found {n_tokens}. "
                "Learn from a larger corpus, or use float16."
            )
        with torch.inference_mode():
            if name.kind is CodecKind.PQ:
                chosen, maps, n_parts = (
                    _average(sample.states),
                    stretching(None, size),
                    name.n_bytes,
                )
            else:
                maps, n_parts = stretching(sample.sensitivity, size), parts_of(name.n_bytes)
                predictor = predictor or fit_predictor(
                    reader, sample.token_ids, sample.states, maps[0], show_progress=show_progress
                )
                chosen = predictor
            rest = _rest(SideInformation(chosen, embeddings), sample)
            quantiser = fit_quantiser(rest, name.n_bytes, n_parts, *maps)
            yield QuantisedCodec(name, chosen, quantiser, embeddings)


def _average(states: Tensor) -> Predictor:
    """The predictor of a plain product quantiser: the mean of all states."""
    size = states.shape[1]
    nothing = states.new_empty((0, size))
    average = rounded(states.mean(0, keepdim=True))
    return Predictor(average, states.new_empty((0, size, size)), nothing, nothing)


def _rest(side: SideInformation, sample: StateSample) -> Tensor:
    """What the token ids do not predict, for as many states as a quantiser learns from."""
    lengths = sample.token_ids.lengths
    rest = torch.empty(min(MAX_VECTORS, len(sample.states)), sample.states.shape[1])
    row = 0
    for ids, n in zip(torch.split(sample.token_ids.rows, list(lengths)), lengths, strict=True):
        some = sample.states[row : row + n] - side.predict(Packed(ids, (n,))).cpu()
        some = some[: len(rest) - row]
        rest[row : row + len(some)] = some
        row += len(some)
        if row == len(rest):
            break
    return rest


def sample_states(
    reader: Reader, passages: Sequence[Passage], *, show_progress: bool = False
) -> StateSample:
    """Encode passages up to `MAX_TOKENS`, and estimate what errors in their states cost.

    Args:
        reader: Reader whose states are encoded.
        passages: Random sample of the passages to be encoded, in random order; 5,000 passages of
            100 words are plenty. Some are encoded without their titles, whose windows begin
            differently, so that the codec suits both.
        show_progress: Whether to draw a progress bar on standard error.
    """
    titles = [p.title if n % _UNTITLED else "" for n, p in enumerate(passages)]
    encoded = reader.encoder.encode_passages([p.text for p in passages], titles)
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
