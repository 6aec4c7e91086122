"""Upper layers for what a codec gives back."""

import copy
import logging

import torch
from torch import Tensor

from ...data import PrereadError
from ..fingerprint import upper_sha256
from ..reader import Reader
from ..weight_names import is_lower
from .base import Codec
from .selection import brought_changes
from .upper import UpperChanges

_LOG = logging.getLogger(__name__)
_OTHER = (
    "%s: its codec %s knows other upper layers than the reader has, trained since or before. "
    "States are read by the reader's own, which lose a little more by the codec."
)
_UNFIT = (
    "codec {codec}: its change of {weight} does not fit the reader ({reason}). The codec's file is "
    "damaged; fetch or make it again."
)


def reader_of(codec: Codec | None, reader: Reader) -> Reader:
    """The reader for what a codec gives back, or for exact states.

    A codec may bring changes of the upper layers that were trained on what it gives back. Where it
    brings none, those of the reader's default codec are used if there are any: they were trained
    longer than the reader's weights, and read other states better, too (``docs/store.md``).

    Args:
        codec: Of the reader's states; None for exact ones.
        reader: With the upper layers that its weights have.

    Returns:
        One that shares embedder and lower layers, with the upper layers trained last; the reader
        itself where there are no changes, or those there are belong to other upper layers.

    Raises:
        PrereadError: If changes do not fit the reader's weights, or their file is damaged.
    """
    own = None if codec is None else codec.upper
    name = reader.config.codec if codec is None or own is None else str(codec.name)
    changes = brought_changes(reader) if own is None else own
    if changes is None:
        return reader
    if changes.upper != upper_sha256(reader.model):
        if own is not None:
            _LOG.warning(_OTHER, reader.name, name)
        return reader
    split = reader.model.config.num_lower_layers
    weights = dict(reader.model.named_parameters())
    shared = {id(weight): weight for name, weight in weights.items() if is_lower(name, split)}
    model = copy.deepcopy(reader.model, shared)
    with torch.no_grad():
        for weight_name, weight in model.named_parameters():
            if not is_lower(weight_name, split):
                weight.add_(_difference(changes, weight_name, weight.shape, name).to(weight.device))
    return reader.with_model(model)


def _difference(changes: UpperChanges, name: str, shape: torch.Size, codec: str) -> Tensor:
    """Of one weight.

    Raises:
        PrereadError: If there is none, or its shape is another.
    """
    try:
        found = changes.difference(name)
    except (KeyError, RuntimeError) as error:
        raise PrereadError(_UNFIT.format(codec=codec, weight=name, reason=error)) from error
    if found.shape != shape:
        reason = f"expected shape {tuple(shape)}, found {tuple(found.shape)}"
        raise PrereadError(_UNFIT.format(codec=codec, weight=name, reason=reason))
    return found
