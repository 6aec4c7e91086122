"""Stored states of passages, taken together from several shards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..reader import Packed, WindowTable
from .errors import IndexFormatError

if TYPE_CHECKING:
    from ..reader import DeformerConfig
    from ..reader.codecs import Codec
    from .storage.shard_reader import StoredPassage


@dataclass(frozen=True, slots=True)
class StoredWindows:
    """Stored states of some passages, not yet decoded."""

    codes: Tensor
    """Codes of the states. Shape ``(n_rows, code_width)``, the codec's number format, on CPU."""
    token_ids: Packed
    """Token ids, one segment for each window. Shape ``(n_rows,)``, int64, on CPU."""
    windows: WindowTable
    """The windows; their ``passage`` numbers count the passages that were fetched."""

    @classmethod
    def of(cls, passages: Sequence["StoredPassage"]) -> "StoredWindows":
        """Take the windows of some passages together.

        Args:
            passages: Windows of each passage. The first is passage 0 of the table.
        """
        if not passages:
            nothing = torch.empty(0, dtype=torch.int64)
            return cls(torch.empty(0, 0), Packed(nothing, ()), WindowTable((), (), (), ()))
        lengths = [length for found in passages for length in found.lengths]
        ids = torch.from_numpy(
            np.concatenate([found.token_ids for found in passages]).astype(np.int64)
        )
        table = WindowTable(
            tuple(lengths),
            tuple(n for found in passages for n in found.n_prefix),
            tuple(token for found in passages for token in found.first_token),
            tuple(number for number, found in enumerate(passages) for _ in found.lengths),
            torch.split(ids, lengths),
        )
        codes = torch.from_numpy(np.concatenate([found.codes for found in passages]))
        return cls(codes, Packed(ids, table.lengths), table)

    def check(self, config: "DeformerConfig") -> None:
        """Check that a reader could have made what is stored; checksums find damage only.

        Args:
            config: Configuration of the reader.

        Raises:
            IndexFormatError: If a token is not in its vocabulary, or a window is longer than its
                own.
        """
        largest = int(self.token_ids.rows.max()) if len(self.token_ids.rows) else 0
        longest = max(self.windows.lengths, default=0)
        if largest >= config.vocab_size or longest > config.window_length:
            raise IndexFormatError(
                f"stored windows: expected tokens below {config.vocab_size} and windows of at most "
                f"{config.window_length}, as the reader has them, found token {largest} and a "
                f"window of {longest}. The index was not made by this reader: build it again."
            )

    def decode(self, codec: "Codec", device: torch.device | str = "cpu") -> Packed:
        """Decode the states.

        Args:
            codec: The codec of the index.
            device: Device on which the states are decoded.

        Returns:
            The states. Shape ``(n_rows, hidden_size)``, float32, on ``device``.
        """
        return codec.decode(self.codes.to(device), self.token_ids.to(device))
