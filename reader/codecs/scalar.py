"""Codecs that take each number by itself and have nothing to learn."""

import torch
from torch import Tensor

from ...data import PrereadError
from ..packing import Packed
from .names import CodecKind, CodecName

_SCALE_BYTES = 2


class Float16Codec:
    """States in half precision: 2 bytes a dimension.

    States are outputs of a layer norm, of order 1, far from the limits of float16.
    """

    name = CodecName(CodecKind.FLOAT16)
    dtype = torch.float16

    def code_width(self, hidden_size: int) -> int:
        """One number a dimension."""
        return hidden_size

    def encode(self, states: Packed, token_ids: Packed) -> Tensor:
        """Round to float16.

        Raises:
            PrereadError: If a state is not finite in float16: the reader is broken.
        """
        codes = states.rows.to(torch.float16)
        check_finite(codes)
        return codes

    def decode(self, codes: Tensor, token_ids: Packed) -> Packed:
        """Widen to float32."""
        return token_ids.with_rows(codes.float())


class Int8Codec:
    """A byte a dimension, in units of 1/127 of the token's largest number, which comes along.

    A code is ``hidden_size`` signed bytes, and the largest number as float16, little-endian.
    """

    name = CodecName(CodecKind.INT8)
    dtype = torch.uint8

    def code_width(self, hidden_size: int) -> int:
        """A byte a dimension, and the scale."""
        return hidden_size + _SCALE_BYTES

    def encode(self, states: Packed, token_ids: Packed) -> Tensor:
        """Round to 1/127 of the token's largest number.

        Raises:
            PrereadError: As in `Float16Codec.encode`.
        """
        largest = states.rows.abs().amax(1, keepdim=True).to(torch.float16)
        check_finite(largest)
        unit = largest.float().clamp(min=1e-6) / 127
        rounded = (states.rows / unit).round().clamp(-127, 127).to(torch.int8)
        return torch.cat([rounded.view(torch.uint8), largest.view(torch.uint8)], dim=1)

    def decode(self, codes: Tensor, token_ids: Packed) -> Packed:
        """Multiply by the unit."""
        rounded = codes[:, :-_SCALE_BYTES].contiguous().view(torch.int8)
        largest = codes[:, -_SCALE_BYTES:].contiguous().view(torch.float16)
        return token_ids.with_rows(rounded.float() * (largest.float().clamp(min=1e-6) / 127))


def check_finite(numbers: Tensor) -> None:
    """Refuse states of a broken reader.

    Raises:
        PrereadError: If a number is infinite or NaN.
    """
    if not bool(torch.isfinite(numbers).all()):
        raise PrereadError(
            "states hold numbers that float16 cannot (infinite or NaN): expected outputs of a "
            "layer norm. The reader's weights are damaged; load it again or retrain it."
        )
