"""Checking every byte of an index, and summarising its contents."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...data import PrereadError
from ..bm25.indexer import lucene_files
from ..errors import IndexAccessError
from ..storage.cleaning import files_of_generations, is_unfinished, snapshots
from ..storage.files import entries_of
from ..storage.json_files import read_bounded
from ..storage.manifest import FILE_LIST, MANIFEST_FILE, SNAPSHOTS_FOLDER, STATES_FOLDER, Manifest
from ..storage.snapshots import Lease, is_being_changed, snapshot_path

Progress = Callable[[int], None]

_NUMBER = re.compile(r"-(\d+)")
"""Number of a shard or a generation in the name of a file or of a Lucene folder."""


def verify_index(path: str | Path, on_progress: Progress = lambda n_bytes: None) -> list[str]:
    """Compare all files of an index with its manifest: the faults, a sentence each.

    The generation that is the newest at the start is checked. Files of a change in progress, or of
    one that was killed, are not faults: the next change replaces or removes them.

    Args:
        path: The index folder.
        on_progress: Called with the size in bytes of each file that was checked.

    Raises:
        IndexFormatError: If there is no readable manifest.
    """
    path = Path(path)
    lease = Lease(path)  # keeps the files of the generation until it is released
    try:
        return [
            *_file_faults(path, lease.manifest, on_progress),
            *_lucene_faults(path, lease.manifest, on_progress),
            *_snapshot_faults(path, lease.manifest),
        ]
    finally:
        lease.release()


def bytes_to_verify(path: str | Path) -> int:
    """Count the bytes of all files in an index folder.

    Args:
        path: The index folder.

    Raises:
        IndexFormatError: If there is no readable manifest.
    """
    path = Path(path)
    Manifest.load(path)
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _file_faults(path: Path, manifest: Manifest, on_progress: Progress) -> Iterator[str]:
    """Faults of the files in the manifest, and files that no manifest names."""
    for file in manifest.files():
        try:
            file.check(path)
        except PrereadError as error:
            yield str(error)
        on_progress(file.bytes)
    known = {file.file for file in manifest.files()} | {manifest.lucene}
    for generation in snapshots(path):
        try:
            earlier = Manifest.read(generation)
        except PrereadError:
            continue  # `_snapshot_faults` reports it
        known |= {file.file for file in earlier.files()} | {earlier.lucene}
    if is_being_changed(path):
        return  # files come and go
    try:
        there = list(files_of_generations(path))
    except IndexAccessError as error:
        yield str(error)
        return
    for found in there:
        name = found.relative_to(path).as_posix()
        if name not in known and not (is_unfinished(name) or _is_later(found, manifest)):
            yield f"{found}: is not in the manifest."


def _is_later(found: Path, manifest: Manifest) -> bool:
    """Whether an interrupted change left a file: its number is higher than any in use."""
    number = _NUMBER.search(found.name)
    if number is None:
        return False
    of_shard = found.parent.name == STATES_FOLDER
    last = manifest.next_shard - 1 if of_shard else manifest.generation
    return int(number[1]) > last


def _lucene_faults(path: Path, manifest: Manifest, on_progress: Progress) -> Iterator[str]:
    folder = path / manifest.lucene
    try:
        files = lucene_files(folder)
    except PrereadError as error:
        yield str(error)
        return
    for file in files:
        try:
            file.check(folder)
        except PrereadError as error:
            yield str(error)
        on_progress(file.bytes)
    known = {file.file for file in files}
    for found in entries_of(folder):
        if found.name not in known and found.name != FILE_LIST:
            yield f"{found}: is not in {FILE_LIST}."


def _snapshot_faults(path: Path, manifest: Manifest) -> Iterator[str]:
    """Faults of the stored manifests of this generation and of earlier ones."""
    for file in entries_of(path / SNAPSHOTS_FOLDER):
        if is_unfinished(file.relative_to(path).as_posix()):
            continue
        try:
            Manifest.read(file)
        except PrereadError as error:
            yield str(error)
            continue
        is_newest = Manifest.load(path).generation == manifest.generation
        is_own = file == snapshot_path(path, manifest.generation)
        if is_newest and is_own and read_bounded(file) != read_bounded(path / MANIFEST_FILE):
            yield f"{file}: is not the manifest of generation {manifest.generation}."


def index_info(path: str | Path) -> dict[str, Any]:
    """Summarise the contents and the size of an index.

    Args:
        path: The index folder.

    Returns:
        The keys of ``preread info --json``. ``bytes_per_token`` is the size of shards and lookup
        files without the texts; ``bytes_total`` is the size of the whole folder.

    Raises:
        IndexFormatError: If there is no complete index, or a file is missing or cut short.
    """
    path = Path(path)
    lease = Lease(path)  # keeps the files of the generation until it is released
    manifest = lease.manifest
    for file in manifest.files():
        file.check_size(path)
    n_text_bytes = sum(shard.n_text_bytes for shard in manifest.shards)
    dense = manifest.dense
    of_dense = sum(file.bytes for file in dense.files) if dense else 0
    of_metadata = sum(file.bytes for file in manifest.metadata)
    of_files = sum(file.bytes for file in manifest.files())
    of_states = of_files - n_text_bytes - of_dense - of_metadata
    of_codec = manifest.codec_file.bytes if manifest.codec_file else 0
    files = [f for f in path.rglob("*") if f.is_file()]
    lucene = [f for f in files if f.parent.name == manifest.lucene]
    return {
        "n_passages": manifest.n_passages,
        "n_windows": sum(shard.n_windows for shard in manifest.shards),
        "n_tokens": manifest.n_tokens,
        "n_deleted": manifest.deleted.n if manifest.deleted else 0,
        "n_shards": len(manifest.shards),
        "generation": manifest.generation,
        "bytes_per_token": round((of_states - of_codec) / manifest.n_tokens, 2),
        "bytes_text": n_text_bytes,
        "bytes_states": of_states - of_codec,
        "bytes_codec": of_codec,
        "bytes_dense": of_dense,
        "bytes_metadata": of_metadata,
        "bytes_lucene": sum(f.stat().st_size for f in lucene),
        "bytes_total": sum(f.stat().st_size for f in files),
        "codec": manifest.plan.codec,
        "reader": manifest.plan.reader,
        "fingerprint": manifest.plan.fingerprint,
        "hidden_size": manifest.plan.hidden_size,
        "num_lower_layers": manifest.plan.num_lower_layers,
        "encoder": dense.encoder if dense else None,
        "vectors": dense.kind if dense else None,
        "corpus": manifest.plan.corpus,
        "n_records_skipped": manifest.n_records_skipped,
    }
