"""The manifest: what an index holds. Written last, so that no manifest means no index.

Every change of an index writes a new manifest of the next generation; the files of earlier ones
are never written to again.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...data.text.normalization import TextNormalization
from ..errors import IndexFormatError
from .files import FileEntry, read_sealed_json, write_sealed_json

FORMAT_VERSION = 2
MANIFEST_FILE = "manifest.json"
STATES_FOLDER = "states"
LOOKUP_FOLDER = "lookup"
SNAPSHOTS_FOLDER = "snapshots"
DENSE_FOLDER = "dense"
METADATA_FOLDER = "metadata"
CODEC_FILE = "codec.safetensors"
DELETED_PREFIX = "deleted-"
LUCENE_PREFIX = "lucene-"
"""Each generation that changes the BM25 index has it in a folder of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardEntry(FileEntry):
    """One shard, as the manifest lists it."""

    n_passages: int
    n_windows: int
    n_tokens: int
    n_text_bytes: int
    """UTF-8 bytes of texts, titles and identifiers."""
    first_ordinal: int
    last_ordinal: int
    """Inclusive."""
    passages_blake2b: str
    """Hash of the passages that went in, by which a resumed build knows them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedFile(FileEntry):
    """A file with a number of entries."""

    n: int

    @classmethod
    def count(cls, index: Path, file: str, n: int) -> "CountedFile":
        """Describe a file of an index that has ``n`` entries."""
        return cls(**asdict(FileEntry.of(index, file)), n=n)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """What decides the bytes of an index, besides the passages."""

    reader: str
    """Give it back as READER to get the same reader."""
    fingerprint: str
    hidden_size: int
    num_lower_layers: int
    codec: str
    passages_per_shard: int
    rows_per_batch: int
    corpus: str
    corpus_format: str
    on_error: str
    limit: int | None
    title_weight: int = 1
    """How often a title counts for BM25. Manifests from before there was a choice do not say."""
    bm25_normalization: str = TextNormalization.NONE.value
    """Name of the `TextNormalization` of the texts in the BM25 index. A manifest without it is from
    before texts were normalized."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseEntry:
    """Dense vectors of the passages, as the manifest lists them."""

    encoder: str
    """Load it by this name."""
    fingerprint: str
    """Of the encoder; vectors of another do not compare with these."""
    width: int
    """Numbers in a vector."""
    kind: str
    """How they are kept, a `VectorKind`."""
    query_prefix: str
    passage_prefix: str
    """What the encoder is given before a question, and before a passage."""
    files: tuple[CountedFile, ...]
    """Together they cover all passages, each once; newest last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionEntry:
    """Which part of which index this is, as the manifest lists it."""

    number: int
    """From 0."""
    of: int
    """How many parts there are."""
    whole: str
    """SHA-256 of the manifest of the index that was split."""
    n_documents: int
    """Of the whole index: documents with a word at least."""
    n_words: int
    """Of the whole index: words of all documents, each as often as it occurs."""
    statistics: CountedFile
    """Words of the whole index, and how many documents hold each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An index at one moment."""

    generation: int
    """0 as built; each change adds one."""
    plan: BuildPlan
    codec_file: FileEntry | None
    """The learned codec, if the codec is one."""
    lucene: str
    """Folder of the BM25 index, below the index folder."""
    shards: tuple[ShardEntry, ...]
    """By ascending ordinals."""
    lookups: tuple[CountedFile, ...]
    """Files that find passages by identifier or text; newest last."""
    deleted: CountedFile | None
    """Ordinals that are in a shard still, but not in the index."""
    next_ordinal: int
    """What the next passage will be numbered; no number is given twice."""
    next_shard: int
    n_records_skipped: int
    """Records of the corpus left out under ``--on-error skip``."""
    dense: DenseEntry | None = None
    """Dense vectors, where the index has any. An index without them does not speak of them."""
    part: PartitionEntry | None = None
    """Of an index that was split. One that is whole does not speak of it."""
    metadata: tuple[CountedFile, ...] = ()
    """Files with what is known of passages besides their texts; newest last, and the newest that
    has a passage tells. An index without such fields does not speak of them."""

    @property
    def n_passages(self) -> int:
        """Passages in the index."""
        n_deleted = self.deleted.n if self.deleted else 0
        return sum(shard.n_passages for shard in self.shards) - n_deleted

    @property
    def n_tokens(self) -> int:
        """Tokens with a stored state, those of deleted passages that are not compacted included."""
        return sum(shard.n_tokens for shard in self.shards)

    def files(self) -> list[FileEntry]:
        """Every file but Lucene's and the manifests."""
        single = [file for file in (self.codec_file, self.deleted) if file is not None]
        dense = self.dense.files if self.dense else ()
        statistics = (self.part.statistics,) if self.part else ()
        return [*self.shards, *self.lookups, *single, *dense, *statistics, *self.metadata]

    def save(self, path: str | Path) -> None:
        """Write it, atomically."""
        path = Path(path)
        fields = {"format_version": FORMAT_VERSION, "generation": self.generation}
        fields |= asdict(self.plan)
        fields |= {"n_passages": self.n_passages, "n_tokens": self.n_tokens}
        rest = asdict(self)
        del rest["plan"], rest["generation"]
        for name in ("dense", "part", "metadata"):
            if not rest[name]:
                del rest[name]
        write_sealed_json(path, {**fields, **rest})

    @classmethod
    def load(cls, index: str | Path) -> "Manifest":
        """Read the manifest of an index.

        Args:
            index: The index folder.

        Raises:
            IndexFormatError: If there is no index, an unfinished one, or one of another format.
        """
        index = Path(index)
        path = index / MANIFEST_FILE
        if not path.is_file():
            raise IndexFormatError(_no_manifest(index))
        return cls.read(path)

    @classmethod
    def read(cls, path: str | Path) -> "Manifest":
        """Read a manifest file.

        Raises:
            IndexFormatError: If it is damaged, or of another format.
        """
        path = Path(path)
        _check_version(path)
        fields = read_sealed_json(path)
        del fields["format_version"]
        try:
            return cls._from_fields(path, fields)
        except (TypeError, KeyError) as error:
            raise IndexFormatError(
                f"{path}: not a manifest ({error}). Restore it from a backup, or build the index "
                "again."
            ) from error

    @classmethod
    def _from_fields(cls, path: Path, fields: dict[str, Any]) -> "Manifest":
        counts = {name: fields.pop(name) for name in ("n_passages", "n_tokens")}
        codec_file, deleted = fields.pop("codec_file"), fields.pop("deleted")
        dense, part = fields.pop("dense", None), fields.pop("part", None)
        metadata = fields.pop("metadata", ())
        manifest = cls(
            generation=fields.pop("generation"),
            codec_file=FileEntry(**codec_file) if codec_file else None,
            lucene=fields.pop("lucene"),
            shards=tuple(ShardEntry(**shard) for shard in fields.pop("shards")),
            lookups=tuple(CountedFile(**lookup) for lookup in fields.pop("lookups")),
            deleted=CountedFile(**deleted) if deleted else None,
            next_ordinal=fields.pop("next_ordinal"),
            next_shard=fields.pop("next_shard"),
            n_records_skipped=fields.pop("n_records_skipped"),
            dense=_dense_entry(dense) if dense else None,
            part=_partition_entry(part) if part else None,
            metadata=tuple(CountedFile(**file) for file in metadata),
            plan=BuildPlan(**fields),
        )
        found = {"n_passages": manifest.n_passages, "n_tokens": manifest.n_tokens}
        if counts != found:
            raise IndexFormatError(f"{path}: says {counts}, but its shards add up to {found}.")
        return manifest


def _dense_entry(fields: dict[str, Any]) -> DenseEntry:
    files = tuple(CountedFile(**file) for file in fields.pop("files"))
    return DenseEntry(**fields, files=files)


def _partition_entry(fields: dict[str, Any]) -> PartitionEntry:
    statistics = CountedFile(**fields.pop("statistics"))
    return PartitionEntry(**fields, statistics=statistics)


def _check_version(path: Path) -> None:
    """Refuse another format before anything else of it is believed: version 1 had no seal."""
    try:
        version = json.loads(path.read_text("utf-8"))["format_version"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # damaged, and reported as that
    if version != FORMAT_VERSION:
        raise IndexFormatError(
            f"{path}: expected format version {FORMAT_VERSION}, found {version}. Build the index "
            "again with this version of preread, or use the version that made it."
        )


def _no_manifest(index: Path) -> str:
    """What to tell someone who opens a folder without a manifest."""
    if not index.exists():
        return f"{index}: no such index. Build one with `preread index CORPUS {index}`."
    if (index / STATES_FOLDER).is_dir():
        return (
            f"{index}: this index is unfinished (it has no {MANIFEST_FILE}). Go on with "
            f"`preread index CORPUS {index} --resume`."
        )
    return f"{index}: not an index: it holds no {MANIFEST_FILE}."
