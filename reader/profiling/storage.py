"""What stored states take on disk."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ..codecs import CodecKind, CodecName, Float16Codec, Int8Codec

WIKIPEDIA_PASSAGES = 21_015_324
"""Number of DPR's passages of 100 words (https://aclanthology.org/2020.emnlp-main.550, section
4.1)."""
WIKIPEDIA_TOKENS = 145
"""Tokens of such a passage's windows, title and separators included: 2,903,244 for 20,000 passages
(``benchmarks/open_domain.py``)."""
CODECS = ("float16", "int8", "pq16", "rpq16", "rpq8")
"""At least one codec of every kind."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes of the states, and of the token ids that decoding needs.

    Text, BM25 index and look-up files are not included; they do not depend on the codec.
    """

    codec: str
    bytes_per_token: int
    bytes_per_passage: int
    """Bytes of a passage with `WIKIPEDIA_TOKENS` tokens."""
    bytes_wikipedia: int

    def to_dict(self) -> dict[str, str | int]:
        """Values for JSON."""
        return asdict(self)


def storage_of(
    hidden_size: int, vocab_size: int, codecs: Sequence[str] = CODECS
) -> tuple[Storage, ...]:
    """What each codec takes. The split has no influence: the states of all layers are equally wide.

    Args:
        hidden_size: Width of a state.
        vocab_size: Size of the vocabulary, which decides the width of token ids
            (``docs/reference/index-format.md``).
        codecs: Names of codecs.

    Raises:
        PrereadError: If there is no such codec.
    """
    id_bytes = 2 if vocab_size <= 1 << 16 else 4
    rows = []
    for codec in codecs:
        of_token = _code_bytes(CodecName.parse(codec), hidden_size) + id_bytes
        of_passage = of_token * WIKIPEDIA_TOKENS
        rows.append(Storage(codec, of_token, of_passage, of_passage * WIKIPEDIA_PASSAGES))
    return tuple(rows)


def _code_bytes(name: CodecName, hidden_size: int) -> int:
    if name.kind.is_learned:
        return name.n_bytes
    codec = Float16Codec() if name.kind is CodecKind.FLOAT16 else Int8Codec()
    return codec.code_width(hidden_size) * codec.dtype.itemsize
