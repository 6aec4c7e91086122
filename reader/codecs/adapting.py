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
from .upper import UpperChanges

_LOG = logging.getLogger(__name__)
_UNFIT = (
    "codec {codec}: its change of {weight} does not fit the reader ({reason}). The codec's file is "
    "damaged; fetch or make it again."
)


def reader_of(codec: Codec, reader: Reader) -> Reader:
    """The reader for what a codec gives back.

    Args:
        codec: Of the reader's states.
        reader: As it was trained, on exact states.

    Returns:
        One that shares embedder and lower layers, with the upper layers that the codec brings; the
        reader itself where it brings none, or brings those of other upper layers.

    Raises:
        PrereadError: If the codec's differences do not fit the reader's weights.
    """
    changes = codec.upper
    if changes is None:
        return reader
    if changes.upper != upper_sha256(reader.model):
        _LOG.warning(
            "%s: its codec %s knows other upper layers than the reader has, trained since or "
            "before. States are read by the reader's own, which lose a little more by the codec.",
            reader.name,
            codec.name,
        )
        return reader
    split = reader.model.config.num_lower_layers
    weights = dict(reader.model.named_parameters())
    shared = {id(weight): weight for name, weight in weights.items() if is_lower(name, split)}
    model = copy.deepcopy(reader.model, shared)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if not is_lower(name, split):
                weight.add_(_difference(changes, name, weight.shape, codec).to(weight.device))
    return reader.with_model(model)


def _difference(changes: UpperChanges, name: str, shape: torch.Size, codec: Codec) -> Tensor:
    """Of one weight.

    Raises:
        PrereadError: If there is none, or its shape is another.
    """
    try:
        found = changes.difference(name)
    except (KeyError, RuntimeError) as error:
        raise PrereadError(_UNFIT.format(codec=codec.name, weight=name, reason=error)) from error
    if found.shape != shape:
        reason = f"expected shape {tuple(shape)}, found {tuple(found.shape)}"
        raise PrereadError(_UNFIT.format(codec=codec.name, weight=name, reason=reason))
    return found
