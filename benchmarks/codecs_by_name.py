"""Codecs that a benchmark compares, with upper layers as trained and with tuned ones."""

import copy
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


def tuned_codecs(
    codecs: dict[str, Codec], folder: Path, stand_in: str, reader: Reader
) -> dict[str, Codec]:
    """The same codecs with what upper layers change for them.

    Args:
        codecs: As `load_codecs` gives them.
        folder: Of codecs with changes, each made by a run of its own; see `preread train`.
        stand_in: Whose changes those get that have none of their own; one of the folder's.
        reader: Whose upper layers change.
    """
    changes = {}
    for path in folder.glob("codec-*.safetensors"):
        codec = known_codec(str(path), reader)
        changes[str(codec.name)] = codec.upper
    tuned = {}
    for name, codec in codecs.items():
        tuned[name] = copy.copy(codec)
        tuned[name].upper = changes.get(name, changes[stand_in])
    return tuned
