"""Vectors of the reader's own retrieval head.

The head reads exact states, those that the lower layers have just computed, and not those that a
codec gives back. It was trained on exact states, a question has no others, and a passage so has the
same vector under every codec. It runs in float32, so that an index does not depend on the
instructions of the machine that builds it; a build in bfloat16 runs head and lower layers in that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from typing_extensions import override

from ...data import Passage, PrereadError
from ...reader import Packed, Precision, Reader, Window
from ...reader.packing import batches_by_length
from ...reader.retrieval.files import head_fingerprint, head_of
from ...reader.retrieval.head import RetrievalHead
from .base import VectorEncoder, Vectors
from .kinds import READER

_ROWS_PER_BATCH = 4096
"""Tokens that go through the reader at once."""


@dataclass(eq=False)
class HeadEncoder(VectorEncoder):
    """Makes vectors with the retrieval head of a reader, as `SentenceEncoder` does with a model."""

    reader: Reader
    """The reader that the head was trained for. It makes the lower states."""
    head: RetrievalHead
    """Makes vectors of them, on the reader's device."""
    precision: str = Precision.FLOAT32
    """Number format of matrix products over passages: that of the build of the index."""

    name = READER
    query_prefix = ""
    passage_prefix = ""

    @classmethod
    def find(cls, reader: Reader, precision: str = Precision.FLOAT32) -> "HeadEncoder | None":
        """The encoder of a reader; None if the reader has no retrieval head.

        Args:
            reader: Any reader.
            precision: Number format of matrix products over passages.

        Raises:
            PrereadError: If the head's file cannot be used.
        """
        head = head_of(reader)
        return None if head is None else cls(reader, head, precision)

    @classmethod
    def of(cls, reader: Reader, precision: str = Precision.FLOAT32) -> "HeadEncoder":
        """The encoder of a reader that has a retrieval head.

        Args:
            reader: Any reader.
            precision: Number format of matrix products over passages.

        Raises:
            PrereadError: If the reader has no head, or the head's file cannot be used.
        """
        encoder = cls.find(reader, precision)
        if encoder is None:
            raise PrereadError(
                f"{reader.name}: expected a reader with a retrieval head, found none. Train one "
                "with `preread train-retriever`, or name a sentence encoder with --encoder."
            )
        return encoder

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return self.head.shape.width

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides a vector, hexadecimal."""
        return head_fingerprint(self.head, self.reader)

    @override
    def encode_passages(self, passages: Sequence[Passage]) -> Vectors:
        windows = self.reader.encoder.windows_of(passages)
        flat = [window for of_passage in windows for window in of_passage]
        pooling = PassagePooling(self.head, windows)
        for batch in batches_by_length([len(w.token_ids) for w in flat], _ROWS_PER_BATCH):
            some = [flat[number] for number in batch]
            half = self.precision == Precision.BFLOAT16
            with torch.autocast(self.reader.device.type, torch.bfloat16, half):
                pooling.add(batch, self.reader.window_states(some))
        return pooling.vectors()

    @override
    @torch.inference_mode()
    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        if not queries:
            return np.empty((0, self.width), np.float32)
        states = self.reader.question_states(*queries)
        found: Vectors = self.head(states, range(len(queries))).cpu().numpy()
        return found


class PassagePooling:
    """Makes vectors of passages whose windows are encoded in any order, some at a time."""

    def __init__(self, head: RetrievalHead, windows: Sequence[Sequence[Window]]) -> None:
        """Begin without states.

        Args:
            head: Makes vectors of lower states.
            windows: For each passage its windows.
        """
        self._head = head
        numbers = np.repeat(np.arange(len(windows)), [len(of_passage) for of_passage in windows])
        self._owners = numbers
        self._sums = np.zeros((len(windows), head.shape.hidden_size), np.float32)

    @torch.inference_mode()
    def add(self, numbers: Sequence[int], states: Packed) -> None:
        """Take the states of some windows.

        Args:
            numbers: Numbers of the windows, counted over all passages.
            states: Their exact lower states, one segment for each window. Shape ``(n_rows,
                hidden_size)``, float32.
        """
        sums = self._head.segment_sums(states).cpu().numpy()
        np.add.at(self._sums, self._owners[numbers], sums)

    @torch.inference_mode()
    def vectors(self) -> Vectors:
        """Vectors of all passages, once each window was added.

        Returns:
            Shape ``(n_passages, width)``, each of length 1.
        """
        device = self._head.project.weight.device
        found: Vectors = self._head.vectors(torch.from_numpy(self._sums).to(device)).cpu().numpy()
        return found
