"""Learning a quantised codec from the states of some passages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag
from tqdm import tqdm

from ...data import Passage, PrereadError
from ..packing import Packed
from ..reader import Reader
from .names import CodecKind, CodecName
from .quantised import BOOK_SIZE, Predictor, ProductQuantiser, QuantisedCodec
from .sensitivity import fisher_information

MIN_TOKENS = 39 * BOOK_SIZE
"""What faiss wants: 39 vectors for each row of a codebook."""
MAX_TOKENS = 200_000
"""More do not help measurably, and their states have to be held in memory."""
_REACH = 2
_RIDGE = 1e-4
"""Of the mean square of the features."""
_ROTATION_ROUNDS = 10
_FLOOR = 0.2
"""Share of the metric that weighs all directions alike, so that none is given up."""
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


def learn_codec(name: CodecName, reader: Reader, sample: StateSample) -> QuantisedCodec:
    """Learn a codec; it takes some minutes.

    Args:
        name: Of kind ``pq`` or ``rpq``.
        reader: Whose states are coded.
        sample: Some of its states, by `sample_states`.

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
    with torch.inference_mode():
        if name.kind is CodecKind.RPQ:
            predictor, predicted = _fit_predictor(reader, sample)
        else:
            average = sample.states.mean(0, keepdim=True)
            size = average.shape[1]
            predictor = Predictor(
                average, average.new_empty((0, size, size)), average.new_empty((0, size))
            )
            predicted = average
        metric = sample.sensitivity if name.kind is CodecKind.RPQ else None
        quantiser = _fit_quantiser(sample.states - predicted, name.n_bytes, metric)
        rounded = [
            t.half().float() for t in (quantiser.analysis, quantiser.codebooks, quantiser.synthesis)
        ]
        return QuantisedCodec(
            name, predictor, ProductQuantiser(*rounded), reader.model.embedder.word.weight.detach()
        )


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


def _fit_predictor(reader: Reader, sample: StateSample) -> tuple[Predictor, Tensor]:
    """Ridge regression of states on what token ids give; also what it predicts."""
    embedder = reader.model.embedder
    words, places = (e.weight.detach().cpu() for e in (embedder.word, embedder.position))
    n_tables = 2 * _REACH + 1
    size = words.shape[1]
    n_features = (n_tables + 2) * size + 1
    products = torch.zeros(n_features, n_features, dtype=torch.float64)
    targets = torch.zeros(n_features, size, dtype=torch.float64)
    for rows, features in _features(sample.token_ids, words, places):
        products += (features.T @ features).double()
        targets += (features.T @ sample.states[rows]).double()
    products.diagonal().add_(_RIDGE * products.diagonal().mean())
    weights = torch.linalg.solve(products, targets).float().half().float()
    of_words, of_mean, of_place, bias = weights.split([n_tables * size, size, size, 1])
    n_places = reader.config.window_length
    predictor = Predictor(
        position=(places[:n_places] @ of_place + bias).half().float(),
        neighbours=of_words.view(n_tables, size, size),
        mean=of_mean,
    )
    predicted = torch.cat([f @ weights for _, f in _features(sample.token_ids, words, places)])
    return predictor, predicted


def _features(
    token_ids: Packed, words: Tensor, places: Tensor, rows_at_once: int = 8192
) -> Iterator[tuple[slice, Tensor]]:
    """What a state is predicted from, some rows at a time. Shape ``(…, n_features)``."""
    ids, positions = token_ids.rows, token_ids.positions()
    lengths = torch.tensor(token_ids.lengths)
    n_after = lengths.repeat_interleave(lengths) - 1 - positions
    window = torch.arange(len(lengths)).repeat_interleave(lengths)
    means = embedding_bag(ids, words, token_ids.offsets()[:-1], mode="mean")
    for first in range(0, len(ids), rows_at_once):
        rows = slice(first, min(first + rows_at_once, len(ids)))
        row = torch.arange(rows.start, rows.stop)
        columns = []
        for step in range(-_REACH, _REACH + 1):
            inside = (positions[rows] >= -step) & (n_after[rows] >= step)
            neighbour = ids[(row + step).clamp(0, len(ids) - 1)]
            columns.append(words[neighbour] * inside[:, None])
        columns += [means[window[rows]], places[positions[rows]], torch.ones(len(row), 1)]
        yield rows, torch.cat(columns, dim=1)


def _fit_quantiser(vectors: Tensor, n_bytes: int, sensitivity: Tensor | None) -> ProductQuantiser:
    """Optimised product quantisation, by faiss; widths that do not divide are filled up."""
    n, size = vectors.shape
    stretch, shrink = _stretching(sensitivity, size)
    part_size = -(-size // n_bytes)
    width = n_bytes * part_size
    filled = np.zeros((n, width), np.float32)
    filled[:, :size] = (vectors @ stretch).numpy()
    rotation = faiss.OPQMatrix(width, n_bytes)
    rotation.niter = _ROTATION_ROUNDS
    rotation.train(filled)
    quantiser = faiss.ProductQuantizer(width, n_bytes, 8)
    quantiser.train(rotation.apply(filled))
    matrix = torch.from_numpy(faiss.vector_to_array(rotation.A).reshape(width, width)[:, :size])
    centroids = faiss.vector_to_array(quantiser.centroids)
    return ProductQuantiser(
        analysis=matrix @ stretch,
        codebooks=torch.from_numpy(centroids.reshape(n_bytes, BOOK_SIZE, part_size).copy()),
        synthesis=matrix @ shrink,
    )


def _stretching(sensitivity: Tensor | None, size: int) -> tuple[Tensor, Tensor]:
    """A map after which plain distances are what errors cost, and its inverse.

    Both are symmetric. Shape ``(size, size)``, float32.
    """
    if sensitivity is None or not bool(sensitivity.any()):
        return torch.eye(size), torch.eye(size)
    costs, directions = torch.linalg.eigh(sensitivity)
    costs = (1 - _FLOOR) * costs.clamp(min=0) / costs.mean() + _FLOOR
    roots = costs.sqrt()
    stretch, shrink = (directions * roots) @ directions.T, (directions / roots) @ directions.T
    return stretch.float(), shrink.float()
