"""Checking every byte of an index, and summing up what it holds."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..data import PrereadError
from .files import sha256_of
from .index import PassageIndex
from .manifest import LUCENE_FOLDER, STATES_FOLDER, Manifest


def verify_index(
    path: Path, on_progress: Callable[[int], None] = lambda n_bytes: None
) -> list[str]:
    """Compare an index with its manifest.

    Args:
        path: The index folder.
        on_progress: Told the bytes of each file that was checked.

    Returns:
        What is wrong, a sentence each; empty if nothing is.

    Raises:
        IndexFormatError: If there is no readable manifest.
    """
    manifest = Manifest.load(path)
    return [*_shard_faults(path, manifest, on_progress), *_bm25_faults(path, manifest)]


def _shard_faults(
    path: Path, manifest: Manifest, on_progress: Callable[[int], None]
) -> Iterator[str]:
    for shard in manifest.shards:
        file = path / shard.file
        if not file.is_file():
            yield f"{file}: is missing."
            continue
        if sha256_of(file) != shard.sha256:
            yield f"{file}: its SHA-256 is not the manifest's: bytes have changed."
        on_progress(shard.bytes)
    known = {path / shard.file for shard in manifest.shards}
    for file in sorted((path / STATES_FOLDER).iterdir()):
        if file not in known:
            yield f"{file}: is not in the manifest."


def _bm25_faults(path: Path, manifest: Manifest) -> Iterator[str]:
    try:
        index = PassageIndex(path)
        n_documents = index.bm25.n_documents
        check = index.bm25.check()
    except PrereadError as error:
        yield str(error)
        return
    if check:
        yield f"{path / LUCENE_FOLDER}: {check}"
    if n_documents > manifest.n_passages:
        yield f"{path / LUCENE_FOLDER}: {n_documents} documents for {manifest.n_passages} passages."


def index_info(path: Path) -> dict[str, Any]:
    """What an index holds and what it costs.

    Args:
        path: The index folder.

    Returns:
        The keys of ``preread info --json``. ``bytes_per_token`` counts the shards without the
        texts; ``bytes_total`` is the whole folder.
    """
    index = PassageIndex(path)
    manifest = index.manifest
    n_shard_bytes = sum(shard.bytes for shard in manifest.shards)
    n_text_bytes = sum(shard.n_text_bytes for shard in manifest.shards)
    files = [f for f in path.rglob("*") if f.is_file()]
    return {
        "n_passages": manifest.n_passages,
        "n_windows": sum(shard.n_windows for shard in manifest.shards),
        "n_tokens": manifest.n_tokens,
        "n_shards": len(manifest.shards),
        "bytes_per_token": round((n_shard_bytes - n_text_bytes) / manifest.n_tokens, 2),
        "bytes_text": n_text_bytes,
        "bytes_states": n_shard_bytes - n_text_bytes,
        "bytes_lucene": sum(f.stat().st_size for f in (path / LUCENE_FOLDER).rglob("*")),
        "bytes_total": sum(f.stat().st_size for f in files),
        "codec": manifest.plan.codec,
        "reader": manifest.plan.reader,
        "fingerprint": manifest.plan.fingerprint,
        "hidden_size": manifest.plan.hidden_size,
        "num_lower_layers": manifest.plan.num_lower_layers,
        "corpus": manifest.plan.corpus,
        "n_records_skipped": manifest.n_records_skipped,
    }
