"""How fast are indexing and reading on an accelerator?

    python benchmarks/accelerator.py CORPUS QUESTIONS FOLDER --device cuda

There are three parts. Each runs in rounds, of which the median, the least and the most are given:

- the limits of the card: matrix products and copies, with which everything else is compared;
- indexing, stage by stage: tokenising, lower layers, codec, copy to the host, shard on disk. The
  script waits for the device after each stage. ``whole`` is the indexer's own pass, which does not
  wait in between;
- reading the same passages from stored states and by the full model, in the same number format.
  Ours is timed from the text of the question to logits in the memory of the host, including the
  fetch from shards on disk, the copy to the device, and decoding there. The full model starts with
  padded tokens on the host, in batches of 32 and in one batch; its copies are included too.

BM25 is not part of this and needs no card. FOLDER keeps the questions and the passages that BM25
found for them, as `speed.py` does, so that a machine without Java can continue from there. Readers
named by a shape have random weights, which take the same time.
"""

import tempfile
from pathlib import Path
from typing import Any

import torch
from accelerator_index import index_rates
from accelerator_reading import Readings, reading_rates
from common import command_line, write_result
from on_device import Clock, limits
from preread.data import read_corpus
from preread.reader import Reader
from reading_systems import choose_questions
from reading_systems import reader_of as name_of_shape

SIZE = 8192
"""Rows and columns of the matrices of the card's own limit."""
COPIED = 1 << 30
"""Bytes of a copy."""
CODECS = {"default": ("rpq9", "float16")}
OTHER_CODECS = ("float16", "int8")
"""Of shapes: a learned codec says nothing of random weights."""
READ_FROM = {"default": "rpq9"}


def main() -> None:
    """Measure all three."""
    parser = command_line(__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--shapes", nargs="+", default=["default", "bert-base", "bert-large"])
    parser.add_argument(
        "--passages",
        type=int,
        nargs="+",
        default=[1000, 600, 300],
        help="that are indexed, of each shape",
    )
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[4096, 65_536], help="of a batch of the indexer"
    )
    parser.add_argument("--top-k", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--n-questions", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--size", type=int, default=SIZE, help="of the matrices")
    parser.add_argument("--copied", type=int, default=COPIED, help="bytes of a copy")
    options = parser.parse_args()
    device = torch.device(options.device)
    clock = Clock(device)
    asked = choose_questions(
        options.corpus, options.questions, options.folder, n=options.n_questions,
        top_k=max(options.top_k), seed=0, limit=None,
    )[: options.n_questions]  # fmt: skip
    found = list(read_corpus(options.folder / "passages.jsonl"))
    for shape, n_passages in zip(options.shapes, options.passages, strict=True):
        content: dict[str, Any] = {
            "corpus": options.corpus.name,
            "questions": options.questions.name,
            "shape": shape,
            "limits": limits(device, clock, options.repeat, options.size, options.copied),
            "index": [],
            "reading": [],
        }
        passages = list(read_corpus(options.corpus, limit=n_passages))
        with tempfile.TemporaryDirectory() as folder:
            reader = Reader.load(name_of_shape(shape, Path(folder)), device=device)
            for rows in options.rows:
                rates = index_rates(
                    reader, CODECS.get(shape, OTHER_CODECS), passages, clock, options.repeat, rows
                )
                content["index"] += [{"rows_per_batch": rows, **rate} for rate in rates]
            codec = READ_FROM.get(shape, "float16")
            content["codec"] = codec
            readings = Readings(reader, codec, asked, found, clock, Path(folder))
            for top_k in options.top_k:
                content["reading"] += reading_rates(
                    readings, reader.config, top_k, clock, options.repeat
                )
        write_result(f"accelerator-{shape}", content)


if __name__ == "__main__":
    main()
