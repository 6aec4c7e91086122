"""The interface of a codec."""

from typing import Protocol

import torch
from torch import Tensor

from ..packing import Packed
from .names import CodecName


class Codec(Protocol):
    """Converts lower states to codes and back. The code of a token is one row of an array.

    Both directions also take the token ids: they are stored anyway, and tell much about a state.
    """

    name: CodecName
    """Name of the codec."""
    dtype: torch.dtype
    """Number format of the codes."""

    def code_width(self, hidden_size: int) -> int:
        """Number of values in the code of one token.

        Args:
            hidden_size: Width of a state.
        """

    def encode(self, states: Packed, token_ids: Packed) -> Tensor:
        """Convert states to codes.

        Args:
            states: Lower states of windows. Shape ``(n_rows, hidden_size)``, float32.
            token_ids: Token ids of the windows, on the device of the states. Shape ``(n_rows,)``,
                int64.

        Returns:
            Codes. Shape ``(n_rows, code_width)``, on the device of the states.

        Raises:
            PrereadError: If a state is not finite in the codec's number format, which means that
                the reader is damaged.
        """

    def decode(self, codes: Tensor, token_ids: Packed) -> Packed:
        """Convert codes to states.

        Args:
            codes: Shape ``(n_rows, code_width)``.
            token_ids: Token ids of the windows, on the device of the codes. Shape ``(n_rows,)``,
                int64.

        Returns:
            States. Shape ``(n_rows, hidden_size)``, float32.
        """


@torch.no_grad()
def round_trip(codec: Codec, states: Packed, token_ids: Packed) -> Packed:
    """Encode and decode states: what an index returns for them.

    Args:
        codec: Codec of the index.
        states: Lower states of windows. Shape ``(n_rows, hidden_size)``, float32.
        token_ids: Token ids of the windows, on any device. Shape ``(n_rows,)``, int64.

    Returns:
        States. Shape ``(n_rows, hidden_size)``, float32, on the device of ``states``.
    """
    on_device = token_ids.to(states.rows.device)
    return codec.decode(codec.encode(states, on_device), on_device)
