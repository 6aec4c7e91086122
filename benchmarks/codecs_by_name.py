"""Codecs that a benchmark compares, with upper layers as trained and with tuned ones."""

from collections.abc import Sequence
from pathlib import Path

from preread.reader import Reader
from preread.reader.codecs import Codec, CodecName, codec_file_name, known_codec

AS_TRAINED, TUNED = "as trained", "tuned"


def codec_source(name: str, folder: Path) -> str:
    """What to name a codec by: a learned one by its file in the folder."""
    parsed = CodecName.parse(name)
    return str(folder / codec_file_name(parsed)) if parsed.kind.is_learned else name


def load_codecs(names: Sequence[str], folder: Path, reader: Reader) -> dict[str, Codec]:
    """Codecs, float16 first."""
    return {name: known_codec(codec_source(name, folder), reader) for name in ("float16", *names)}
