"""Files of codecs that somebody made up."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from preread.data import PrereadError
from preread.reader import Reader
from preread.reader.codecs import load_codec
from safetensors.torch import load, save
from torch import Tensor

Tensors = dict[str, Tensor]


@pytest.fixture
def parts(tiny_codec_path: Callable[[str], Path]) -> tuple[Tensors, dict[str, str]]:
    """Tensors and metadata of a codec of ours."""
    content = tiny_codec_path("rpq4").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return load(content), json.loads(content[8 : 8 + length])["__metadata__"]


def halved(tensor: Tensor) -> Tensor:
    return tensor[..., : tensor.shape[-1] // 2].contiguous()


ATTACKS: list[tuple[str, Callable[[Tensors], Any]]] = [
    ("missing", lambda t: t.pop("output")),
    ("unknown", lambda t: t.update(evil=torch.zeros(1))),
    ("narrow", lambda t: t.update(position=halved(t["position"]))),
    ("scales that multiply", lambda t: t.update(mean_scales=torch.ones(4000, 4000).half())),
    ("books", lambda t: t.update(codebooks=t["codebooks"][:, :255].contiguous())),
    ("fewer books", lambda t: t.update(codebooks=t["codebooks"][:3].contiguous())),
    ("flat", lambda t: t.update(neighbours=t["neighbours"].flatten())),
    ("scalar", lambda t: t.update(position=torch.tensor(1, dtype=torch.int8))),
    ("even", lambda t: t.update(neighbours=t["neighbours"][:2].contiguous())),
    ("other numbers", lambda t: t.update(analysis=t["analysis"].float())),
    ("not finite", lambda t: t["synthesis"].fill_(float("nan"))),
    ("endless scales", lambda t: t["output_scales"].fill_(float("inf"))),
    ("no places", lambda t: t.update(position=t["position"][:0].contiguous())),
    ("no rows", lambda t: t.update(analysis=t["analysis"][:0], synthesis=t["synthesis"][:0])),
    (
        "many neighbours",
        lambda t: t.update(
            neighbours=t["neighbours"][:1].repeat(101, 1, 1),
            neighbours_scales=t["neighbours_scales"][:1].repeat(101, 1),
        ),
    ),
]


@pytest.mark.parametrize(("name", "attack"), ATTACKS, ids=[name for name, _ in ATTACKS])
def test_tensors_of_a_codec_are_those_of_one(
    parts: tuple[Tensors, dict[str, str]],
    tiny_reader: Reader,
    tmp_path: Path,
    name: str,
    attack: Callable[[Tensors], Any],
) -> None:
    tensors, metadata = parts
    attack(tensors)
    path = tmp_path / "evil.safetensors"
    path.write_bytes(save(tensors, metadata))
    with pytest.raises(PrereadError, match="evil.safetensors: expected the file of a codec"):
        load_codec(path, tiny_reader)


def test_a_file_that_also_holds_upper_layers_is_told_as_an_earlier_one(
    parts: tuple[Tensors, dict[str, str]], tiny_reader: Reader, tmp_path: Path
) -> None:
    tensors, metadata = parts
    tensors["upper.head.bias"] = torch.zeros(2, dtype=torch.float16)
    path = tmp_path / "earlier.safetensors"
    path.write_bytes(save(tensors, metadata))
    with pytest.raises(PrereadError, match=r"before version 0\.2 .* `preread index`") as raised:
        load_codec(path, tiny_reader)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,
        b'{"__metadata__":' * 20_000,
        b'{"__metadata__": 7}',
        b'{"__metadata__": {"preread-codec-3": "7"}}',
        b'{"__metadata__": {"preread-codec-3": "{}"}}',
        b'{"__metadata__": {"preread-codec-3": "' + b"[" * 50_000 + b'"}}',
        b"{}",
        b"7",
        b"\xff\xfe",
        b"",
    ],
)
def test_headers_of_a_codec_are_read_with_care(
    tiny_reader: Reader, tmp_path: Path, header: bytes
) -> None:
    path = tmp_path / "evil.safetensors"
    for length in (len(header), 1 << 62, (1 << 64) - 1):
        path.write_bytes(struct.pack("<Q", length) + header)
        with pytest.raises(PrereadError, match="expected the file of a codec"):
            load_codec(path, tiny_reader)


def test_a_codec_that_nobody_learns_is_none(
    parts: tuple[Tensors, dict[str, str]], tiny_reader: Reader, tmp_path: Path
) -> None:
    """Its name says how many bytes a code has, which is 0 of ``int8``."""
    tensors, metadata = parts
    path = tmp_path / "evil.safetensors"
    named = {key: value.replace("rpq4", "int8") for key, value in metadata.items()}
    path.write_bytes(save(tensors, named))
    with pytest.raises(PrereadError, match="expected a codec that is learned, found int8"):
        load_codec(path, tiny_reader)


def test_a_file_that_is_too_large_is_not_read(tiny_reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)
    with pytest.raises(PrereadError, match="it has more than 1,073,741,824 bytes"):
        load_codec(path, tiny_reader)
