"""Finding the codec that a user names."""

from pathlib import Path

from ...data import PrereadError
from ..checkpoints import shipped_reader_path
from ..reader import Reader
from .base import Codec
from .files import codec_file_name, load_changes, load_codec
from .names import CodecKind, CodecName
from .quantised import QuantisedCodec
from .scalar import Float16Codec, Int8Codec
from .upper import UpperChanges


def plain_codec(name: str) -> Codec:
    """A codec that needs no learning, by its name: ``float16`` or ``int8``.

    Raises:
        PrereadError: If it is none of these.
    """
    kind = CodecName.parse(name).kind
    if kind is CodecKind.FLOAT16:
        return Float16Codec()
    if kind is CodecKind.INT8:
        return Int8Codec()
    raise PrereadError(f"codec: expected float16 or int8, found {name}, which has to be learned.")


def find_codec(name: str, reader: Reader) -> Codec | None:
    """A codec by its name or file.

    Args:
        name: ``float16``, ``int8``, ``pqN``, ``rpqN``, or the file of a learned codec.
        reader: Whose states it codes; its folder may bring learned codecs along.

    Returns:
        The codec; None where it has to be learned first.

    Raises:
        PrereadError: If there is no such codec, or its file cannot be used.
    """
    if name.endswith(".safetensors"):
        return load_codec(Path(name), reader)
    parsed = CodecName.parse(name)
    if parsed.kind in (CodecKind.FLOAT16, CodecKind.INT8):
        return plain_codec(name)
    return _brought(parsed, reader)


def kept_codec(path: Path, sha256: str, name: str, reader: Reader) -> Codec:
    """The codec that an index keeps, with the upper layers that the reader has for it by now.

    Upper layers may have been trained further since the index was made, and what the reader's
    configuration says of ranking is of their logits. So where the reader brings a codec that
    supersedes the index's, that one is used; states are the same for both.

    Args:
        path: The index's file.
        sha256: Of that file.
        name: What the codec is called.
        reader: Whose states it codes.

    Raises:
        PrereadError: If a file is no codec, or one of another reader.
    """
    brought = _brought(CodecName.parse(name), reader)
    if brought is not None and sha256 in brought.supersedes:
        return brought
    return load_codec(path, reader)


def brought_changes(reader: Reader) -> UpperChanges | None:
    """What the codec that indexes have by default changes of upper layers; None where nothing."""
    path = _brought_file(CodecName.parse(reader.config.codec), reader)
    return load_changes(path, reader) if path.is_file() else None


def _brought(name: CodecName, reader: Reader) -> QuantisedCodec | None:
    """The learned codec that lies beside a reader's weights."""
    path = _brought_file(name, reader)
    return load_codec(path, reader) if path.is_file() else None


def _brought_file(name: CodecName, reader: Reader) -> Path:
    """Where that codec would lie."""
    folder = shipped_reader_path(reader.name) or Path(reader.name)
    return folder / codec_file_name(name)


def known_codec(name: str, reader: Reader) -> Codec:
    """A codec by its name or file, as `find_codec` has it.

    Raises:
        PrereadError: If there is no such codec, its file cannot be used, or it has to be learned
            first.
    """
    codec = find_codec(name, reader)
    if codec is None:
        raise PrereadError(
            f"codec: {name} has to be learned, and does not come with {reader.name}. Learn it with "
            "`preread learn-codec`, and name its file."
        )
    return codec
