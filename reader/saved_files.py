"""The configuration and weights of a reader's folder.

They are read with safetensors alone. The import of transformers takes longer than that of PyTorch,
so it is left to full models.
"""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save
from torch import Tensor

from .config import CONFIG_FILE

WEIGHTS_FILE = "model.safetensors"


def read_config(folder: str) -> dict[str, Any]:
    """Read the configuration of a checkpoint of any program.

    Args:
        folder: Folder of the checkpoint.

    Raises:
        OSError: If the folder has no configuration that can be read.
        ValueError: If the file is not a JSON object.
    """
    path = Path(folder) / CONFIG_FILE
    described = json.loads(path.read_bytes())
    if not isinstance(described, dict):
        raise ValueError(f"{path}: expected a JSON object, found {type(described).__name__}")
    return described


def read_weights(folder: str) -> dict[str, Tensor]:
    """Read the weights of a reader, on the CPU, in the number format of the file.

    Args:
        folder: Folder of the reader.

    Raises:
        OSError: If the folder has no weights that can be read.
        SafetensorError: If the file is damaged.
    """
    return load_file(Path(folder) / WEIGHTS_FILE)


def write_weights(weights: dict[str, Tensor], folder: Path) -> None:
    """Write the weights of a reader.

    Args:
        weights: Weights by name.
        folder: Folder of the reader.
    """
    contiguous = {name: weight.contiguous() for name, weight in weights.items()}
    # The library's own function makes a file that only its owner can read.
    (folder / WEIGHTS_FILE).write_bytes(save(contiguous, metadata={"format": "pt"}))


def read_metadata(content: bytes, name: str) -> dict[str, Any]:
    """Read a description in the metadata of a safetensors file.

    The library returns metadata only for files on disk.

    Args:
        content: Bytes of the file.
        name: Name of the entry, whose value is JSON.

    Raises:
        ValueError: If header or entry is not JSON.
        KeyError: If there is no such entry.
    """
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    described: dict[str, Any] = json.loads(header["__metadata__"][name])
    return described
