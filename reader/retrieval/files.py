"""The file of a retrieval head, in safetensors format (``docs/reference/formats.md``)."""

import hashlib
import json
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from ...data import PrereadError
from ...data.io.atomic import atomic_path
from ...data.io.system_errors import reason_of
from ..checkpoints import shipped_reader_path
from ..reader import Reader
from ..saved_files import read_metadata
from .head import RetrievalHead

HEAD_FILE = "retrieval.safetensors"
_FORMAT = "preread-retrieval-1"
_MOST_BYTES = 1 << 30
_MOST_LAYERS, _MOST_DIMENSIONS = 24, 1 << 14
"""Larger heads are not made; one that somebody made up takes no more memory than this."""


def save_head(head: RetrievalHead, reader: Reader, path: Path) -> None:
    """Write a head in float16.

    Args:
        head: The head.
        reader: The reader whose lower states it was trained on. No other can use it.
        path: The file.
    """
    described = {
        "fingerprint": reader.fingerprint,
        "n_layers": head.shape.n_layers,
        "width": head.shape.width,
    }
    weights = {name: w.detach().half().cpu().contiguous() for name, w in head.state_dict().items()}
    # One entry: the library writes several in any order, and the same head has the same bytes.
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(weights, {_FORMAT: json.dumps(described)}))


def load_head(path: Path, reader: Reader) -> RetrievalHead:
    """Read a head, in float32, on the reader's device.

    Args:
        path: The file.
        reader: The reader whose lower states it will be given.

    Raises:
        PrereadError: If the file cannot be read, is not a head, or is that of other lower states.
    """
    try:
        is_large = path.stat().st_size > _MOST_BYTES
        content = b"" if is_large else path.read_bytes()
    except OSError as error:
        raise PrereadError(
            f"{path}: retrieval head could not be read: {reason_of(error)}"
        ) from error
    damaged = PrereadError(
        f"{path}: expected a retrieval head ({_FORMAT}), found something else. Restore it, or "
        "train a head with `preread train-retriever`."
    )
    try:
        weights = load(content)
        described = read_metadata(content, _FORMAT)
        fingerprint = str(described["fingerprint"])
        n_layers, width = int(described["n_layers"]), int(described["width"])
        if not (0 <= n_layers <= _MOST_LAYERS and 1 <= width <= _MOST_DIMENSIONS):
            raise ValueError(f"{n_layers} layers, {width} wide")
        head = RetrievalHead(reader.config, n_layers, width)
        if fingerprint == reader.fingerprint:
            head.load_state_dict(weights)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise damaged from error
    if fingerprint != reader.fingerprint:
        raise PrereadError(
            f"{path}: expected a retrieval head for the lower states of {reader.name} (fingerprint "
            f"{reader.fingerprint[:12]}), found one for others ({fingerprint[:12]}). Train a head "
            "for this reader with `preread train-retriever`."
        )
    return head.requires_grad_(False).eval().to(reader.device)


def head_of(reader: Reader) -> RetrievalHead | None:
    """The head beside a reader's weights; None where there is none.

    Args:
        reader: The reader, loaded by name or from a folder.

    Raises:
        PrereadError: If there is a file, and it cannot be used.
    """
    folder = shipped_reader_path(reader.name) or Path(reader.name)
    path = folder / HEAD_FILE
    return load_head(path, reader) if path.is_file() else None


def hand_on_head(base: Path, folder: Path) -> bool:
    """Copy the head of a reader to another with the same lower layers, such as one trained from it.

    Args:
        base: Folder of the reader that may have a head.
        folder: Folder of the other.

    Returns:
        Whether there was a head for these lower layers.
    """
    source = base / HEAD_FILE
    try:
        described = read_metadata(source.read_bytes(), _FORMAT)
    except (OSError, KeyError, ValueError):
        return False
    if described.get("fingerprint") != Reader.load(str(folder)).fingerprint:
        return False
    with atomic_path(folder / HEAD_FILE) as temporary:
        shutil.copyfile(source, temporary)
    return True


def head_fingerprint(head: RetrievalHead, reader: Reader) -> str:
    """SHA-256 of everything that decides a vector, hexadecimal.

    Args:
        head: The head.
        reader: Makes its input.
    """
    digest = hashlib.sha256(f"{_FORMAT} {reader.fingerprint} {head.shape}".encode())
    for name, weight in sorted(head.state_dict().items()):
        digest.update(name.encode())
        # float16 is what files hold: a head has one fingerprint before and after it is saved.
        digest.update(weight.detach().to("cpu", torch.float16).contiguous().numpy().data)
    return digest.hexdigest()
