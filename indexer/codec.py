"""How states are written as bytes."""

from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..data import PrereadError

Codes = npt.NDArray[np.generic]


class CodecName(StrEnum):
    """The codecs there are."""

    FLOAT16 = "float16"


class Codec(Protocol):
    """Turns states into codes and back; a code is one row of an array."""

    name: CodecName
    dtype: np.dtype[np.generic]
    """Number format of the codes on disk, little-endian."""

    def code_width(self, hidden_size: int) -> int:
        """Numbers in the code of one token."""

    def encode(self, states: Tensor) -> Codes:
        """States ``(n_tokens, hidden_size)`` float32 to codes ``(n_tokens, code_width)``."""

    def decode(self, codes: Codes) -> Tensor:
        """Codes back to states ``(n_tokens, hidden_size)``, float32."""


class Float16Codec:
    """States as they are, in half precision: 2 bytes a dimension.

    States are outputs of a layer norm, of order 1, far from the limits of float16.
    """

    name = CodecName.FLOAT16
    dtype: np.dtype[np.generic] = np.dtype("<f2")

    def code_width(self, hidden_size: int) -> int:
        """One number a dimension."""
        return hidden_size

    def encode(self, states: Tensor) -> Codes:
        """Round to float16.

        Raises:
            PrereadError: If a state is not finite in float16: the reader is broken.
        """
        codes: npt.NDArray[np.float16] = states.to(torch.float16).cpu().numpy()
        if not np.isfinite(codes).all():
            raise PrereadError(
                "states hold numbers that float16 cannot (infinite or NaN): expected outputs of a "
                "layer norm. The reader's weights are damaged; load it again or retrain it."
            )
        return codes

    def decode(self, codes: Codes) -> Tensor:
        """Widen to float32."""
        return torch.from_numpy(codes.astype(np.float32))


def make_codec(name: str) -> Codec:
    """A codec by its name.

    Raises:
        PrereadError: If there is none of that name.
    """
    if name == CodecName.FLOAT16:
        return Float16Codec()
    raise PrereadError(f"codec: expected one of {', '.join(CodecName)}, found {name!r}.")
