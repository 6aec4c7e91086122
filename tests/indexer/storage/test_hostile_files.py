"""Files of an index that somebody made up: each attack ends in an error that names the file.

Whoever makes up an index can also make its checksums right. So the helpers here seal what they
change, as an attacker would.
"""

import hashlib
import json
import pickle
import shutil
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
import pytest
from preread.data import PrereadError
from preread.indexer import IndexFormatError, Manifest, PassageIndex, ShardReader, split_index
from preread.indexer.bm25.indexer import lucene_files
from preread.indexer.bm25.statistics import CorpusStatistics, FieldStatistics
from preread.indexer.storage.journal import Journal
from preread.indexer.storage.json_files import MAX_JSON_BYTES, write_sealed_json
from preread.indexer.storage.lookup import Lookup
from preread.indexer.storage.metadata import MetadataFile
from preread.pipeline import OpenDomainQA
from preread.reader import Reader

USER_BLOCK = 2048
Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def index(built: Path, tmp_path: Path) -> Path:
    """An index to tamper with."""
    return Path(shutil.copytree(built, tmp_path / "index"))


def tamper(index: Path, edit: Edit) -> None:
    """Change the manifest, with a seal that is right."""
    path = index / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    del content["sha256"]
    edit(content)
    path.unlink()
    write_sealed_json(path, content)


def renew(index: Path, file: str) -> None:
    """Make the manifest say of a file what it is now."""

    def edit(content: dict[str, Any]) -> None:
        listed = [
            *content["shards"],
            *content["lookups"],
            content["deleted"],
            content["codec_file"],
        ]
        for entry in filter(None, listed):
            if entry["file"] == file:
                data = (index / file).read_bytes()
                entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    tamper(index, edit)


EVIL_NAMES = [
    "../../../.profile",
    "/etc/passwd",
    "states/../../evil.h5",
    "states/shard-00000.h5/../../../evil",
    "states/evil.h5",
    "states/shard-1.h5",
    "states/shard-000000.h5",
    "states\\shard-00000.h5",
    "states/shard-00000.h5\n",
    "states/shard-00000.h5\0",
    "states/shard-٠٠٠٠٠.h5",
    "manifest.json",
    "",
]


def _at(content: Any, place: tuple[str | int, ...], value: object) -> None:
    """Set a value deep in an object."""
    for part in place[:-1]:
        content = content[part]
    content[place[-1]] = value


ENTRY = {"bytes": 1, "sha256": "0" * 64}
PLACES: list[tuple[str, Edit]] = [
    ("shards", lambda c: None),
    ("lookups", lambda c: None),
    ("deleted", lambda c: c.update(deleted={**ENTRY, "n": 1})),
    ("codec_file", lambda c: c.update(codec_file={**ENTRY})),
    (
        "dense",
        lambda c: c.update(
            dense={
                **{"encoder": "x", "fingerprint": "x", "width": 4, "kind": "flat"},
                **{"query_prefix": "", "passage_prefix": "", "files": [{**ENTRY, "n": 1}]},
            }
        ),
    ),
    (
        "part",
        lambda c: c.update(
            part={
                **{"number": 0, "of": 2, "whole": "0" * 64, "n_documents": 1, "n_words": 1},
                "statistics": {**ENTRY, "n": 1},
            }
        ),
    ),
]


@pytest.mark.parametrize(("where", "prepare"), PLACES, ids=[name for name, _ in PLACES])
@pytest.mark.parametrize("name", EVIL_NAMES)
def test_a_manifest_names_only_files_as_we_name_them(
    index: Path, where: str, prepare: Edit, name: str
) -> None:
    place: dict[str, tuple[str | int, ...]] = {
        "shards": ("shards", 1, "file"),
        "lookups": ("lookups", 0, "file"),
        "dense": ("dense", "files", 0, "file"),
        "part": ("part", "statistics", "file"),
    }

    def edit(content: dict[str, Any]) -> None:
        prepare(content)
        _at(content, place.get(where, (where, "file")), name)

    tamper(index, edit)
    with pytest.raises(IndexFormatError, match="expected a file name of the form"):
        Manifest.load(index)


@pytest.mark.parametrize("name", ["..", "../lucene", "lucene-000000/..", "lucene-0", "", "states"])
def test_a_manifest_names_a_folder_of_lucene_as_we_do(index: Path, name: str) -> None:
    tamper(index, lambda content: content.update(lucene=name))
    with pytest.raises(IndexFormatError, match="lucene: expected text of the form"):
        Manifest.load(index)


def test_splitting_writes_nothing_outside_of_the_parts(index: Path, tmp_path: Path) -> None:
    profile = tmp_path / ".profile"
    profile.write_text("mine")
    codec = index / "codec.safetensors"
    codec.write_bytes(b"evil")
    entry = {"bytes": 4, "sha256": hashlib.sha256(b"evil").hexdigest()}
    evil = f"../{index.name}/../.profile"
    tamper(index, lambda content: content.update(codec_file={**entry, "file": evil}))
    with pytest.raises(IndexFormatError, match="codec_file"):
        split_index(index, tmp_path / "parts", 2)
    assert profile.read_text() == "mine" and not (tmp_path / "parts").exists()


@pytest.mark.parametrize(
    "edit",
    [
        lambda c: c.update(generation=-1),
        lambda c: c.update(generation=1.5),
        lambda c: c.update(generation="1"),
        lambda c: c.update(generation=True),
        lambda c: c.update(hidden_size=0),
        lambda c: c.update(title_weight=1 << 40),
        lambda c: c.update(shards=[]),
        lambda c: c.update(shards={}),
        lambda c: c.update(lookups=None),
        lambda c: c.update(next_ordinal=1 << 40),
        lambda c: c.update(next_ordinal=3),
        lambda c: c.update(codec=7),
        lambda c: c.update(unknown=1),
        lambda c: c["shards"].reverse(),
        lambda c: c["shards"].append(dict(c["shards"][0])),
        lambda c: c["lookups"].append(c["lookups"][0]),
        lambda c: c["shards"][0].update(bytes=-5),
        lambda c: c["shards"][0].update(bytes=1 << 80),
        lambda c: c["shards"][0].update(sha256="../x"),
        lambda c: c["shards"][0].update(first_ordinal=-1),
        lambda c: c["shards"][0].update(last_ordinal=1 << 50),
        lambda c: c["shards"][0].update(n_passages=10**30),
        lambda c: c["shards"][0].update(extra=0),
        lambda c: c["shards"][0].pop("n_windows"),
    ],
)
def test_numbers_of_a_manifest_are_checked(index: Path, edit: Edit) -> None:
    tamper(index, edit)
    with pytest.raises(IndexFormatError, match="manifest.json: "):
        PassageIndex(index)


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"format_version": ['])
def test_json_that_is_nested_deeply_is_damaged(index: Path, opening: str) -> None:
    body = opening * 200_000
    for sealed in (False, True):
        seal = hashlib.sha256(f"{body}\n}}".encode()).hexdigest()
        content = f'{body},\n  "sha256": "{seal}"\n}}\n' if sealed else body
        (index / "manifest.json").write_text(content, "utf-8")
        with pytest.raises(IndexFormatError, match="manifest.json: its bytes are not those"):
            PassageIndex(index)


@pytest.mark.parametrize("file", ["manifest.json", "snapshots/000000.json"])
def test_json_that_is_too_large_is_not_read(index: Path, file: str) -> None:
    with (index / file).open("r+b") as stream:
        stream.truncate(MAX_JSON_BYTES + 1)  # with a hole, so that the disk does not matter
    with pytest.raises(IndexFormatError, match=f"{file}: expected at most 67,108,864 bytes"):
        Manifest.read(index / file)


@pytest.mark.parametrize(
    "listed",
    [
        {"../../evil": ENTRY},
        {"/etc/passwd": ENTRY},
        {"_0.cfs/../x": ENTRY},
        {"_0.cfs": {"bytes": -1, "sha256": "0" * 64}},
        {"_0.cfs": {"bytes": 1}},
        {"_0.cfs": {**ENTRY, "more": 1}},
        {"_0.cfs": 1},
        [],
        [1],
        7,
        None,
    ],
)
def test_the_list_of_lucenes_files_names_only_those(index: Path, listed: object) -> None:
    folder = index / "lucene-000000"
    write_sealed_json(folder / "files.json", {"files": listed})
    if listed == []:
        assert lucene_files(folder) == []
        return
    with pytest.raises(IndexFormatError, match="files.json"):
        lucene_files(folder)


def test_lucene_opens_no_other_index_than_the_listed_one(index: Path) -> None:
    (index / "lucene-000000" / "segments_zz").write_bytes(b"newer")
    with (
        PassageIndex(index) as opened,
        pytest.raises(IndexFormatError, match="segments_zz: is not"),
    ):
        _ = opened.bm25


@pytest.mark.parametrize(
    "change",
    [
        {"file": "../../evil.h5"},
        {"file": "/etc/passwd"},
        {"bytes": -1},
        {"n_tokens": "many"},
        {"more": 1},
    ],
)
def test_a_journal_names_only_files_as_we_name_them(
    index: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    manifest = json.loads((index / "manifest.json").read_text("utf-8"))
    build = tmp_path / "build"
    build.mkdir()
    (build / "build.json").write_text("{}")
    line = json.dumps({**manifest["shards"][0], **change})
    (build / "build-shards.jsonl").write_text(line + "\n")
    with pytest.raises(PrereadError, match="build-shards.jsonl:1: "):
        Journal(build, {}, resume=True)


@pytest.mark.parametrize("content", ["[" * 100_000, "[]", "x", ""])
def test_a_journal_that_is_no_json_object_is_damaged(tmp_path: Path, content: str) -> None:
    (tmp_path / "build.json").write_text(content)
    with pytest.raises(IndexFormatError, match="build.json: its bytes are not"):
        Journal(tmp_path, {}, resume=True)


# Shards


def first_shard(index: Path) -> Path:
    """The first of an index's shards."""
    return index / "states" / "shard-00000.h5"


def layouts_of(path: Path) -> dict[str, list[Any]]:
    """What a shard's user block says."""
    found: dict[str, list[Any]] = json.loads(path.read_bytes()[:USER_BLOCK].split(b"\n")[0])
    return found


def tell(path: Path, layouts: object, line: bytes | None = None) -> None:
    """Write a user block with a checksum that is right."""
    line = json.dumps(layouts, separators=(",", ":")).encode() if line is None else line
    block = line + b"\n%08x\n" % zlib.crc32(line)
    assert len(block) <= USER_BLOCK
    data = path.read_bytes()
    path.write_bytes(block.ljust(USER_BLOCK, b"\0") + data[USER_BLOCK:])


SIZE = 10_000_000
LAYOUTS: list[tuple[str, list[Any]]] = [
    ("codes", ["|O", [1, 1], 2048]),
    ("codes", ["O", [1, 1], 2048]),
    ("codes", ["<f2", [1, 32], -8]),
    ("codes", ["<f2", [1, 32], -(1 << 40)]),
    ("codes", ["<f2", [1, 32], 1 << 70]),
    ("codes", ["<f2", [1 << 62, 4], 2048]),
    ("codes", ["<f2", [1 << 32, 1 << 32], 2048]),
    ("codes", ["<f2", [-1, 32], 2048]),
    ("codes", ["<f2", [0, 1 << 60], None]),
    ("codes", ["<f2", [1.0, 32], 2048]),
    ("codes", ["<f2", [True, 32], 2048]),
    ("codes", ["<f2", [32], 2048]),
    ("codes", ["<f2", [1, 1, 32], 2048]),
    ("codes", ["<f2", "ab", 2048]),
    ("codes", ["<f2", [1, 32], "2048"]),
    ("codes", ["<f2", [1, 32], None]),
    ("codes", ["<f2", [1, 32]]),
    ("codes", ["<f2", [SIZE, 32], 2048]),
    ("codes", [["<f2"], [1, 32], 2048]),
    ("codes", ["V8", [1, 32], 2048]),
    ("codes", ["<M8[s]", [1, 32], 2048]),
    ("token_ids", ["<f2", [1], 2048]),
    ("token_ids", [">u2", [1], 2048]),
    ("window_lengths", ["<u2", [3], 2048]),
    ("passage_ordinals", ["<u8", [1], 2048]),
    ("text_bytes", ["|S9", [1], 2048]),
    ("text_bytes", ["|u1", [SIZE], 2048]),
]


@pytest.mark.parametrize(("name", "layout"), LAYOUTS)
def test_places_of_a_shard_never_lead_out_of_it(index: Path, name: str, layout: list[Any]) -> None:
    path = first_shard(index)
    tell(path, {**layouts_of(path), name: layout})
    with pytest.raises(IndexFormatError, match="shard-00000.h5: not a shard of an index"):
        ShardReader(path)


def test_places_of_a_shard_are_all_there_and_no_more(index: Path) -> None:
    path = first_shard(index)
    layouts = layouts_of(path)
    fewer = {name: layout for name, layout in layouts.items() if name != "codes"}
    for told in (fewer, {**layouts, "evil": layouts["codes"]}, {}):
        tell(path, told)
        with pytest.raises(IndexFormatError, match="expected the data sets"):
            ShardReader(path)


@pytest.mark.parametrize("line", [b'{"a":' * 300, b'{"a":' + b"[" * 2000, b"{]", b'{"a":NaN}'])
def test_places_of_a_shard_that_are_no_json_are_refused(index: Path, line: bytes) -> None:
    tell(first_shard(index), None, line)
    with pytest.raises(IndexFormatError, match="not a shard of an index"):
        ShardReader(first_shard(index))


def copy_datasets(source: Path, target: Path, evil: Callable[[h5py.File, str], bool]) -> None:
    """Copy a file of ours without its user block, but for what an attacker makes of some parts."""
    with h5py.File(source) as file, h5py.File(target, "w", libver="latest") as copy:
        for name, dataset in file.items():
            if not evil(copy, name):
                copy.create_dataset(name, data=dataset[()])


def in_pieces(file: h5py.File, name: str, data: Any, **how: Any) -> None:
    file.create_dataset(name, data=data, chunks=True, **how)


def elsewhere(folder: Path) -> Path:
    """A file outside of the index."""
    path = folder / "elsewhere.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.zeros(20, "<u4"))
    (folder / "raw").write_bytes(bytes(80))
    return path


def hdf5_attacks(folder: Path) -> dict[str, Callable[[h5py.File, str, Any], None]]:
    """Ways to have HDF5 look elsewhere, or do more than say where numbers lie."""
    outside = elsewhere(folder)

    def virtual(file: h5py.File, name: str, data: Any) -> None:
        layout = h5py.VirtualLayout(data.shape, data.dtype)
        layout[:] = h5py.VirtualSource(outside, "x", data.shape)
        file.create_virtual_dataset(name, layout)

    def texts(file: h5py.File, name: str, data: Any) -> None:
        file.create_dataset(name, data=["x"] * len(data), dtype=h5py.string_dtype())

    def table(file: h5py.File, name: str, data: Any) -> None:
        file.create_dataset(name, data=np.zeros(len(data), [("a", "<u4")]))

    def compact(file: h5py.File, name: str, data: Any) -> None:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple(data.shape)
        kind = h5py.h5t.py_create(data.dtype, logical=True)
        h5py.h5d.create(file.id, name.encode(), kind, space, made).write(
            h5py.h5s.ALL, h5py.h5s.ALL, data
        )

    return {
        "external link": lambda file, name, data: file.__setitem__(
            name, h5py.ExternalLink(str(outside), "/x")
        ),
        "soft link": lambda file, name, data: file.__setitem__(name, h5py.SoftLink("/codes")),
        "group": lambda file, name, data: file.create_group(name) and None,
        "external storage": lambda file, name, data: (
            file.create_dataset(
                name, data.shape, data.dtype, external=[(str(folder / "raw"), 0, 80)]
            )
            and None
        ),
        "virtual": virtual,
        "pieces": in_pieces,
        "compressed": lambda file, name, data: in_pieces(file, name, data, compression="gzip"),
        "checksummed": lambda file, name, data: in_pieces(file, name, data, fletcher32=True),
        "compact": compact,
        "texts": texts,
        "table": table,
        "reference": lambda file, name, data: (
            file.create_dataset(name, data.shape, h5py.ref_dtype) and None
        ),
        "scalar": lambda file, name, data: file.create_dataset(name, data=data[0]) and None,
        "nothing": lambda file, name, data: (
            file.create_dataset(name, data=h5py.Empty("<u4")) and None
        ),
        "other numbers": lambda file, name, data: (
            file.create_dataset(name, data=data.astype(">u4")) and None
        ),
        "never written": lambda file, name, data: (
            file.create_dataset(name, (1 << 40,), data.dtype) and None
        ),
    }


ATTACKS = [
    "external link",
    "soft link",
    "group",
    "external storage",
    "virtual",
    "pieces",
    "compressed",
    "checksummed",
    "compact",
    "texts",
    "table",
    "reference",
    "scalar",
    "nothing",
    "other numbers",
    "never written",
]


def attacked(source: Path, target: Path, column: str, attack: str) -> Path:
    """A copy of a file of ours, one data set of which is made as an attacker would."""
    make = hdf5_attacks(target.parent)[attack]
    with h5py.File(source) as file:
        data = file[column][()]

    def evil(copy: h5py.File, name: str) -> bool:
        if name == column:
            make(copy, name, data)
        return name == column

    copy_datasets(source, target, evil)
    return target


@pytest.mark.parametrize("attack", ATTACKS)
def test_hdf5_says_where_numbers_lie_and_no_more(built: Path, tmp_path: Path, attack: str) -> None:
    shard = attacked(first_shard(built), tmp_path / "s.h5", "passage_ordinals", attack)
    with pytest.raises(IndexFormatError, match="s.h5: not a shard of an index"):
        ShardReader(shard)
    source = built / "lookup" / "lookup-000000.h5"
    lookup = attacked(source, tmp_path / "l.h5", "id_ordinals", attack)
    with pytest.raises(IndexFormatError, match="l.h5: not a lookup file"):
        Lookup(lookup, 20)


def test_word_statistics_are_read_as_carefully(built: Path, tmp_path: Path) -> None:
    plain = tmp_path / "statistics.h5"
    with h5py.File(plain, "w") as file:
        file.create_dataset("term_keys", data=np.arange(9, dtype="<u8"))
        file.create_dataset("document_frequency", data=np.full(9, 1 << 31, "<u4"))
    field = FieldStatistics(5, 5)
    assert CorpusStatistics(plain, field).document_frequency("x") == 0
    for attack in ATTACKS:
        evil = attacked(plain, tmp_path / "evil.h5", "document_frequency", attack)
        with pytest.raises(IndexFormatError, match="evil.h5: not a file of word statistics"):
            CorpusStatistics(evil, field)


def change_column(path: Path, name: str, change: Callable[[Any], None]) -> None:
    """Write other numbers into a data set."""
    with h5py.File(path, "r") as file:
        dataset = file[name]
        offset, data = dataset.id.get_offset(), dataset[()]
    change(data)
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(data.tobytes())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("window_lengths", 65_535),
        ("window_lengths", 0),
        ("window_n_prefix", 65_535),
        ("passage_n_windows", 4_000_000_000),
        ("passage_n_windows", 0),
        ("passage_ordinals", 4_000_000_000),
    ],
)
def test_numbers_in_a_shard_never_lead_out_of_it(index: Path, column: str, value: int) -> None:
    change_column(first_shard(index), column, lambda data: data.__setitem__(0, value))
    with pytest.raises(IndexFormatError, match=f"{column}: expected"):
        ShardReader(first_shard(index))


@pytest.mark.parametrize("column", ["id_lengths", "title_lengths", "text_lengths"])
def test_strings_of_a_shard_end_in_it(index: Path, column: str) -> None:
    change_column(first_shard(index), column, lambda data: data.__setitem__(0, 4_000_000_000))
    shard = ShardReader(first_shard(index))
    for work in (shard.passage, shard.will_read):
        with pytest.raises(IndexFormatError, match=f"{column}: expected a sum"):
            work(0)


def reseal_windows(path: Path) -> None:
    """Make the checksums of windows right."""
    with h5py.File(path, "r") as file:
        column = {name: file[name][()] for name in file}
        offset = file["window_crc32"].id.get_offset()
    ends = np.cumsum(column["window_lengths"].astype(int))
    sums = []
    for window, end in enumerate(ends.tolist()):
        rows = slice(end - int(column["window_lengths"][window]), end)
        crc = zlib.crc32(
            column["token_ids"][rows].tobytes(), zlib.crc32(column["codes"][rows].tobytes())
        )
        place = column["window_n_prefix"][window], column["window_first_token"][window]
        sums.append(zlib.crc32(place[0].tobytes() + place[1].tobytes(), crc))
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(np.array(sums, "<u4").tobytes())


@pytest.fixture
def served(index: Path, tiny_reader: Reader) -> Callable[[], OpenDomainQA]:
    """Opens the index for questions."""
    return lambda: OpenDomainQA(PassageIndex(index), tiny_reader)


def tamper_with_windows(index: Path, column: str, change: Callable[[Any], None]) -> None:
    """Other numbers in every shard, with checksums that are right."""
    for path in sorted((index / "states").iterdir()):
        change_column(path, column, change)
        reseal_windows(path)
        renew(index, f"states/{path.name}")


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("token_ids", 65_535, "expected tokens below 30522"),
        ("codes", np.nan, "expected finite logits"),
        ("codes", np.inf, "expected finite logits"),
        ("window_first_token", 1 << 31, "not those of its text"),
    ],
)
def test_states_that_no_reader_made_are_refused(
    index: Path,
    served: Callable[[], OpenDomainQA],
    column: str,
    value: float,
    said: str,
) -> None:
    tamper_with_windows(index, column, lambda data: data.fill(value))
    with pytest.raises(PrereadError, match=said):
        served()("Where is the volcano?")


def test_codes_of_another_width_or_format_are_refused(index: Path) -> None:
    tamper(index, lambda content: content.update(codec="int8"))
    with (
        PassageIndex(index) as opened,
        pytest.raises(IndexFormatError, match=r"format \|u1, found"),
    ):
        opened.fetch([0])
    tamper(index, lambda content: content.update(codec="float16", hidden_size=31))
    with PassageIndex(index) as opened, pytest.raises(IndexFormatError, match="code 31, found 32"):
        opened.fetch([0])


def test_a_codec_is_never_named_by_a_path(index: Path, tiny_reader: Reader, tmp_path: Path) -> None:
    evil = str(tmp_path / "evil.safetensors")
    tamper(index, lambda content: content.update(codec=evil))
    with PassageIndex(index) as opened, pytest.raises(PrereadError, match="expected float16, int8"):
        opened.codec(tiny_reader)


def test_a_lookup_file_names_only_passages_that_are_there(index: Path) -> None:
    path = index / "lookup" / "lookup-000000.h5"
    change_column(path, "id_ordinals", lambda data: data.fill(4_000_000_000))
    renew(index, "lookup/lookup-000000.h5")
    with PassageIndex(index) as opened, pytest.raises(IndexFormatError, match="names passage 4000"):
        opened.find("p1-0")
    tamper(index, lambda content: content["lookups"][0].update(n=3))
    with (
        PassageIndex(index) as opened,
        pytest.raises(IndexFormatError, match="expected 3 passages"),
    ):
        opened.find("p1-0")


def metadata_file(
    folder: Path, blocks: bytes, n: int = 2, changes: Mapping[str, Any] = MappingProxyType({})
) -> Path:
    """A metadata file of one block, with some columns changed."""
    path = folder / "metadata.h5"
    columns = {
        "ordinals": np.arange(n, dtype="<u4"),
        "block_offsets": np.array([0, len(blocks)], "<u8"),
        "blocks": np.frombuffer(blocks, np.uint8),
    }
    with h5py.File(path, "w", libver="latest") as file:
        for name, column in columns.items():
            file.create_dataset(name, data=changes.get(name, column))
        file.attrs["passages_per_block"] = changes.get("passages_per_block", 32)
    return path


BLOCKS = {
    "bomb": zlib.compress(bytes(MAX_JSON_BYTES + 1)),
    "nested": zlib.compress(b"[" * 200_000),
    "an object": zlib.compress(b"{}"),
    "too few": zlib.compress(b"[{}]"),
    "no fields": zlib.compress(b"[1, 2]"),
    "half": zlib.compress(b"[{}, {}]")[:-3],
    "no zlib": b"nothing",
}


@pytest.mark.parametrize("block", [*BLOCKS])
def test_blocks_of_metadata_are_limited(tmp_path: Path, block: str) -> None:
    file = MetadataFile(metadata_file(tmp_path, BLOCKS[block]))
    with pytest.raises(IndexFormatError, match="not a metadata file"):
        file.get(0)
    with pytest.raises(IndexFormatError, match="not a metadata file"):
        list(file)


@pytest.mark.parametrize(
    "changes",
    [
        {"passages_per_block": 0},
        {"passages_per_block": 1},
        {"passages_per_block": -5},
        {"passages_per_block": "32"},
        {"passages_per_block": 1.5},
        {"passages_per_block": np.arange(3)},
        {"block_offsets": np.array([0, 1 << 60], "<u8")},
        {"block_offsets": np.array([5, 3], "<u8")},
        {"block_offsets": np.empty(0, "<u8")},
        {"block_offsets": np.array([0, 5], "<u4")},
        {"ordinals": np.array([7, 3], "<u4")},
        {"ordinals": np.empty(0, "<u4")},
        {"blocks": np.zeros((2, 2), np.uint8)},
    ],
)
def test_numbers_of_metadata_lead_nowhere_else(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = metadata_file(tmp_path, zlib.compress(b"[{}, {}]"), 2, changes)
    with pytest.raises(IndexFormatError, match="not a metadata file"):
        MetadataFile(path)


class _Attack:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('pickle was loaded')",)


def npy_attacks() -> dict[str, bytes]:
    """Files that NumPy would take time, memory or code from."""
    magic = b"\x93NUMPY\x01\x00"

    def header(text: str) -> bytes:
        return magic + len(text).to_bytes(2, "little") + text.encode()

    return {
        "pickle": header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n")
        + pickle.dumps(np.array([_Attack()], object)),
        "bare pickle": pickle.dumps(_Attack()),
        "huge": header(f"{{'descr': '<u4', 'fortran_order': False, 'shape': ({1 << 50},), }}\n"),
        "nested": header("(" * 9000),
        "zip": b"PK\x03\x04" + bytes(60),
        "short": magic,
        "empty": b"",
    }


@pytest.mark.parametrize("attack", [*npy_attacks()])
def test_deleted_ordinals_are_an_array_of_numbers(index: Path, attack: str) -> None:
    data = npy_attacks()[attack]
    (index / "deleted-000001.npy").write_bytes(data)
    entry = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "n": 1}

    def edit(content: dict[str, Any]) -> None:
        content["deleted"] = {"file": "deleted-000001.npy", **entry}
        content["n_passages"] -= 1

    tamper(index, edit)
    with PassageIndex(index) as opened, pytest.raises(IndexFormatError, match="expected a NumPy"):
        _ = opened.deleted


def test_attacks_of_hdf5_are_all_tried(tmp_path: Path) -> None:
    assert [*hdf5_attacks(tmp_path)] == ATTACKS
