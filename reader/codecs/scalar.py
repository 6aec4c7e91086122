"""Codecs that encode each number separately and need no learning."""

import torch
from torch import Tensor
from typing_extensions import override

from ...data import PrereadError
from ..packing import Packed
from .base import Codec
from .names import CodecKind, CodecName

_SCALE_BYTES = 2


class Float16Codec(Codec):
    """States in half precision: 2 bytes for each dimension.

    States are outputs of a layer norm, of order 1, far from the limits of float16.
    """

    name = CodecName(CodecKind.FLOAT16)
    dtype = torch.float16

    @override
    def code_width(self, hidden_size: int) -> int:
        return hidden_size

    @override
    def encode(self, states: Packed, token_ids: Packed) -> Tensor:
        codes = states.rows.to(torch.float16)
        check_finite(codes)
        return codes

    @override
    def decode(self, codes: Tensor, token_ids: Packed) -> Packed:
        return token_ids.with_rows(codes.float())


class Int8Codec(Codec):
    """One byte for each dimension, in units of 1/127 of the token's largest absolute value.

    A code is ``hidden_size`` signed bytes, then the largest absolute value as float16,
    little-endian.
    """

    name = CodecName(CodecKind.INT8)
    dtype = torch.uint8

    @override
    def code_width(self, hidden_size: int) -> int:
        return hidden_size + _SCALE_BYTES

    @override
    def encode(self, states: Packed, token_ids: Packed) -> Tensor:
        largest = states.rows.abs().amax(1, keepdim=True).to(torch.float16)
        check_finite(largest)
        unit = largest.float().clamp(min=1e-6) / 127
        rounded = (states.rows / unit).round().clamp(-127, 127).to(torch.int8)
        return torch.cat([rounded.view(torch.uint8), largest.view(torch.uint8)], dim=1)

    @override
    def decode(self, codes: Tensor, token_ids: Packed) -> Packed:
        rounded = codes[:, :-_SCALE_BYTES].contiguous().view(torch.int8)
        largest = codes[:, -_SCALE_BYTES:].contiguous().view(torch.float16)
        return token_ids.with_rows(rounded.float() * (largest.float().clamp(min=1e-6) / 127))


def check_finite(numbers: Tensor) -> None:
    """Check that all numbers are finite.

    Raises:
        PrereadError: If a number is infinite or NaN, which means that the reader is damaged.
    """
    if not bool(torch.isfinite(numbers).all()):
        raise PrereadError(
            "states: expected finite numbers within the range of float16, as a layer norm gives "
            "them; found infinite ones or NaN. The reader's weights are damaged. Fetch or train "
            "the reader again."
        )
