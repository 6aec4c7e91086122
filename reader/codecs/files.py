"""The file of a learned codec, in safetensors format (``docs/reference/index-format.md``)."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ...data import PrereadError
from ...data.io.system_errors import reason_of
from ..reader import Reader
from ..saved_files import read_metadata
from .beam_search import BOOK_SIZE
from .names import CodecName
from .quantised import QuantisedCodec, Quantiser
from .side import Predictor
from .tables import from_int8, to_int8

_FORMAT = "preread-codec-3"
_EARLIER = "upper."
"""What the names of tensors begin with that a file held before version 0.2."""
_SCALES = "_scales"
"""Suffix of the name of a table's scales."""
_TABLES = ("position", "neighbours", "mean", "output", "codebooks")
_MOST_BYTES = 1 << 30
_MOST_POSITIONS, _MOST_UNITS, _MOST_NEIGHBOURS = 1 << 16, 16, 17
"""Greatest numbers of places in a window, of hidden units for each dimension of a state, and of
tokens that predict a state. A learned codec has 256, about 1.3, and 5."""
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
        if path.stat().st_size > _MOST_BYTES:
            raise _unreadable(path, ValueError(f"it has more than {_MOST_BYTES:,} bytes"))
        content = path.read_bytes()
    except FileNotFoundError:
        raise PrereadError(
            f"{path}: expected the file of a codec, found nothing. Check the path, or make the "
            "codec with `preread learn-codec`."
        ) from None
    except OSError as error:
        raise PrereadError(f"{path}: the codec cannot be read: {reason_of(error)}") from error
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
        described = read_metadata(content, _FORMAT)
        stored = load(content)
        name = CodecName.parse(described["codec"])
        fingerprint = described["fingerprint"]
        if fingerprint != reader.fingerprint:
            raise PrereadError(
                f"{path}: expected a codec of reader {reader.name!r} (fingerprint "
                f"{reader.fingerprint[:12]}), found a codec of the reader with fingerprint "
                f"{str(fingerprint)[:12]}. Learn one for this reader with `preread learn-codec`."
            )
        if any(tensor.startswith(_EARLIER) for tensor in stored):
            raise PrereadError(
                f"{path}: expected a codec alone, found upper layers in the same file, as indexes "
                "and codecs made before version 0.2 have them. Build the index again with `preread "
                "index`, or learn the codec again with `preread learn-codec`."
            )
        if not name.kind.is_learned:
            raise ValueError(f"expected a codec that is learned, found {name}")
        _check_shapes(stored, name.n_bytes, reader.config.hidden_size)
        tables = {name: from_int8(stored[name], stored[name + _SCALES]) for name in _TABLES}
        codebooks = tables.pop("codebooks")
        predictor = Predictor(**tables)
        quantiser = Quantiser(stored["analysis"].float(), codebooks, stored["synthesis"].float())
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error
    embeddings = reader.model.embedder.word_vectors().detach()
    with torch.inference_mode():
        return QuantisedCodec(name, predictor, quantiser, embeddings)


def _check_shapes(stored: dict[str, Tensor], n_bytes: int, size: int) -> None:
    """Make sure that tensors are those of a codec, before they are multiplied out.

    Args:
        stored: The file's tensors.
        n_bytes: Bytes of a code, by the codec's name.
        size: Width of the reader's states.
    """
    shape = {name: tuple(tensor.shape) for name, tensor in stored.items()}
    wanted = {*_TABLES, *(name + _SCALES for name in _TABLES), "analysis", "synthesis"}
    unknown, missing = sorted(shape.keys() - wanted), sorted(wanted - shape.keys())
    if unknown or missing:
        raise ValueError(
            f"expected {len(wanted)} tensors, found {len(missing)} of them missing and "
            f"{len(unknown)} others, for example {(missing or unknown)[0]}"
        )
    n_positions, width = shape["position"] if len(shape["position"]) == 2 else (0, 0)
    n_units = width - size
    n_neighbours = shape["neighbours"][0] if shape["neighbours"] else 0
    n_mean = shape["mean"][0] if shape["mean"] else 0
    part = shape["codebooks"][-1] if shape["codebooks"] else 0
    n_rows = shape["synthesis"][0] if shape["synthesis"] else 0
    expected = {
        "position": (n_positions, width),
        "neighbours": (n_neighbours, size, width),
        "mean": (n_mean, width),
        "output": (n_units, size),
        "codebooks": (n_bytes, BOOK_SIZE, part),
        "analysis": (n_rows, size),
        "synthesis": (n_rows, size),
    }
    for name in _TABLES:
        expected[name + _SCALES] = (*expected[name][:-2], expected[name][-1])
    for name, tensor in stored.items():
        dtype = torch.int8 if name in _TABLES else torch.float16
        if shape[name] != expected[name] or tensor.dtype != dtype:
            raise ValueError(
                f"{name}: expected {dtype} of shape {expected[name]}, found {tensor.dtype} of "
                f"shape {shape[name]}"
            )
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{name}: expected finite numbers, found others")
    n_parts = n_rows // part if part and n_rows % part == 0 else 0
    is_possible = (
        1 <= n_positions <= _MOST_POSITIONS,
        0 <= n_units <= _MOST_UNITS * size,
        n_neighbours == 0 or n_neighbours % 2 == 1 and n_neighbours <= _MOST_NEIGHBOURS,
        n_mean in (0, size),
        1 <= n_parts and n_bytes % n_parts == 0,
        n_rows <= _MOST_UNITS * size,
    )
    if not all(is_possible):
        raise ValueError(f"expected the shapes of a codec for states of {size}, found {shape}")


def _unreadable(path: Path, error: Exception) -> PrereadError:
    return PrereadError(
        f"{path}: expected the file of a codec, found a damaged one ({error}). Make it "
        "with `preread learn-codec`."
    )
