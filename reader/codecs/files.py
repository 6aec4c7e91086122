"""A learned codec as a safetensors file (``docs/index-format.md``)."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ...data import PrereadError
from ..reader import Reader
from .names import CodecName
from .quantised import Predictor, QuantisedCodec, Quantiser

_FORMAT = "preread-codec-2"


def codec_file_name(name: CodecName) -> str:
    """What a codec's file is called in a reader's folder."""
    return f"codec-{name}.safetensors"


def save_codec(codec: QuantisedCodec, reader: Reader, path: Path) -> None:
    """Write a codec, in float16.

    Args:
        codec: What is written.
        reader: Whose states it was learned from; no other may use it.
        path: The file.
    """
    tensors = {
        "position": codec.predictor.position,
        "neighbours": codec.predictor.neighbours,
        "mean": codec.predictor.mean,
        "output": codec.predictor.output,
        "analysis": codec.quantiser.analysis,
        "codebooks": codec.quantiser.codebooks,
        "synthesis": codec.quantiser.synthesis,
    }
    # One entry: the library writes several in any order, and an index has the same bytes always.
    described = {"codec": str(codec.name), "fingerprint": reader.fingerprint}
    metadata = {_FORMAT: json.dumps(described)}
    halves = {name: tensor.half().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(halves, path, metadata)


def load_codec(path: Path, reader: Reader) -> QuantisedCodec:
    """Read a codec.

    Args:
        path: The file.
        reader: Whose states it shall code; on its device.

    Raises:
        PrereadError: If the file is no codec, or one of another reader.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}
        described = json.loads(metadata[_FORMAT])
        name = CodecName.parse(described["codec"])
        fingerprint = described["fingerprint"]
        predictor = Predictor(*(tensors[k] for k in ("position", "neighbours", "mean", "output")))
        quantiser = Quantiser(*(tensors[k] for k in ("analysis", "codebooks", "synthesis")))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise PrereadError(
            f"{path}: no codec could be read ({error}). Expected a file that `preread learn-codec` "
            "wrote; it is missing or damaged."
        ) from error
    if fingerprint != reader.fingerprint:
        raise PrereadError(
            f"{path}: codec of a reader with fingerprint {fingerprint[:12]}, but the "
            f"reader is {reader.name!r} ({reader.fingerprint[:12]}). Learn one for it with "
            "`preread learn-codec`."
        )
    embeddings = reader.model.embedder.word_vectors().detach()
    with torch.inference_mode():
        return QuantisedCodec(name, predictor, quantiser, embeddings)
