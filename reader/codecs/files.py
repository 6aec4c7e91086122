"""A learned codec as a safetensors file (``docs/index-format.md``)."""

import hashlib
import json
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save_file
from torch import Tensor

from ...data import PrereadError
from ..reader import Reader
from .names import CodecName
from .quantised import QuantisedCodec, Quantiser
from .side import Predictor
from .tables import from_int8, to_int8
from .upper import UpperChanges

_FORMAT = "preread-codec-3"
_SCALES = "_scales"
"""What the name of a table's scales ends in."""
_UPPER = "upper."
"""What the names of changes of upper layers begin with."""
_MOST_KEPT = 2
_KEPT: dict[tuple[str, str, str], QuantisedCodec] = {}
"""Codecs loaded last, by the file's SHA-256, the reader's fingerprint, and device."""


def codec_file_name(name: CodecName) -> str:
    """What a codec's file is called in a reader's folder."""
    return f"codec-{name}.safetensors"


def save_codec(codec: QuantisedCodec, reader: Reader, path: Path) -> None:
    """Write a codec: most tables in signed bytes, the two maps in float16.

    Args:
        codec: What is written.
        reader: Whose states it was learned from; no other may use it.
        path: The file.
    """
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
    described: dict[str, Any] = {"codec": str(codec.name), "fingerprint": reader.fingerprint}
    if codec.upper is not None:
        described["upper"] = codec.upper.upper
        tensors |= {_UPPER + name: tensor for name, tensor in codec.upper.tensors.items()}
    if codec.supersedes:
        described["supersedes"] = list(codec.supersedes)
    metadata = {_FORMAT: json.dumps(described)}
    save_file({name: t.cpu().contiguous() for name, t in tensors.items()}, path, metadata)


def load_codec(path: Path, reader: Reader) -> QuantisedCodec:
    """Read a codec.

    Its multiplied-out tables are kept: who opens an index again, or another with the same codec,
    waits a moment instead of a second, and has them in memory once.

    Args:
        path: The file.
        reader: Whose states it shall code; on its device.

    Raises:
        PrereadError: If the file is no codec, or one of another reader.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    key = hashlib.sha256(content).hexdigest(), reader.fingerprint, str(reader.device)
    codec = _KEPT.get(key)
    if codec is None:
        codec = _parse(content, path, reader)
        codec.sha256 = key[0]
        while len(_KEPT) >= _MOST_KEPT:
            _KEPT.pop(next(iter(_KEPT)), None)
        _KEPT[key] = codec
    # A copy: what a codec brings for upper layers may be set anew.
    return copy(codec)


def tables_sha256(path: Path) -> str:
    """SHA-256 of a codec's tables: of all that codes and states depend on.

    Files with the same tables read each other's codes, whatever upper layers they bring.

    Args:
        path: The file.

    Raises:
        PrereadError: If the file is no codec.
    """
    try:
        stored = load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, error) from error
    digest = hashlib.sha256()
    for name in sorted(name for name in stored if not _is_change(name)):
        table = stored[name]
        digest.update(f"{name} {table.dtype} {tuple(table.shape)} ".encode())
        digest.update(table.numpy().tobytes())
    return digest.hexdigest()


def load_changes(path: Path, reader: Reader) -> UpperChanges | None:
    """What a codec's file changes of upper layers, without its tables.

    Args:
        path: The file.
        reader: Whose states the codec should code.

    Returns:
        The changes; None where the file has none, or the codec is of another reader.

    Raises:
        PrereadError: If the file is no codec.
    """
    try:
        with safe_open(path, framework="pt") as file:
            described = json.loads(file.metadata()[_FORMAT])
            if described["fingerprint"] != reader.fingerprint:
                return None
            named = {name: file.get_tensor(name) for name in file.keys() if _is_change(name)}
            return _upper(described.get("upper"), named)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from error


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
        upper = _upper(described.get("upper"), stored)
        supersedes = tuple(described.get("supersedes", ()))
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
        return QuantisedCodec(name, predictor, quantiser, embeddings, upper, supersedes)


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


def _upper(of: str | None, stored: Mapping[str, Tensor]) -> UpperChanges | None:
    """The changes of upper layers, where the file has some."""
    if of is None:
        return None
    named = {name: tensor for name, tensor in stored.items() if _is_change(name)}
    return UpperChanges(of, {name.removeprefix(_UPPER): t for name, t in named.items()})


def _is_change(name: str) -> bool:
    return name.startswith(_UPPER)
