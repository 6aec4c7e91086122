"""Vectors of the reader's own retrieval head."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from ...data import Passage, PrereadError
from ...reader import Packed, Reader, Window
from ...reader.inference.mixed_precision import MixedPrecision, uses_bfloat16
from ...reader.packing import batches_by_length
from ...reader.retrieval.files import head_fingerprint, head_of
from ...reader.retrieval.head import RetrievalHead

Vectors = npt.NDArray[np.float32]
READER = "reader"
"""The name of this encoder in a manifest and on the command line."""
_ROWS_PER_BATCH = 4096
"""Tokens that go through the reader at once."""


class HeadEncoder:
    """Makes vectors with the retrieval head of a reader, as `SentenceEncoder` does with a model.

    Attributes:
        reader: Makes the lower states.
        head: Makes vectors of them.
        name: `READER`.
        query_prefix: Empty: questions are encoded as they are.
        passage_prefix: Empty: passages are encoded as they are.
    """

    name = READER
    query_prefix = ""
    passage_prefix = ""

    def __init__(self, reader: Reader, head: RetrievalHead) -> None:
        """Take a head.

        Args:
            reader: The reader that the head was trained for.
            head: Its head, on the reader's device.
        """
        self.reader = reader
        self.head = head

    @classmethod
    def of(cls, reader: Reader) -> "HeadEncoder":
        """The encoder of a reader that has a retrieval head.

        Args:
            reader: Any reader.

        Raises:
            PrereadError: If the reader has no head, or the head's file cannot be used.
        """
        head = head_of(reader)
        if head is None:
            raise PrereadError(
                f"{reader.name}: expected a reader with a retrieval head, found none. Train one "
                "with `preread train-retriever`, or name a sentence encoder with --encoder."
            )
        return cls(reader, head)

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return self.head.shape.width

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides a vector, hexadecimal."""
        return head_fingerprint(self.head, self.reader)

    def encode_passages(self, passages: Sequence[Passage]) -> Vectors:
        """Vectors of passages.

        Args:
            passages: With titles, which are read, too.

        Returns:
            Shape ``(n_passages, width)``, each of length 1.
        """
        vectors = np.zeros((len(passages), self.width), np.float32)
        encoded = self.reader.encoder.encode_passages(
            [passage.text for passage in passages], [passage.title for passage in passages]
        )
        lengths = [sum(len(window.token_ids) for window in windows) for windows in encoded]
        for batch in batches_by_length(lengths, _ROWS_PER_BATCH):
            windows: list[Window] = []
            owners: list[int] = []
            for number, passage in enumerate(batch):
                windows += encoded[passage]
                owners += [number] * len(encoded[passage])
            vectors[batch] = self.encode_states(self.reader.window_states(windows), owners)
        return vectors

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Vectors of questions.

        Args:
            queries: Any number.

        Returns:
            Shape ``(n_queries, width)``, each of length 1.
        """
        if not queries:
            return np.empty((0, self.width), np.float32)
        return self.encode_states(self.reader.question_states(*queries), range(len(queries)))

    @torch.inference_mode()
    def encode_states(self, states: Packed, owners: Sequence[int]) -> Vectors:
        """Vectors from lower states that were computed already.

        Args:
            states: Lower states of questions or of windows. Shape ``(n_rows, hidden_size)``.
            owners: For each segment the number of its text, from 0, without gaps.

        Returns:
            Shape ``(n_texts, width)``, each of length 1.
        """
        device = self.reader.device
        bfloat16 = uses_bfloat16(MixedPrecision.AUTO, device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            vectors = self.head(states, owners)
        found: Vectors = vectors.float().cpu().numpy()
        return found
