"""The manifest: what an index holds. Written last, so that no manifest means no index."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import IndexFormatError
from .files import write_json

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
LUCENE_FOLDER = "lucene"
STATES_FOLDER = "states"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardEntry:
    """One shard, as the manifest lists it."""

    file: str
    """Path below the index folder."""
    n_passages: int
    n_windows: int
    n_tokens: int
    n_text_bytes: int
    """UTF-8 bytes of texts, titles and identifiers."""
    bytes: int
    """Size of the file."""
    sha256: str
    passages_blake2b: str
    """Hash of the passages that went in, by which a resumed build knows them again."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A finished index."""

    plan: BuildPlan
    shards: tuple[ShardEntry, ...]
    n_records_skipped: int
    """Records of the corpus left out under ``--on-error skip``."""

    @property
    def n_passages(self) -> int:
        """Passages of all shards."""
        return sum(shard.n_passages for shard in self.shards)

    @property
    def n_tokens(self) -> int:
        """Tokens with a stored state, of all shards."""
        return sum(shard.n_tokens for shard in self.shards)

    def save(self, index: Path) -> None:
        """Write it into the index folder, atomically."""
        fields = {"format_version": FORMAT_VERSION, **asdict(self.plan)}
        fields |= {"n_records_skipped": self.n_records_skipped}
        counts = {"n_passages": self.n_passages, "n_tokens": self.n_tokens}
        shards = [asdict(shard) for shard in self.shards]
        write_json(index / MANIFEST_FILE, {**fields, **counts, "shards": shards})

    @classmethod
    def load(cls, index: Path) -> "Manifest":
        """Read the manifest of an index.

        Args:
            index: The index folder.

        Raises:
            IndexFormatError: If there is no index, an unfinished one, or one of another format.
        """
        path = index / MANIFEST_FILE
        if not path.is_file():
            raise IndexFormatError(_no_manifest(index))
        try:
            fields = json.loads(path.read_text("utf-8"))
            version = fields.pop("format_version")
            if version != FORMAT_VERSION:
                raise IndexFormatError(
                    f"{path}: expected format version {FORMAT_VERSION}, found {version}. Build the "
                    "index again with this version of preread, or use the version that made it."
                )
            shards = tuple(ShardEntry(**shard) for shard in fields.pop("shards"))
            n_skipped = fields.pop("n_records_skipped")
            counts = {name: fields.pop(name) for name in ("n_passages", "n_tokens")}
            manifest = cls(plan=BuildPlan(**fields), shards=shards, n_records_skipped=n_skipped)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise IndexFormatError(
                f"{path}: not a manifest ({error}). The file is damaged; restore it from a "
                "backup, or build the index again."
            ) from error
        found = {"n_passages": manifest.n_passages, "n_tokens": manifest.n_tokens}
        if counts != found:
            raise IndexFormatError(f"{path}: says {counts}, but its shards add up to {found}.")
        return manifest


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
