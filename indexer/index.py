"""An index that is open for reading."""

import json
import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..data import Passage, PrereadError
from ..data.arguments import check_path
from ..data.records import Metadata
from ..data.text.normalization import TextNormalization
from ..reader.codecs.names import CodecKind, CodecName
from .bm25.partition_searcher import PartitionSearcher
from .bm25.searcher import Bm25Parameters, Bm25Searcher
from .bm25.statistics import CorpusStatistics, FieldStatistics
from .errors import AbsentPassageError, IndexFormatError, IndexMismatchError
from .filters import Filter, check_filter, passes
from .storage.arrays import map_array
from .storage.lookup import Lookup, key_of
from .storage.manifest import ShardEntry
from .storage.metadata import MetadataFile, newest
from .storage.readahead import will_open
from .storage.shard_reader import ShardReader
from .storage.snapshots import Lease

if TYPE_CHECKING:
    from ..reader import Reader
    from ..reader.codecs import Codec
    from .stored_windows import StoredWindows

_INT8_SCALE_BYTES = 2
"""Bytes of an int8 code besides the one for each dimension."""
_OF_SHARD = (
    "a number of passages of",
    "as first ordinal",
    "as last ordinal",
    "codes of the number format",
    "as width of a code",
)
"""What `_check_shard` compares, for messages."""

_FILTERS_KEPT = 64
"""Filters whose passages are remembered."""


class PassageIndex:
    """An open index: passages, their stored states, and their BM25 index.

    An open index does not change when passages are added or deleted; opening it again shows the
    change. Shards are mapped into memory at first use. A passage's number in the index is its
    ``ordinal``; the ordinal of a deleted passage is never given again.
    """

    def __init__(self, path: str | Path, *, bm25_parameters: Bm25Parameters | None = None) -> None:
        """Open an index.

        Args:
            path: The index folder.
            bm25_parameters: Parameters of the BM25 formula; Anserini's by default.

        Raises:
            IndexFormatError: If there is no complete index, or a file is missing or cut short.
            IndexAccessError: If a file cannot be read.
            PrereadError: If ``path`` is no path.
        """
        self.path = path = check_path("index", path).absolute()  # the working folder may change
        self._process = os.getpid()
        self._is_closed = False
        self._bm25_parameters = bm25_parameters
        self._lease = Lease(path)
        self.manifest = self._lease.manifest
        for file in self.manifest.files():
            file.check_size(path)
        self._firsts = [shard.first_ordinal for shard in self.manifest.shards]
        self._shards: dict[int, ShardReader] = {}
        self._matching: dict[str, npt.NDArray[Any]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Have copies and other processes open the index again, in its newest state."""
        return partial(PassageIndex, bm25_parameters=self._bm25_parameters), (self.path,)

    def _check_process(self) -> None:
        """Refuse a process that was forked from the one that opened the index: it lacks threads."""
        if os.getpid() != self._process:
            raise PrereadError(
                f"{self.path}: the index was opened in process {self._process}, and this is "
                f"process {os.getpid()}, forked from it. Open the index in each process, after the "
                "fork, or start processes with the spawn method."
            )

    def _check_open(self) -> None:
        """Refuse to open files after `close`: a writer may have removed them."""
        if self._is_closed:
            raise PrereadError(
                f"{self.path}: the index is closed. Open it again with PassageIndex or "
                "OpenDomainQA.from_index."
            )

    def __len__(self) -> int:
        """Number of passages."""
        return self.manifest.n_passages

    def __enter__(self) -> Self:
        """Use the index in a ``with`` statement, which closes it at the end."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the index."""
        self.close()

    def close(self) -> None:
        """Close the files; a writer may then remove those that newer states do not need."""
        self._is_closed = True
        if "bm25" in self.__dict__:
            self.bm25.close()
            del self.bm25
        self._shards.clear()
        self._lease.release()

    @cached_property
    def bm25(self) -> Bm25Searcher:
        """Searcher of the BM25 index; starts Java at first use.

        Raises:
            IndexFormatError: If the BM25 index is damaged.
            PrereadError: If Java cannot be started, a newer version of preread built the index, or
                the index is closed.
        """
        self._check_process()
        self._check_open()
        folder, part = self.path / self.manifest.lucene, self.manifest.part
        form = TextNormalization.parse(self.manifest.plan.bm25_normalization)
        if part is None:
            return Bm25Searcher(folder, self._bm25_parameters, normalization=form)
        field = FieldStatistics(part.n_documents, part.n_words)
        whole = CorpusStatistics(self.path / part.statistics.file, field)
        parameters = self._bm25_parameters
        return PartitionSearcher(folder, parameters, whole=whole, normalization=form)

    def check_reader(self, reader: "Reader") -> None:
        """Check that a reader can use the stored states.

        Args:
            reader: A reader.

        Raises:
            IndexMismatchError: If a reader with another fingerprint made the states.
        """
        plan = self.manifest.plan
        is_same = reader.fingerprint == plan.fingerprint
        if is_same and reader.config.hidden_size == plan.hidden_size:
            return
        raise IndexMismatchError(
            f"{self.path}: index was built with reader {plan.reader!r} "
            f"({plan.hidden_size} wide, {plan.num_lower_layers} lower layers, fingerprint "
            f"{plan.fingerprint[:12]}), but the reader is {reader.name!r} "
            f"({reader.config.hidden_size} wide, {reader.config.num_lower_layers} lower layers, "
            f"fingerprint {reader.fingerprint[:12]}). Use that reader, or build the index again "
            "with `preread index`."
        )

    def codec(self, reader: "Reader") -> "Codec":
        """Load the codec that decodes the stored states.

        Args:
            reader: The reader of the index; the codec is on its device.

        Raises:
            IndexMismatchError: If a reader with another fingerprint made the states.
            IndexFormatError: If the codec's file is damaged.
        """
        from ..reader.codecs import load_codec, plain_codec  # imports transformers

        self.check_reader(reader)
        file = self.manifest.codec_file
        if file is None:
            return plain_codec(self.manifest.plan.codec)
        file.check(self.path)
        found = load_codec(self.path / file.file, reader)
        if str(found.name) != self.manifest.plan.codec:
            raise IndexFormatError(
                f"{self.path / file.file}: expected the codec {self.manifest.plan.codec}, found "
                f"{found.name}. Restore the file from a backup, or build the index again."
            )
        return found

    def ordinals(self) -> npt.NDArray[Any]:
        """Ordinals of all passages, ascending. Shape ``(n_passages,)``, uint32."""
        shards = [self._shard(number).ordinals for number in range(len(self._firsts))]
        found = np.concatenate(shards)
        return found[~np.isin(found, self.deleted, assume_unique=True)]

    def passage(self, ordinal: int) -> Passage:
        """Read one passage.

        Args:
            ordinal: Number of the passage.

        Raises:
            AbsentPassageError: If the index has no passage with this number.
            IndexFormatError: If its bytes have changed since they were written.
        """
        shard, row = self._locate(ordinal)
        passage = shard.passage(row)
        metadata = self.metadata(ordinal)
        return replace(passage, metadata=metadata) if metadata else passage

    def metadata(self, ordinal: int) -> Metadata:
        """What is known of a passage besides its text; empty where nothing is.

        Args:
            ordinal: The passage's number.

        Raises:
            IndexFormatError: If bytes have changed since they were written.
        """
        for file in reversed(self._metadata_files):
            found = file.get(ordinal)
            if found is not None:
                return found
        return {}

    def all_metadata(self) -> dict[int, Metadata]:
        """What is known of all passages that are not deleted, by ascending ordinals.

        Raises:
            IndexFormatError: If bytes have changed since they were written.
        """
        found = newest(self._metadata_files)
        return {ordinal: row for ordinal, row in found.items() if not self._is_deleted(ordinal)}

    def matching(self, filter: Filter) -> npt.NDArray[Any]:
        """The passages that pass a filter.

        All metadata is read once for each filter; the last ones are remembered.

        Args:
            filter: A condition for each of some fields (``filters.py``).

        Returns:
            Their ordinals, ascending. Shape ``(n,)``, uint32.

        Raises:
            PrereadError: If the filter cannot be applied.
            IndexFormatError: If bytes have changed since they were written.
        """
        check_filter(filter)
        key = json.dumps(filter, sort_keys=True, default=str)
        found = self._matching.get(key)
        if found is None:
            missing_passes = passes({}, filter)
            known = self.all_metadata()
            ordinals = [ordinal for ordinal, row in known.items() if passes(row, filter)]
            found = np.array(ordinals, "<u4")
            if missing_passes:
                unknown = np.setdiff1d(self.ordinals(), np.fromiter(known, "<u4", len(known)))
                found = np.union1d(found, unknown)
            if len(self._matching) == _FILTERS_KEPT:
                self._matching.pop(next(iter(self._matching)))
            self._matching[key] = found
        return found

    def find(self, passage_id: str) -> list[int]:
        """Find the ordinals of passages by their identifier: usually one or none.

        Args:
            passage_id: An identifier.
        """
        return self._find("id", passage_id, lambda passage: passage.passage_id)

    def find_text(self, text: str) -> list[int]:
        """Find the ordinals of passages by their exact text.

        Args:
            text: Text of a passage, without the title.
        """
        return self._find("text", text, lambda passage: passage.text)

    def identifier_keys(self) -> npt.NDArray[Any]:
        """Hashes (`key_of`) of all identifiers, of deleted passages as well.

        Returns:
            The hashes. Shape ``(n,)``, uint64.
        """
        return np.concatenate([lookup.keys["id"] for lookup in self._lookups])

    def identifiers_of(self, keys: Iterable[int]) -> Iterator[str]:
        """Find the identifiers that have given hashes.

        Args:
            keys: Hashes of identifiers (`key_of`).

        Yields:
            The identifier of each passage whose identifier has one of the hashes.
        """
        for key in keys:
            for lookup in self._lookups:
                for ordinal in lookup.candidates("id", key):
                    if not self._is_deleted(ordinal):
                        yield self._looked_up(ordinal).passage_id

    def fetch(self, ordinals: Sequence[int]) -> "StoredWindows":
        """Read the stored states of some passages; each window is checked against its checksum.

        Args:
            ordinals: Numbers of the passages.

        Returns:
            Codes and token ids of all their windows, in the order of ``ordinals``.

        Raises:
            AbsentPassageError: If the index has no passage with one of the numbers.
            IndexFormatError: If bytes have changed since they were written.
        """
        from .stored_windows import StoredWindows  # imports PyTorch

        self._check_process()
        self._will_open(ordinals)
        rows = [self._locate(ordinal) for ordinal in ordinals]
        for shard, row in rows:
            shard.will_read(row)
        return StoredWindows.of([shard.windows(row) for shard, row in rows])

    @cached_property
    def deleted(self) -> npt.NDArray[Any]:
        """Ordinals of deleted passages whose states are still in a shard.

        The ordinals are ascending. Shape ``(n,)``, uint32.
        """
        file = self.manifest.deleted
        if file is None:
            return np.empty(0, "<u4")
        file.check(self.path)
        return map_array(self.path / file.file, "<u4", (file.n,))

    @cached_property
    def _lookups(self) -> list[Lookup]:
        return [Lookup(self.path / file.file, file.n) for file in self.manifest.lookups]

    @cached_property
    def _metadata_files(self) -> list[MetadataFile]:
        return [MetadataFile(self.path / file.file) for file in self.manifest.metadata]

    def _is_deleted(self, ordinal: int) -> bool:
        place = int(np.searchsorted(self.deleted, ordinal))
        return place < len(self.deleted) and int(self.deleted[place]) == ordinal

    def _find(self, name: str, wanted: str, field: Callable[[Passage], str]) -> list[int]:
        """Look up a hash, and keep the passages whose field is equal."""
        key = key_of(wanted)
        return [
            ordinal
            for lookup in self._lookups
            for ordinal in lookup.candidates(name, key)
            if not self._is_deleted(ordinal) and field(self._looked_up(ordinal)) == wanted
        ]

    def _looked_up(self, ordinal: int) -> Passage:
        """A passage that a lookup file names."""
        try:
            return self.passage(ordinal)
        except AbsentPassageError as error:
            raise IndexFormatError(
                f"{self.path}: a lookup file names passage {ordinal}, which is in no shard. It is "
                "damaged: restore it from a backup, or build the index again."
            ) from error

    def _will_open(self, ordinals: Sequence[int]) -> None:
        """Ask the disk for what opening the shards of some passages will read, all at once."""
        numbers = {bisect_right(self._firsts, ordinal) - 1 for ordinal in ordinals}
        for number in numbers - self._shards.keys():
            with suppress(OSError):  # opening the shard raises the error
                will_open(self.path / self.manifest.shards[number].file)

    def _locate(self, ordinal: int) -> tuple[ShardReader, int]:
        """The shard that holds a passage, and the passage's row in it."""
        number = bisect_right(self._firsts, ordinal) - 1
        row = None
        is_possible = number >= 0 and ordinal <= self.manifest.shards[number].last_ordinal
        if is_possible and not self._is_deleted(ordinal):
            shard = self._shard(number)
            row = shard.row_of(ordinal)
        if row is None:
            raise AbsentPassageError(
                f"{self.path}: no passage {ordinal} among its {len(self)} passages. If a search "
                "found it, the BM25 index or the vectors are damaged, or another index's: restore "
                "them from a backup, or build the index again."
            )
        return shard, row

    def _shard(self, number: int) -> ShardReader:
        shard = self._shards.get(number)
        if shard is None:
            self._check_open()
            entry = self.manifest.shards[number]
            shard = ShardReader(self.path / entry.file)
            self._check_shard(shard, entry)
            self._shards[number] = shard
        return shard

    def _check_shard(self, shard: ShardReader, entry: ShardEntry) -> None:
        wanted = (entry.n_passages, entry.first_ordinal, entry.last_ordinal, *self._code_format)
        found = (
            shard.n_passages,
            int(shard.ordinals[0]) if shard.n_passages else None,
            int(shard.ordinals[-1]) if shard.n_passages else None,
            shard.codes.dtype.str,
            shard.codes.shape[1],
        )
        for name, one, other in zip(_OF_SHARD, wanted, found, strict=True):
            if one != other:
                raise IndexFormatError(
                    f"{shard.path}: expected {name} {one}, found {other}. Restore the file from a "
                    "backup."
                )

    @cached_property
    def _code_format(self) -> tuple[str, int]:
        """Number format and width of a token's code, by the name of the codec."""
        name, size = CodecName.parse(self.manifest.plan.codec), self.manifest.plan.hidden_size
        widths = {CodecKind.FLOAT16: size, CodecKind.INT8: size + _INT8_SCALE_BYTES}
        dtype = "<f2" if name.kind is CodecKind.FLOAT16 else "|u1"
        return dtype, widths.get(name.kind, name.n_bytes)
