"""What does it cost to store states in fewer bytes?

    python benchmarks/codec_scores.py learn CORPUS FOLDER [--codecs pq8 rpq8 …]
    python benchmarks/codec_scores.py score CORPUS FOLDER DATASET… [--tuned READER]

``learn`` learns codecs of READER from a sample of CORPUS and writes them to FOLDER. ``score`` reads
the same questions of each dataset through every codec, and measures how much of the variance of
states is lost on passages that no codec was learned from. ``--tuned`` names a reader with the same
lower layers whose upper layers were trained through a codec; it reads every codec too. The result
is written after every codec. With ``--go-on`` the codecs in the newest result are not scored again.

Bytes a token are counted in an index of some passages: codes, token ids, lengths, checksums,
look-up, but not texts. Without a dataset only the loss of variance is measured.
"""

import argparse
import random
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from common import ROOT, command_line, newest, write_result
from index_files import write_passages
from matplotlib.figure import Figure
from preread.data import Passage, ReadingExample
from preread.data import read_corpus as read_passages
from preread.indexer import IndexConfig, build_index, index_info
from preread.indexer.builder.scan import scan_corpus
from preread.pipeline import ReadMode
from preread.reader import Packed, Precision, Reader, Window
from preread.reader.codecs import (
    Codec,
    CodecName,
    codec_file_name,
    known_codec,
    learn_codecs,
    sample_states,
    save_codec,
)
from training_runs import answerable, scores_of

AS_TRAINED, TUNED = "as trained", "tuned"
"""Upper layers: of the reader, and of one that learned from what the codec gives back."""
SIZES = (4, 8, 10, 12, 16, 24, 32)
LEARNED = tuple(f"{kind}{n}" for n in SIZES for kind in ("pq", "rpq"))
HELD_OUT = 200
"""Passages on which distortion is measured."""
INDEXED = 4000
"""Passages of the index in which bytes are counted."""


def load_codecs(names: Sequence[str], folder: Path, reader: Reader) -> dict[str, Codec]:
    """Codecs by name, float16 first; learned ones are those of the folder."""

    def source(name: str) -> str:
        parsed = CodecName.parse(name)
        return str(folder / codec_file_name(parsed)) if parsed.kind.is_learned else name

    return {name: known_codec(source(name), reader) for name in ("float16", *names)}


def sample_of(corpus: Path) -> list[Passage]:
    """A sample of the corpus, in random order."""
    return list(scan_corpus(read_passages(corpus), show_progress=True).sample)


def learn(reader: Reader, corpus: Path, folder: Path, names: list[str]) -> None:
    """Learn the codecs that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    states = sample_states(reader, sample_of(corpus)[HELD_OUT:], show_progress=True)
    missing = [n for n in map(CodecName.parse, names) if not (folder / codec_file_name(n)).exists()]
    for codec in learn_codecs(missing, reader, states, show_progress=True):
        save_codec(codec, reader, folder / codec_file_name(codec.name))
        print(codec.name, flush=True)


def some_questions(dataset: Path, n_contexts: int, seed: int) -> list[ReadingExample]:
    """The questions of some contexts; 0 takes all."""
    examples = answerable(dataset)
    if not n_contexts:
        return examples
    contexts = sorted({example.context for example in examples})
    drawn = set(random.Random(seed).sample(contexts, min(n_contexts, len(contexts))))
    return [example for example in examples if example.context in drawn]


def remember_states(readers: Iterable[Reader]) -> None:
    """Compute the lower states of a context once, for all codecs and readers."""
    first, *_ = readers
    known: dict[tuple[tuple[int, ...], ...], Packed] = {}
    compute = first.window_states

    def window_states(windows: Sequence[Window]) -> Packed:
        key = tuple(tuple(w.token_ids) for w in windows)
        if key not in known:
            known[key] = compute(windows)
        return known[key]

    for reader in readers:
        reader.window_states = window_states  # type: ignore[method-assign]


def lost(reader: Reader, codec: Codec, passages: list[Passage]) -> float:
    """Share of the states' variance that a codec loses."""
    windows = [w for of_passage in reader.encoder.windows_of(passages) for w in of_passage]
    error = total = 0.0
    mean = None
    for first in range(0, len(windows), 16):
        some = windows[first : first + 16]
        states = reader.window_states(some)
        ids = Packed.from_lists([w.token_ids for w in some])
        decoded = codec.decode(codec.encode(states, ids), ids).rows
        mean = states.rows.mean(0) if mean is None else mean
        error += float((decoded - states.rows).square().sum())
        total += float((states.rows - mean).square().sum())
    return error / total


def bytes_beside_codes(reader: Reader, passages: list[Passage], folder: Path) -> float:
    """Bytes a token that an index needs besides the codes."""
    corpus = write_passages(folder / "passages.jsonl", passages)
    build_index(corpus, folder / "index", reader, IndexConfig(codec="int8"))
    found: float = index_info(folder / "index")["bytes_per_token"]
    return found - reader.config.hidden_size - 2


def plot(rows: list[dict[str, Any]], target: Path) -> None:
    """F1 by bytes a token, a line for each kind of codec and upper layers, a panel a data set."""
    datasets = list(rows[0]["scores"][AS_TRAINED])
    figure = Figure(figsize=(5 * len(datasets), 4), layout="constrained")
    panels = figure.subplots(1, len(datasets), squeeze=False)[0]
    for axes, dataset in zip(panels, datasets, strict=True):
        for style, arm in (("o-", AS_TRAINED), ("s--", TUNED)):
            for colour, kind in (("C0", "rpq"), ("C1", "pq")):
                of_kind = [r for r in rows if CodecName.parse(r["codec"]).kind == kind]
                points = sorted(
                    (row["bytes_per_token"], row["scores"][arm][dataset]["f1"])
                    for row in of_kind
                    if arm in row["scores"]
                )
                if points:
                    axes.plot(
                        *zip(*points, strict=True), style, color=colour, label=f"{kind}, {arm}"
                    )
        plain = next(r for r in rows if r["codec"] == "float16")
        axes.axhline(plain["scores"][AS_TRAINED][dataset]["f1"], color="grey", linewidth=1)
        axes.set_xlabel("bytes a token, all in")
        axes.set_ylabel("F1")
        axes.set_title(f"{dataset}; grey: float16", fontsize=9)
        axes.legend(fontsize=8)
    figure.savefig(target, dpi=130)


def rows_before(earlier: dict[str, Any], content: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of an earlier run, with bytes a token as they are counted now.

    Raises:
        SystemExit: If it was another reader's, or on other questions.
    """
    may_differ = ("rows", "precision", "bytes_beside_codes")
    same = {key: value for key, value in content.items() if key not in may_differ}
    differs = [key for key, value in same.items() if earlier[key] != value]
    if differs:
        raise SystemExit(f"{earlier['file']}: its {differs[0]} is not what it would be now.")
    beside = content["bytes_beside_codes"]
    return [
        {
            "precision": earlier["precision"],
            **row,
            "bytes_per_token": round(row["bytes_per_code"] + beside, 2),
        }
        for row in earlier["rows"]
    ]


def score(options: argparse.Namespace) -> None:
    """Score every codec and write the result."""
    precision = Precision(options.precision)
    reader = Reader.load(options.reader, precision=precision)
    sample = sample_of(options.corpus)
    with tempfile.TemporaryDirectory() as folder:
        beside = bytes_beside_codes(reader, sample[:INDEXED], Path(folder))
    datasets = {d.name: some_questions(d, options.contexts, options.seed) for d in options.datasets}
    codecs = load_codecs(options.codecs, options.folder, reader)
    arms = {AS_TRAINED: reader}
    if options.tuned:
        arms[TUNED] = Reader.load(options.tuned, precision=precision)
    remember_states(arms.values())
    content: dict[str, Any] = {
        "reader": Path(options.reader).name,
        "hidden_size": reader.config.hidden_size,
        "fingerprint": reader.fingerprint,
        "contexts": options.contexts,
        "sample_seed": options.seed,
        "precision": options.precision,
        "bytes_beside_codes": round(beside, 3),
        "rows": [],
    }
    if options.go_on:
        content["rows"] = rows_before(newest(options.result), content)
    rows = {row["codec"]: row for row in content["rows"]}
    for name, codec in codecs.items():
        known = rows.get(name, {"scores": {}})["scores"]
        missing = {arm: reads for arm, reads in arms.items() if arm not in known}
        if not missing:
            continue
        if name not in rows:
            width = codec.code_width(reader.config.hidden_size) * codec.dtype.itemsize
            rows[name] = {
                "codec": name,
                "precision": options.precision,
                "bytes_per_code": width,
                "bytes_per_token": round(width + beside, 2),
                "variance_lost": round(lost(reader, codec, sample[:HELD_OUT]), 5),
                "scores": {},
            }
        for arm, reads in missing.items():
            rows[name]["scores"][arm] = scores_of(reads, datasets, ReadMode.STORED, codec)
        content["rows"] = list(rows.values())
        print(rows[name], flush=True)
        write_result(options.result, content)
        if datasets:
            plot(content["rows"], ROOT / "docs" / "measurements" / "codecs.png")


def main() -> None:
    """Learn or score."""
    parser = command_line(__doc__)
    parser.add_argument("task", choices=("learn", "score"))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("datasets", type=Path, nargs="*")
    parser.add_argument("--reader", default="default")
    parser.add_argument("--tuned", metavar="READER", help="scored with every codec too")
    parser.add_argument("--codecs", nargs="+", default=[])
    parser.add_argument("--contexts", type=int, default=0, help="of each data set; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", default="float32", help="of the upper layers")
    parser.add_argument("--go-on", action="store_true", help="keep the newest result's rows")
    parser.add_argument("--result", default="codecs", help="name of the result file")
    options = parser.parse_args()
    torch.manual_seed(0)
    if options.task == "learn":
        names = options.codecs or list(LEARNED)
        learn(Reader.load(options.reader), options.corpus, options.folder, names)
    else:
        options.codecs = options.codecs or ["int8", *LEARNED]
        score(options)


if __name__ == "__main__":
    main()
