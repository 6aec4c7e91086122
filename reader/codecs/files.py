"""The file of a learned codec, in safetensors format (``docs/reference/index-format.md``)."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from ...data import PrereadError
from ..reader import Reader
from .names import CodecName
from .quantised import QuantisedCodec, Quantiser
from .side import Predictor
from .tables import from_int8, to_int8

_FORMAT = "preread-codec-3"
_SCALES = "_scales"
"""Suffix of the name of a table's scales."""
_MOST_KEPT = 2
_KEPT: dict[tuple[str, str, str], QuantisedCodec] = {}
"""The codecs loaded last, by SHA-256 of the file, fingerprint of the reader, and device."""


def codec_file_name(name: CodecName) -> str:
    """Name of a codec's file in a reader's folder."""
    return f"codec-{name}.safetensors"


def save_codec(codec: QuantisedCodec, reader: Reader, path: str | Path) -> None:
    """Write a codec: most tables as signed bytes, the two maps in float16.

    Args:
        codec: Codec to write.
        reader: Reader from whose states it was learned. No other reader can use it.
        path: Path of the file.
    """
    path = Path(path)
    tensors = {
        "analysis": codec.quantiser.analysis.half(),
        "synthesis": codec.quantiser.synthesis.half(),
    }
    tables = {
        "position": codec.side.predictor.position,
        "neighbours": codec.side.predictor.neighbours,
        "mean": codec.side.predictor.mean,
        "output": codec.side.predictor.output,
        "codebooks": codec.quantiser.codebooks,
    }
    for name, table in tables.items():
        tensors[name], tensors[name + _SCALES] = to_int8(table)
    # One entry only: the library writes several in no fixed order, and an index must always have
    # the same bytes.
    described = {"codec": str(codec.name), "fingerprint": reader.fingerprint}
    metadata = {_FORMAT: json.dumps(described)}
    # The library's own function would hide the operating system's errors, and make a file that
    # only its owner can read.
    path.write_bytes(save({name: t.cpu().contiguous() for name, t in tensors.items()}, metadata))


def load_codec(path: str | Path, reader: Reader) -> QuantisedCodec:
    """Read a codec.

    The last codecs are kept with their expanded tables, so another index with the same codec
    neither expands them again nor holds them twice.

    Args:
        path: Path of the file.
        reader: Reader whose states it encodes. The codec uses the reader's device.

    Raises:
        PrereadError: If the file is not a codec, or belongs to another reader.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    key = hashlib.sha256(content).hexdigest(), reader.fingerprint, str(reader.device)
    codec = _KEPT.get(key)
    if codec is None:
        codec = _parse(content, path, reader)
        while len(_KEPT) >= _MOST_KEPT:
            _KEPT.pop(next(iter(_KEPT)), None)
        _KEPT[key] = codec
    return codec


def _parse(content: bytes, path: Path, reader: Reader) -> QuantisedCodec:
    """Make a codec from the bytes of its file; see `load_codec`."""
    try:
        described = _description(content)
        stored = load(content)
        name = CodecName.parse(described["codec"])
        fingerprint = described["fingerprint"]
        tables = {
            name: from_int8(stored[name], stored[name + _SCALES])
            for name in ("position", "neighbours", "mean", "output", "codebooks")
        }
        codebooks = tables.pop("codebooks")
        predictor = Predictor(**tables)
        quantiser = Quantiser(stored["analysis"].float(), codebooks, stored["synthesis"].float())
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from error
    if fingerprint != reader.fingerprint:
        raise PrereadError(
            f"{path}: expected a codec of reader {reader.name!r} (fingerprint "
            f"{reader.fingerprint[:12]}), found a codec of the reader with fingerprint "
            f"{fingerprint[:12]}. Learn one for this reader with `preread learn-codec`."
        )
    embeddings = reader.model.embedder.word_vectors().detach()
    with torch.inference_mode():
        return QuantisedCodec(name, predictor, quantiser, embeddings)


def _description(content: bytes) -> dict[str, Any]:
    """The metadata in a file's bytes; the library returns them only for files on disk."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    described: dict[str, Any] = json.loads(header["__metadata__"][_FORMAT])
    return described


def _unreadable(path: Path, error: Exception) -> PrereadError:
    return PrereadError(
        f"{path}: expected the file of a codec, found a missing or damaged one ({error}). Make it "
        "with `preread learn-codec`."
    )
