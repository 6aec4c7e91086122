"""Merging several indexes into one; nothing is encoded again."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ...data import PrereadError
from ...data.text.normalization import TextNormalization
from ..builder.encode import shard_file
from ..builder.lookup_and_bm25 import index_live_texts, write_deleted, write_lookup_of
from ..dense.build import merge_dense, write_dense
from ..dense.checking import check_vectors
from ..dense.kinds import VectorKind
from ..dense.vectors import merged
from ..errors import IndexMismatchError, listed
from ..index import PassageIndex
from ..storage.files import atomic_folder, check_new_file, link_or_copy
from ..storage.manifest import (
    LOOKUP_FOLDER,
    LUCENE_PREFIX,
    STATES_FOLDER,
    DenseEntry,
    Manifest,
    ShardEntry,
)
from ..storage.metadata import write_metadata
from ..storage.snapshots import publish
from ..storage.writing import explaining_write_errors
from .compact import Row, copy_rows, live_rows
from .split import partition_name


def merge_indexes(
    sources: Sequence[str | Path], index: str | Path, *, show_progress: bool = False
) -> Manifest:
    """Merge several indexes into a new one.

    The partitions of an index, all together, give that index again: the same shards to the byte,
    the same ordinals and scores. Other indexes give an index of their passages in the order of
    ``sources``, without deleted ones and with new ordinals; codes and vectors are copied unchanged.
    The folder appears when it is complete. The sources are not changed.

    Args:
        sources: Index folders, at least two.
        index: Folder of the new index; must not exist.
        show_progress: Draw progress bars on standard error.

    Raises:
        IndexFormatError: If a source is no index, or is damaged.
        IndexMismatchError: If the sources have different readers, codecs or title weights.
        PrereadError: If there are fewer than two sources, a partition is missing, an identifier is
            in two of the sources, the vectors of sources are of different encoders or quantised,
            ``index`` exists, or it cannot be written.
    """
    index = Path(index)
    if len(sources) < 2:
        raise PrereadError(f"merge: expected two indexes or more, found {len(sources)}.")
    check_new_file(index)
    with explaining_write_errors(index), ExitStack() as stack:
        opened = [stack.enter_context(PassageIndex(path)) for path in sources]
        _check_alike(opened)
        are_partitions = _are_partitions(opened)
        if not are_partitions:
            _check_vectors(opened)
            _check_identifiers(opened)
        with atomic_folder(index) as temporary:
            for name in (STATES_FOLDER, LOOKUP_FOLDER):
                (temporary / name).mkdir()
            codec = opened[0].manifest.codec_file
            if codec is not None:
                link_or_copy(opened[0].path / codec.file, temporary / codec.file)
            put_together = _from_partitions if are_partitions else _from_others
            manifest = put_together(opened, temporary, show_progress)
            index_live_texts(temporary, manifest, show_progress)
            publish(temporary, manifest)
    return manifest


def _from_partitions(opened: Sequence[PassageIndex], index: Path, show_progress: bool) -> Manifest:
    """Put partitions together; the manifest's BM25 index is still to be written."""
    partitions = sorted(opened, key=lambda partition: partition.manifest.shards[0].first_ordinal)
    for partition in partitions:
        for shard in partition.manifest.shards:
            link_or_copy(partition.path / shard.file, index / shard.file)
    shards = tuple(shard for partition in partitions for shard in partition.manifest.shards)
    deleted = np.concatenate([partition.deleted for partition in partitions])
    metadata = {n: row for part in partitions for n, row in part.all_metadata().items()}
    dense = partitions[0].manifest.dense
    if dense is not None:
        files = [
            path
            for partition in partitions
            for path in check_vectors(partition.path, partition.manifest.dense or dense)
        ]
        dense = replace(dense, files=(write_dense(index, 0, merged(files, deleted[:0])),))
    return replace(
        partitions[0].manifest,
        shards=shards,
        lookups=(write_lookup_of(index, shards, 0, show_progress),),
        deleted=write_deleted(index, deleted, 0),
        dense=dense,
        metadata=write_metadata(index, metadata, 0),
        part=None,
    )


def _from_others(opened: Sequence[PassageIndex], index: Path, show_progress: bool) -> Manifest:
    """Copy the passages of all sources; the manifest's BM25 index is still to be written."""
    first = opened[0].manifest
    rows: Iterator[Row] = chain.from_iterable(
        live_rows(source, source.manifest.shards) for source in opened
    )
    shards: list[ShardEntry] = []
    ordinal = 0
    total = sum(len(source) for source in opened)
    with tqdm(
        total=total, unit=" passages", desc="copying states", disable=not show_progress, delay=1
    ) as bar:
        while some := list(islice(rows, first.plan.passages_per_shard)):
            ordinals = range(ordinal, ordinal + len(some))
            shards.append(copy_rows(index, shard_file(len(shards)), some, ordinals))
            ordinal += len(some)
            bar.update(len(some))
    live = [source.ordinals() for source in opened]
    before = [0, *np.cumsum([len(ordinals) for ordinals in live]).tolist()]
    metadata = {
        before[number] + place: fields
        for number, source in enumerate(opened)
        for place, ordinal in enumerate(live[number].tolist())
        if (fields := source.metadata(ordinal))
    }
    with_vectors = [
        (source.path, source.manifest.dense, ordinals)
        for source, ordinals in zip(opened, live, strict=True)
        if source.manifest.dense is not None
    ]
    corpora = dict.fromkeys(source.manifest.plan.corpus for source in opened)
    return Manifest(
        generation=0,
        plan=replace(
            first.plan,
            corpus=", ".join(corpora),
            limit=None,
            bm25_normalization=TextNormalization.NFKC.value,  # all texts are indexed anew
        ),
        codec_file=first.codec_file,
        lucene=f"{LUCENE_PREFIX}{0:06d}",
        shards=tuple(shards),
        lookups=(write_lookup_of(index, shards, 0, show_progress),),
        deleted=None,
        next_ordinal=ordinal,
        next_shard=len(shards),
        n_records_skipped=sum(source.manifest.n_records_skipped for source in opened),
        dense=merge_dense(with_vectors, index, 0) if with_vectors else None,
        metadata=write_metadata(index, metadata, 0),
    )


def _make(opened: PassageIndex) -> dict[str, object]:
    """Properties that indexes must share so that their states and scores compare."""
    plan, codec = opened.manifest.plan, opened.manifest.codec_file
    return {
        "reader's fingerprint": plan.fingerprint,
        "codec": plan.codec,
        "SHA-256 of the codec": codec.sha256 if codec else None,
        "title_weight": plan.title_weight,
    }


def _check_alike(opened: Sequence[PassageIndex]) -> None:
    """Refuse indexes that differ in one of these properties."""
    first = opened[0]
    wanted = _make(first)
    for other in opened[1:]:
        for what, found in _make(other).items():
            if found != wanted[what]:
                raise IndexMismatchError(
                    f"{other.path}: its {what} is {found}, but that of {first.path} is "
                    f"{wanted[what]}. Indexes with different ones cannot be merged: build one of "
                    "the two again."
                )


def _are_partitions(opened: Sequence[PassageIndex]) -> bool:
    """Whether the sources are all partitions of one index; some of them are refused."""
    partitions = [source.manifest.part for source in opened]
    found = [partition for partition in partitions if partition is not None]
    if not found:
        return False
    first = found[0]
    if len(found) < len(partitions) or any(partition.whole != first.whole for partition in found):
        raise PrereadError(
            f"merge: expected the partitions of one index, or whole indexes; found "
            f"{len(found)} partitions among {len(partitions)} indexes, not all of one index. Merge "
            "the partitions of each index first."
        )
    numbers = sorted(partition.number for partition in found)
    if numbers != list(range(first.of)):
        missing = sorted(set(range(first.of)) - set(numbers))
        what = f"without {', '.join(partition_name(n, first.of) for n in missing)}"
        raise PrereadError(
            f"merge: expected each of the {first.of} partitions of the index once, found "
            f"{len(found)}{f', {what}' if missing else ', some of them twice'}. Name all of them."
        )
    return True


def _check_vectors(opened: Sequence[PassageIndex]) -> None:
    """Refuse vectors of several encoders, and quantised ones, which only come near the vectors."""
    wanted = opened[0].manifest.dense
    for source in opened:
        dense = source.manifest.dense
        if dense is not None and dense.kind == VectorKind.IVFPQ:
            raise PrereadError(
                f"{source.path}: has vectors of the kind {dense.kind}, and only those of "
                "partitions of one index can be merged. Remove them (`preread dense "
                f"{source.path} --remove`), merge, and make them again."
            )
        if _encoder_of(dense) != _encoder_of(wanted):
            raise PrereadError(
                f"{source.path}: has {_encoder_of(dense)}, but {opened[0].path} has "
                f"{_encoder_of(wanted)}. Make vectors of one encoder in all indexes (`preread "
                "dense INDEX --encoder ENCODER`), or remove them (--remove)."
            )


def _encoder_of(dense: DenseEntry | None) -> str:
    """What vectors an index has, in words."""
    if dense is None:
        return "no vectors"
    return f"vectors of {dense.encoder} (fingerprint {dense.fingerprint[:12]})"


def _check_identifiers(opened: Sequence[PassageIndex]) -> None:
    """Refuse an identifier that is in two indexes; hashes are compared first, they are small."""
    keys = np.concatenate([source.identifier_keys() for source in opened])
    keys.sort()
    doubled = set(keys[1:][keys[1:] == keys[:-1]].tolist())
    seen: dict[str, int] = {}
    twice: list[str] = []
    for number, source in enumerate(opened if doubled else ()):
        for passage_id in source.identifiers_of(doubled):
            if seen.setdefault(passage_id, number) != number:
                twice.append(passage_id)
    if twice:
        raise PrereadError(
            f"merge: {len(twice)} identifiers are in two of the indexes: {listed(twice)}. Delete "
            "these passages from one of the two."
        )
