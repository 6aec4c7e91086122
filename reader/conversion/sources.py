"""Recognising the kind of a checkpoint from its files."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ...data import PrereadError
from ...data.io.system_errors import words_of
from ..config import DeformerConfig
from ..hub import find_checkpoint
from ..saved_files import read_config

_LATEST = re.compile(r'^model_checkpoint_path:\s*"(?P<path>[^"]*)"', re.MULTILINE)


class CheckpointKind(StrEnum):
    """The program that made a checkpoint."""

    READER = "reader"
    """A reader of this package."""
    HUGGING_FACE = "huggingface"
    """A full model with a span head, saved by transformers."""
    TENSORFLOW = "tensorflow"
    """A TensorFlow checkpoint with the variables of the code published with the paper."""


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint that was found."""

    name: str
    """The name that was given."""
    kind: CheckpointKind
    location: str
    """Folder; for TensorFlow the common beginning of the files' paths."""

    @property
    def folder(self) -> Path:
        """Folder of the checkpoint's files."""
        path = Path(self.location)
        return path.parent if self.kind is CheckpointKind.TENSORFLOW else path


def find_source(name: str | Path) -> Source:
    """Find a checkpoint and recognise its kind.

    Args:
        name: ``default``, a folder, a hub name, or a TensorFlow checkpoint: the common beginning of
            its files' paths, or the path of its ``.index`` file.

    Raises:
        PrereadError: If there is no such checkpoint, or a folder holds several.
    """
    name = str(name)
    try:
        prefix = _tensorflow_prefix(Path(name).expanduser())
    except (OSError, RuntimeError):
        prefix = None  # `find_checkpoint` says what is wrong with the path
    if prefix is not None:
        return Source(name, CheckpointKind.TENSORFLOW, str(prefix))
    location = find_checkpoint(name)
    if not (Path(location) / "config.json").is_file():
        raise PrereadError(
            f"{name}: expected a folder with config.json (a reader, or a Hugging Face model), or a "
            "TensorFlow checkpoint (files NAME.index and NAME.data-…); found neither."
        )
    try:
        is_ours = read_config(location).get("model_type") == DeformerConfig.model_type
    except (OSError, ValueError) as error:
        raise PrereadError(f"{name}: checkpoint could not be loaded: {words_of(error)}") from error
    kind = CheckpointKind.READER if is_ours else CheckpointKind.HUGGING_FACE
    return Source(name, kind, location)


def _tensorflow_prefix(path: Path) -> Path | None:
    """Common beginning of a TensorFlow checkpoint's paths; None if the path is not one."""
    if path.is_dir():
        return None if (path / "config.json").is_file() else _latest_in(path)
    prefix = path.with_suffix("") if path.suffix == ".index" else path
    return prefix if prefix.with_name(prefix.name + ".index").is_file() else None


def _latest_in(folder: Path) -> Path | None:
    """The folder's only checkpoint, or the latest one according to its file ``checkpoint``."""
    names = sorted(path.name.removesuffix(".index") for path in folder.glob("*.index"))
    noted = folder / "checkpoint"
    found = _LATEST.search(noted.read_text("utf-8")) if noted.is_file() else None
    latest = Path(found["path"]).name if found else None
    if latest in names or len(names) == 1:
        return folder / (latest if latest in names else names[0])
    if names:
        raise PrereadError(
            f"{folder}: expected one TensorFlow checkpoint, or a file `checkpoint` that names the "
            f"latest; found {', '.join(names)}. Name one: {folder / names[-1]}"
        )
    return None
