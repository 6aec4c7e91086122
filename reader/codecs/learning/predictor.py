"""Learning to predict states from token ids."""

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag, gelu
from tqdm import tqdm

from ...packing import Packed
from ...reader import Reader
from ..side import Predictor
from ..tables import rounded

_REACH = 2
_RIDGE = 1e-4
"""Strength of the regularisation, relative to the mean square of the features."""
_ROWS_AT_ONCE = 8192
_HIDDEN = 512
_HELD_OUT = 0.05
"""Share of the rows held out to decide whether hidden units help."""
_EPOCHS = 2
_BATCH = 1024
_LEARNING_RATE = 1e-3
_WARMUP = 30
_DROPOUT = 0.1


class Features:
    """The features from which a state is predicted.

    They are the embeddings of the token and its neighbours, the mean embedding of its window, the
    vector of its position, and the constant 1.
    """

    def __init__(self, reader: Reader, token_ids: Packed) -> None:
        """Look up the surroundings of each row, on the CPU.

        Args:
            reader: Reader whose embeddings are used.
            token_ids: Token ids of windows, on the CPU. Shape ``(n_rows,)``, int64.
        """
        embedder = reader.model.embedder
        self.n_places = reader.config.window_length
        words = embedder.word_vectors().detach().cpu().float()
        ids, positions = token_ids.rows, token_ids.positions()
        lengths = torch.tensor(token_ids.lengths)
        n_after = lengths.repeat_interleave(lengths) - 1 - positions
        columns = []
        for step in range(-_REACH, _REACH + 1):
            inside = (positions >= -step) & (n_after >= step)
            columns.append(torch.where(inside, ids.roll(-step), len(words)))
        self._neighbours = torch.stack(columns, dim=1)
        self._words = torch.cat([words, torch.zeros_like(words[:1])])
        self._window = torch.arange(len(lengths)).repeat_interleave(lengths)
        self._means = embedding_bag(ids, words, token_ids.offsets()[:-1], mode="mean")
        self._positions = positions
        self._places = embedder.position_vectors(self.n_places).detach().cpu()
        self.size = words.shape[1]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._positions)

    @property
    def width(self) -> int:
        """Number of features of a row."""
        return (2 * _REACH + 3) * self.size + 1

    def of(self, rows: Tensor) -> Tensor:
        """Features of some rows.

        Args:
            rows: Numbers of rows. Shape ``(n,)``, int64.

        Returns:
            Shape ``(n, width)``, float32.
        """
        return torch.cat(
            [
                self._words[self._neighbours[rows]].flatten(1),
                self._means[self._window[rows]],
                self._places[self._positions[rows]],
                torch.ones(len(rows), 1),
            ],
            dim=1,
        )

    def split(self, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Divide a linear map of the features by what it is applied to.

        Args:
            weights: Shape ``(width, n)``.

        Returns:
            Contribution of each position, shape ``(n_places, n)``; maps of the neighbours, shape
            ``(2 * reach + 1, size, n)``; map of the window's mean, shape ``(size, n)``.
        """
        n_tables = 2 * _REACH + 1
        of_words, of_mean, of_place, bias = torch.split(
            weights, [n_tables * self.size, self.size, self.size, 1]
        )
        of_places = self._places @ of_place + bias
        return of_places, of_words.view(n_tables, self.size, -1), of_mean


def fit_predictor(
    reader: Reader,
    token_ids: Packed,
    states: Tensor,
    stretch: Tensor,
    *,
    show_progress: bool = False,
) -> Predictor:
    """Learn to predict states: a linear map in closed form, and hidden units for what remains.

    Args:
        reader: Reader whose embeddings are used.
        token_ids: Token ids of windows in random order. Shape ``(n,)``, int64.
        states: Lower states of the windows. Shape ``(n, hidden_size)``, float32.
        stretch: Map after which plain distances measure what errors cost. Shape
            ``(hidden_size, hidden_size)``.
        show_progress: Whether to draw a progress bar on standard error.
    """
    features = Features(reader, token_ids)
    rows = torch.split(torch.arange(len(features)), _ROWS_AT_ONCE)
    linear = _ridge(features, states, rows)
    rest = torch.empty_like(states)
    for some in rows:
        rest[some] = (states[some] - features.of(some) @ linear) @ stretch
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        units, output = _hidden_units(features, rest, show_progress)
    output = torch.linalg.solve(stretch, output.T).T.contiguous()
    tables = *features.split(torch.cat([linear, units], dim=1)), output
    return Predictor(*map(rounded, tables))


def _ridge(features: Features, states: Tensor, rows: tuple[Tensor, ...]) -> Tensor:
    """Ridge regression. Shape ``(width, size)``."""
    products = torch.zeros(features.width, features.width, dtype=torch.float64)
    targets = torch.zeros(features.width, states.shape[1], dtype=torch.float64)
    for some in rows:
        x = features.of(some)
        products += (x.T @ x).double()
        targets += (x.T @ states[some]).double()
    products.diagonal().add_(_RIDGE * products.diagonal().mean())
    weights: Tensor = torch.linalg.solve(products, targets)
    return weights.float()


@torch.inference_mode(False)
@torch.enable_grad()
def _hidden_units(
    features: Features, targets: Tensor, show_progress: bool
) -> tuple[Tensor, Tensor]:
    """Train weights into and out of hidden units; empty if hidden units do not help."""
    n, size = targets.shape
    n_learned = n - int(_HELD_OUT * n)
    scale = features.of(torch.arange(0, n_learned, max(1, n_learned // 20_000))).std(0)
    scale[-1] = 1.0  # the constant feature
    scale.clamp_(min=1e-3)
    into, out = nn.Linear(features.width, _HIDDEN, bias=False), nn.Linear(_HIDDEN, size, bias=False)
    nn.init.zeros_(out.weight)
    weights = [into.weight, out.weight]
    steps = _EPOCHS * (n_learned // _BATCH)
    optimizer = torch.optim.AdamW(weights, lr=_LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / _WARMUP) * (1 - step / steps)
    )
    unit = targets[:n_learned].square().mean()
    order = torch.cat(
        [torch.randperm(n_learned)[: steps // _EPOCHS * _BATCH] for _ in range(_EPOCHS)]
    )
    batches = torch.split(order, _BATCH)
    for some in tqdm(batches, desc="predictor", unit=" steps", disable=not show_progress, delay=2):
        hidden = gelu(into(features.of(some) / scale))
        loss = (out(nn.functional.dropout(hidden, _DROPOUT)) - targets[some]).square().mean() / unit
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        units, output = (into.weight / scale).T.contiguous(), out.weight.T.contiguous()
        held_out = torch.arange(n_learned, n)
        left = targets[held_out] - gelu(features.of(held_out) @ units) @ output
        if float(left.square().sum()) >= float(targets[held_out].square().sum()):
            return units[:, :0], output[:0]
        return units, output
