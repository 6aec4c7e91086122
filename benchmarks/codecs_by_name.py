"""Codecs and readers that a codec benchmark compares."""

from collections.abc import Sequence
from pathlib import Path

from preread.reader import Precision, Reader
from preread.reader.codecs import Codec, CodecName, codec_file_name, known_codec


def codec_source(name: str, folder: Path) -> str:
    """What to name a codec by: a learned one by its file in the folder."""
    parsed = CodecName.parse(name)
    return str(folder / codec_file_name(parsed)) if parsed.kind.is_learned else name


def load_codecs(names: Sequence[str], folder: Path, reader: Reader) -> dict[str, Codec]:
    """Codecs, float16 first."""
    return {name: known_codec(codec_source(name, folder), reader) for name in ("float16", *names)}


def load_readers(first: str, tuned: Sequence[str], precision: Precision) -> dict[str, Reader]:
    """The reader as trained, and those whose upper layers learned from decoded states.

    Raises:
        ValueError: If their lower layers differ, so that they cannot read the same states.
    """
    sources = {"as trained": first, **dict(text.split("=", 1) for text in tuned)}
    readers = {name: Reader.load(source, precision=precision) for name, source in sources.items()}
    if len({reader.fingerprint for reader in readers.values()}) > 1:
        raise ValueError("the readers have different lower layers")
    return readers
