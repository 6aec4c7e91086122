"""The manifest: what an index holds. Written last, so that no manifest means no index.

Every change of an index writes a new manifest of the next generation; the files of earlier ones
are never written to again.
"""

import os
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter

from ...data import PrereadError
from ...data.io.validation import validate
from ...data.text.normalization import TextNormalization
from ..config import MOST_TITLE_WEIGHT, PRECISIONS
from ..errors import IndexFormatError, cannot_be_read
from .files import Count, FileEntry, Sha256, check_folder
from .json_files import parse_json_object, parse_sealed_json, read_bounded, write_sealed_json

FORMAT_VERSION = 2
MANIFEST_FILE = "manifest.json"
STATES_FOLDER = "states"
LOOKUP_FOLDER = "lookup"
SNAPSHOTS_FOLDER = "snapshots"
DENSE_FOLDER = "dense"
METADATA_FOLDER = "metadata"
CODEC_FILE = "codec.safetensors"
STATISTICS_FILE = "statistics.h5"
DELETED_PREFIX = "deleted-"
LUCENE_PREFIX = "lucene-"
"""Each generation that changes the BM25 index has it in a folder of its own."""

_FIVE_DIGITS = "(?:[0-9]{5}|[1-9][0-9]{5,9})"
_SIX_DIGITS = "(?:[0-9]{6}|[1-9][0-9]{6,9})"
"""A number as we write it: filled up with zeros, longer where it has to be."""
SHARD_NAME = rf"{STATES_FOLDER}/shard-{_FIVE_DIGITS}\.h5"
LOOKUP_NAME = rf"{LOOKUP_FOLDER}/lookup-{_SIX_DIGITS}\.h5"
DELETED_NAME = rf"{DELETED_PREFIX}{_SIX_DIGITS}\.npy"
VECTORS_NAME = rf"{DENSE_FOLDER}/vectors-{_SIX_DIGITS}\.faiss"
METADATA_NAME = rf"{METADATA_FOLDER}/metadata-{_SIX_DIGITS}\.h5"
LUCENE_NAME = rf"{LUCENE_PREFIX}{_SIX_DIGITS}"
SNAPSHOT_NAME = rf"{SNAPSHOTS_FOLDER}/{_SIX_DIGITS}\.json"
"""Names that we give, as paths below the index folder. What a manifest, a journal or a remote store
names is accepted in these forms only, so that it cannot lead out of the index."""
LUCENE_FILE_NAME = r"segments_[0-9a-z]+|_[0-9a-z]+(?:_[0-9A-Za-z_]+)?\.[0-9A-Za-z]+"
"""Names that Lucene gives the files in its folder."""
FILE_LIST = "files.json"
"""Sizes and hashes of Lucene's files, in their folder."""
LUCENE_LOCK = "write.lock"
_REMEDY = (
    "No version of preread writes that: restore the file from a backup, or build the index again."
)


def named(name: str) -> AfterValidator:
    """Accepts an entry of a file list whose file has a name of a form.

    Args:
        name: The form, a regular expression.
    """
    form = re.compile(name)

    def check(entry: FileEntry) -> FileEntry:
        if form.fullmatch(entry.file):
            return entry
        raise ValueError(f"expected a file name of the form {name}, found {entry.file!r}")

    return AfterValidator(check)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardEntry(FileEntry):
    """One shard, as the manifest lists it."""

    n_passages: Count
    n_windows: Count
    n_tokens: Count
    n_text_bytes: Count
    """UTF-8 bytes of texts, titles and identifiers."""
    first_ordinal: Count
    last_ordinal: Count
    """Inclusive."""
    passages_blake2b: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    """Hash of the passages that went in, by which a resumed build knows them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedFile(FileEntry):
    """A file with a number of entries."""

    n: Count

    @classmethod
    def count(cls, index: Path, file: str, n: int) -> "CountedFile":
        """Describe a file of an index.

        Args:
            index: The index folder.
            file: Path below it.
            n: Its number of entries.
        """
        return cls(**asdict(FileEntry.of(index, file)), n=n)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """What decides the bytes of an index, besides the passages."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    reader: str
    """Give it back as READER to get the same reader."""
    fingerprint: str
    hidden_size: Annotated[Count, Field(ge=1)]
    num_lower_layers: Count
    codec: str
    passages_per_shard: Annotated[Count, Field(ge=1)]
    rows_per_batch: Annotated[Count, Field(ge=1)]
    corpus: str
    corpus_format: str
    on_error: str
    limit: Count | None
    title_weight: Annotated[Count, Field(le=MOST_TITLE_WEIGHT)] = 1
    """How often a title counts for BM25; a manifest need not say it."""
    bm25_normalization: str = TextNormalization.NONE.value
    """Name of the `TextNormalization` of the BM25 index's texts; a manifest need not say it."""
    precision: Annotated[str, Field(pattern=f"^({'|'.join(PRECISIONS)})$")] = "float32"
    """Number format of the lower layers' products, a `Precision`; a manifest need not say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseEntry:
    """Dense vectors of the passages, as the manifest lists them."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    encoder: str
    """Load it by this name."""
    fingerprint: str
    """Of the encoder; vectors of another do not compare with these."""
    width: Annotated[Count, Field(ge=1, le=1 << 16)]
    """Numbers in a vector."""
    kind: str
    """How they are kept, a `VectorKind`."""
    query_prefix: str
    passage_prefix: str
    """What the encoder is given before a question, and before a passage."""
    files: Annotated[tuple[Annotated[CountedFile, named(VECTORS_NAME)], ...], Field(min_length=1)]
    """Together they cover all passages, each once; newest last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionEntry:
    """Which part of which index this is, as the manifest lists it."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    number: Count
    """From 0."""
    of: Annotated[Count, Field(ge=1)]
    """How many parts there are."""
    whole: Sha256
    """SHA-256 of the manifest of the index that was split."""
    n_documents: Count
    """Documents of the whole index that have at least one word."""
    n_words: Count
    """Words of all documents of the whole index, each counted as often as it occurs."""
    statistics: Annotated[CountedFile, named(STATISTICS_FILE.replace(".", r"\."))]
    """Words of the whole index, and how many documents hold each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An index at one moment."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    generation: Count
    """0 as built; each change adds one."""
    plan: BuildPlan
    codec_file: Annotated[FileEntry, named(CODEC_FILE.replace(".", r"\."))] | None
    """The learned codec, if the codec is one."""
    lucene: Annotated[str, Field(pattern=f"^{LUCENE_NAME}$")]
    """Folder of the BM25 index, below the index folder."""
    shards: Annotated[tuple[Annotated[ShardEntry, named(SHARD_NAME)], ...], Field(min_length=1)]
    """By ascending ordinals."""
    lookups: tuple[Annotated[CountedFile, named(LOOKUP_NAME)], ...]
    """Files that find passages by identifier or text; newest last."""
    deleted: Annotated[CountedFile, named(DELETED_NAME)] | None
    """Ordinals that are in a shard still, but not in the index."""
    next_ordinal: Annotated[Count, Field(le=1 << 32)]
    """What the next passage will be numbered; no number is given twice."""
    next_shard: Count
    n_records_skipped: Count
    """Records of the corpus left out under ``--on-error skip``."""
    dense: DenseEntry | None = None
    """Dense vectors; an index without them lacks the key."""
    part: PartitionEntry | None = None
    """Of an index that was split; one that is whole lacks the key."""
    metadata: tuple[Annotated[CountedFile, named(METADATA_NAME)], ...] = ()
    """Files with fields of passages besides their texts, newest last. Of a passage that is in
    several, the newest has its fields. An index without such fields lacks the key."""

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
        """Write it, atomically.

        Args:
            path: The file.
        """
        fields = {"format_version": FORMAT_VERSION, "generation": self.generation}
        fields |= asdict(self.plan)
        fields |= {"n_passages": self.n_passages, "n_tokens": self.n_tokens}
        rest = asdict(self)
        del rest["plan"], rest["generation"]
        for name in ("dense", "part", "metadata"):
            if not rest[name]:
                del rest[name]
        write_sealed_json(Path(path), {**fields, **rest})

    @classmethod
    def load(cls, index: str | Path) -> "Manifest":
        """Read the manifest of an index.

        Args:
            index: The index folder.

        Raises:
            IndexFormatError: If there is no index, an unfinished one, one of another format, or one
                of whose folders is a link.
            IndexAccessError: If the manifest cannot be read.
        """
        index = Path(index)
        path = index / MANIFEST_FILE
        try:
            is_there = path.is_file() or path.is_symlink()
        except OSError as error:
            raise cannot_be_read(path, error) from error
        if not is_there:
            raise IndexFormatError(_no_manifest(index))
        manifest = cls.read(path)
        for name in (*_FOLDERS, manifest.lucene):
            check_folder(os.path.join(index, name))
        return manifest

    @classmethod
    def read(cls, path: str | Path) -> "Manifest":
        """Read a manifest file.

        Args:
            path: The file.

        Raises:
            IndexFormatError: If it is damaged, or of another format.
            IndexAccessError: If it cannot be read.
        """
        return cls.parse(read_bounded(Path(path)), path)

    @classmethod
    def parse(cls, content: bytes, path: str | Path) -> "Manifest":
        """The manifest in a file's content.

        Args:
            content: What is in the file.
            path: Where it was found, for messages.

        Raises:
            IndexFormatError: If it is damaged, or of another format.
        """
        try:
            fields = parse_sealed_json(content, path)
        except IndexFormatError:
            _check_version(content, path)
            raise
        version = fields.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise _other_version(path, version)
        counts = {name: fields.pop(name, None) for name in ("n_passages", "n_tokens")}
        plan = {name: fields.pop(name) for name in _PLAN_FIELDS if name in fields}
        try:
            manifest = validate(_ADAPTER, {**fields, "plan": plan}, str(path), _REMEDY)
        except PrereadError as error:
            raise IndexFormatError(str(error)) from error
        manifest._check(counts, path)
        return manifest

    def _check(self, counts: dict[str, Any], path: Path | str) -> None:
        """Refuse entries that contradict each other, or the file's counts."""
        found = {"n_passages": self.n_passages, "n_tokens": self.n_tokens}
        if counts != found:
            raise IndexFormatError(f"{path}: says {counts}, but its shards add up to {found}.")
        names = [file.file for file in self.files()]
        if len(set(names)) < len(names):
            raise IndexFormatError(f"{path}: expected each file once, found one twice. {_REMEDY}")
        first = 0
        for shard in self.shards:
            room = shard.last_ordinal - shard.first_ordinal + 1
            if shard.first_ordinal < first or not 1 <= shard.n_passages <= room:
                raise IndexFormatError(
                    f"{path}: {shard.file}: expected passages with ascending ordinals from {first} "
                    f"on, found {shard.n_passages} from {shard.first_ordinal} to "
                    f"{shard.last_ordinal}. {_REMEDY}"
                )
            first = shard.last_ordinal + 1
        if first > self.next_ordinal:
            raise IndexFormatError(
                f"{path}: expected ordinals below next_ordinal, {self.next_ordinal}, found "
                f"{first - 1}. {_REMEDY}"
            )


_ADAPTER = TypeAdapter(Manifest)
_SHARD_ADAPTER = TypeAdapter(Annotated[ShardEntry, named(SHARD_NAME)])
_PLAN_FIELDS = [field.name for field in fields(BuildPlan)]
_FOLDERS = (STATES_FOLDER, LOOKUP_FOLDER, SNAPSHOTS_FOLDER, DENSE_FOLDER, METADATA_FOLDER)


def parse_shard_entry(fields: object, where: str) -> ShardEntry:
    """What a journal says of a shard, checked as the manifest is.

    Args:
        fields: The JSON object.
        where: The file and line, for messages.

    Raises:
        PrereadError: If it is no entry of a shard.
    """
    return validate(_SHARD_ADAPTER, fields, where, _REMEDY)


def _check_version(content: bytes, path: Path | str) -> None:
    """Name another format as such: version 1 had no seal."""
    try:
        version = parse_json_object(content, path).get("format_version", FORMAT_VERSION)
    except IndexFormatError:
        return  # damaged, and reported as that
    if version != FORMAT_VERSION:
        raise _other_version(path, version)


def _other_version(path: Path | str, version: object) -> IndexFormatError:
    return IndexFormatError(
        f"{path}: expected format version {FORMAT_VERSION}, found {version!r}. Build the index "
        "again with this version of preread, or use the version that made it."
    )


def _no_manifest(index: Path) -> str:
    """What to tell someone who opens a folder without a manifest."""
    if not index.exists():
        return f"{index}: no such index. Build one with `preread index CORPUS {index}`."
    if not index.is_dir():
        return f"{index}: not an index: expected a folder, found a file. Name the index's folder."
    if (index / STATES_FOLDER).is_dir():
        return (
            f"{index}: this index is unfinished (it has no {MANIFEST_FILE}). Go on with "
            f"`preread index CORPUS {index} --resume`."
        )
    return f"{index}: not an index: it holds no {MANIFEST_FILE}."
