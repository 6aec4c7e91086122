"""Corpora and questions of a reproduction: files of the user, of the package, or downloads."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ....data import PrereadError
from ....data.download import default_folder, download, find_remote_file
from ....data.sample import sample_corpus_path
from .listing import Origin, Reproduction


@dataclass(frozen=True, slots=True)
class FoundInput:
    """Where an input is, or will be after its download."""

    path: Path
    download: str | None = None
    """Name of the download that provides the file; None if the file needs none."""
    bytes_to_fetch: int = 0
    """Bytes to download; 0 where the publisher does not state the size."""

    def fetch(self) -> Path:
        """Download the file if necessary, and return its path."""
        return download(self.download, show_progress=True).path if self.download else self.path


def find_inputs(
    reproduction: Reproduction, given: Mapping[str, Path | None]
) -> dict[str, FoundInput]:
    """Find the inputs of a reproduction by their names, without downloading anything.

    Args:
        reproduction: The reproduction.
        given: Files that the user named, by ``corpus`` and ``questions``. A named file replaces a
            download.

    Raises:
        PrereadError: If a named file does not exist, a file was named that the reproduction does
            not take, or one was not named that it needs.
    """
    for name, path in given.items():
        if path is not None and name not in reproduction.inputs:
            raise PrereadError(
                f"{reproduction.name}: takes no --{name}, found {path}. Leave it out."
            )
    return {name: _find(reproduction, name, given.get(name)) for name in reproduction.inputs}


def _find(reproduction: Reproduction, name: str, given: Path | None) -> FoundInput:
    wanted = reproduction.inputs[name]
    if given is not None:
        if not given.exists():
            raise PrereadError(
                f"{given}: expected the {name} of {reproduction.name}, found nothing. Check --"
                f"{name}."
            )
        return FoundInput(given)
    if wanted.origin is Origin.GIVEN:
        raise PrereadError(
            f"{reproduction.name}: expected --{name} FILE ({wanted.what}), found none. Name it."
        )
    if wanted.origin is Origin.SHIPPED:
        return FoundInput(sample_corpus_path().with_name(wanted.what))
    remote = find_remote_file(wanted.what)
    path = default_folder() / remote.file
    missing = 0 if path.exists() else remote.size_bytes or 0
    return FoundInput(path, wanted.what, missing)


def check_disk(folder: Path, needed_gib: float, inputs: Mapping[str, FoundInput]) -> None:
    """Refuse to start a reproduction that would fill a disk.

    Args:
        folder: Folder of the reproduction. Files that it already holds count as used.
        needed_gib: Disk space of a finished reproduction, in GiB.
        inputs: Inputs of the reproduction, some of which may still have to be downloaded.

    Raises:
        PrereadError: If a disk has too little free space.
    """
    held = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    wanted: dict[int, tuple[Path, int]] = {}
    parts = [(folder, max(0, round(needed_gib * 2**30) - held))]
    parts += [(one.path, one.bytes_to_fetch) for one in inputs.values() if one.bytes_to_fetch]
    for path, n_bytes in parts:
        place = next(parent for parent in (path.absolute(), *path.absolute().parents)
                     if parent.exists())  # fmt: skip
        device = place.stat().st_dev
        first, so_far = wanted.get(device, (place, 0))
        wanted[device] = first, so_far + n_bytes
    for place, n_bytes in wanted.values():
        free = shutil.disk_usage(place).free
        if free < n_bytes:
            raise PrereadError(
                f"{place}: expected {n_bytes / 2**30:,.1f} GiB of free disk, found "
                f"{free / 2**30:,.1f}. Make room, or name a folder on another disk with --folder."
            )
