"""Finding a codec by name or file."""

from pathlib import Path

from ...data import PrereadError
from ..checkpoints import shipped_reader_path
from ..reader import Reader
from .base import Codec
from .files import codec_file_name, load_codec
from .names import CodecKind, CodecName
from .scalar import Float16Codec, Int8Codec


def plain_codec(name: str) -> Codec:
    """Make a codec that needs no learning.

    Args:
        name: ``float16`` or ``int8``.

    Raises:
        PrereadError: If the name is another one.
    """
    kind = CodecName.parse(name).kind
    if kind is CodecKind.FLOAT16:
        return Float16Codec()
    if kind is CodecKind.INT8:
        return Int8Codec()
    raise PrereadError(f"codec: expected float16 or int8, found {name}, which has to be learned.")


def find_codec(name: str | Path, reader: Reader) -> Codec | None:
    """Find a codec by its name or file; None if it must be learned first.

    Args:
        name: ``float16``, ``int8``, ``pqN``, ``rpqN``, or the path of a learned codec's file.
        reader: Reader whose states it encodes. Its folder may hold learned codecs.

    Raises:
        PrereadError: If there is no such codec, or its file cannot be used.
    """
    name = str(name)
    if name.endswith(".safetensors"):
        return load_codec(Path(name), reader)
    parsed = CodecName.parse(name)
    if not parsed.kind.is_learned:
        return plain_codec(name)
    folder = shipped_reader_path(reader.name) or Path(reader.name)
    path = folder / codec_file_name(parsed)
    return load_codec(path, reader) if path.is_file() else None


def known_codec(name: str | Path, reader: Reader) -> Codec:
    """Find a codec by its name or file; one that is not learned yet is an error.

    Args:
        name: ``float16``, ``int8``, ``pqN``, ``rpqN``, or the path of a learned codec's file.
        reader: Reader whose states it encodes. Its folder may hold learned codecs.

    Raises:
        PrereadError: If there is no such codec, its file cannot be used, or it must be learned
            first.
    """
    codec = find_codec(name, reader)
    if codec is None:
        raise PrereadError(
            f"codec: {name} has to be learned, and does not come with {reader.name}. Learn it with "
            "`preread learn-codec`, and name its file."
        )
    return codec
