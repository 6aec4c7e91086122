"""What every codec does."""

from typing import Protocol

import torch
from torch import Tensor

from ..packing import Packed
from .names import CodecName


class Codec(Protocol):
    """Turns lower states into codes and back; a code is one row of an array.

    Token ids come along with states and codes: they are stored anyway, and say much about a state.
    """

    @property
    def name(self) -> CodecName:
        """What it is called."""

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the codes."""

    def code_width(self, hidden_size: int) -> int:
        """Numbers in the code of one token."""

    def encode(self, states: Packed, token_ids: Packed) -> Tensor:
        """Write states.

        Args:
            states: Lower states of windows. Shape ``(n_rows, hidden_size)``, float32.
            token_ids: The windows' token ids. Shape ``(n_rows,)``, int64.

        Returns:
            Codes. Shape ``(n_rows, code_width)``, on the device of the states.
        """

    def decode(self, codes: Tensor, token_ids: Packed) -> Packed:
        """Read states back.

        Args:
            codes: Shape ``(n_rows, code_width)``.
            token_ids: As in `encode`, on the device of the codes.

        Returns:
            States. Shape ``(n_rows, hidden_size)``, float32.
        """


@torch.no_grad()
def round_trip(codec: Codec, states: Packed, token_ids: Packed) -> Packed:
    """What an index gives back of states.

    Args:
        codec: What it stores with.
        states: As in `Codec.encode`.
        token_ids: As in `Codec.encode`, on any device.

    Returns:
        States. Shape ``(n_rows, hidden_size)``, float32, on the device of those given.
    """
    on_device = token_ids.to(states.rows.device)
    return codec.decode(codec.encode(states, on_device), on_device)
