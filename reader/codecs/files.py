"""A learned codec as a safetensors file (``docs/index-format.md``)."""

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
"""What the name of a table's scales ends in."""
_MOST_KEPT = 2
_KEPT: dict[tuple[str, str, str], QuantisedCodec] = {}
"""Codecs loaded last, by the file's SHA-256, the reader's fingerprint, and device."""


def codec_file_name(name: CodecName) -> str:
    """What a codec's file is called in a reader's folder."""
    return f"codec-{name}.safetensors"


def save_codec(codec: QuantisedCodec, reader: Reader, path: str | Path) -> None:
    """Write a codec: most tables in signed bytes, the two maps in float16.

    Args:
        codec: What is written.
        reader: Whose states it was learned from; no other may use it.
        path: The file.
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
    # One entry: the library writes several in any order, and an index has the same bytes always.
    described = {"codec": str(codec.name), "fingerprint": reader.fingerprint}
    metadata = {_FORMAT: json.dumps(described)}
    # Not the library's own writing: its errors hide the operating system's, and its files are
    # their owner's alone.
    path.write_bytes(save({name: t.cpu().contiguous() for name, t in tensors.items()}, metadata))


def load_codec(path: str | Path, reader: Reader) -> QuantisedCodec:
    """Read a codec.

    Its multiplied-out tables are kept: who opens an index again, or another with the same codec,
    waits a moment instead of a second, and has them in memory once.

    Args:
        path: The file.
        reader: Whose states it shall code; on its device.

    Raises:
        PrereadError: If the file is no codec, or one of another reader.
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
    """A codec from its file's bytes; see `load_codec`."""
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
            f"{path}: codec of a reader with fingerprint {fingerprint[:12]}, but the "
            f"reader is {reader.name!r} ({reader.fingerprint[:12]}). Learn one for it with "
            "`preread learn-codec`."
        )
    embeddings = reader.model.embedder.word_vectors().detach()
    with torch.inference_mode():
        return QuantisedCodec(name, predictor, quantiser, embeddings)


def _description(content: bytes) -> dict[str, Any]:
    """What a file's metadata say; the library tells them only of files that it opens itself."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    described: dict[str, Any] = json.loads(header["__metadata__"][_FORMAT])
    return described


def _unreadable(path: Path, error: Exception) -> PrereadError:
    return PrereadError(
        f"{path}: no codec could be read ({error}). Expected a file that `preread learn-codec` "
        "wrote; it is missing or damaged."
    )
