"""What does an accelerator make of the index and of reading?

    python benchmarks/accelerator.py CORPUS QUESTIONS FOLDER --device cuda

Three parts, each in rounds, of which the median, least and most are given:

- the card's own limits: matrix products and copies, which everything else is held against;
- indexing, stage by stage: tokenising, lower layers, codec, copy to the host, shard on disk; the
  device is waited for after each. ``whole`` is the indexer's own pass, which waits for nothing;
- reading the same passages from stored states and by the full model, in the same number format.
  Ours is timed from the question's text to logits in the host's memory: fetching from shards on
  disk, the copy to the device and decoding there are in it. The full model begins with padded
  tokens on the host, in batches of 32 and in one; its copies are in it too.

BM25 is no part of it, and needs none of the card. FOLDER keeps the questions and what BM25 found
for them (as of speed.py), so that a machine without Java can go on from there. Readers named by a
shape have random weights, which take no less time.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from baselines.hugging_face import FullModel, ordinary_bert
from baselines.pairs import Pair
from common import write_result
from preread.data import Passage, read_corpus
from preread.indexer import BuildPlan, Manifest, PassageIndex
from preread.indexer.encode import ShardTask, batches_by_length, encode_shard
from preread.indexer.shard_writer import ShardWriter
from preread.pipeline.waves import read_in_waves
from preread.reader import DeformerConfig, Packed, Reader, Segment
from preread.reader.codecs import Codec, known_codec, reader_of
from reading_systems import Asked, choose_questions
from reading_systems import reader_of as name_of_shape
from torch import Tensor

SIZE = 8192
"""Rows and columns of the matrices of the card's own limit."""
COPIED = 1 << 30
"""Bytes of a copy."""
CODECS = {"default": ("rpq9", "float16")}
OTHER_CODECS = ("float16", "int8")
"""Of shapes: a learned codec says nothing of random weights."""
READ_FROM = {"default": "rpq9"}


class Clock:
    """Times, once the device has done what it was given."""

    def __init__(self, device: torch.device) -> None:
        """Of one device."""
        self._is_cuda = device.type == "cuda"

    def now(self) -> float:
        """Seconds."""
        if self._is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter()

    def seconds(self, run: Callable[[], object]) -> float:
        """How long something takes."""
        begin = self.now()
        run()
        return self.now() - begin


def spread(values: Sequence[float], unit: float = 1.0) -> dict[str, float]:
    """Median, least and most."""
    found = {"median": statistics.median(values), "least": min(values), "most": max(values)}
    return {name: float(f"{value * unit:.4g}") for name, value in found.items()}


def limits(
    device: torch.device, clock: Clock, repeat: int, size: int, n_bytes: int
) -> dict[str, Any]:
    """What the card does at its best, by number format, and by kind of copy."""
    found: dict[str, Any] = {"teraflops": {}, "gigabytes_a_second": {}}
    for dtype in (torch.float32, torch.bfloat16):
        a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
        _ = a @ b
        seconds = [clock.seconds(lambda a=a, b=b: a @ b) for _ in range(repeat)]
        found["teraflops"][str(dtype).removeprefix("torch.")] = spread(
            [2 * size**3 / s / 1e12 for s in seconds]
        )
    here = torch.empty(n_bytes, dtype=torch.uint8, device=device)
    there = torch.empty_like(here)
    host = torch.ones(n_bytes, dtype=torch.uint8)
    copies: dict[str, tuple[Callable[[], object], int]] = {
        "device to device, read and written": (lambda: there.copy_(here), 2),
        "host to device": (lambda: here.copy_(host), 1),
        "device to host": (lambda: host.copy_(here), 1),
    }
    if device.type == "cuda":
        pinned = host.pin_memory()
        copies["pinned host to device"] = (lambda: here.copy_(pinned), 1)
    for name, (copy, times) in copies.items():
        copy()
        seconds = [clock.seconds(copy) for _ in range(repeat)]
        found["gigabytes_a_second"][name] = spread([times * n_bytes / s / 1e9 for s in seconds])
    return found


def layer_flops(config: DeformerConfig, lengths: Sequence[int], n_layers: int) -> float:
    """Floating-point operations of some layers, padding not counted.

    Args:
        config: The model's.
        lengths: Tokens of each segment.
        n_layers: How many layers run over them.

    Returns:
        Those of the matrix products, a multiply-add counting as two.
    """
    size, inner = config.hidden_size, config.intermediate_size
    of_rows = sum(lengths) * (8 * size**2 + 4 * size * inner)
    of_attention = 4 * size * sum(length**2 for length in lengths)
    return float(n_layers * (of_rows + of_attention))


def index_rates(
    reader: Reader,
    codecs: Sequence[str],
    passages: list[Passage],
    clock: Clock,
    repeat: int,
    rows: int,
) -> list[dict[str, Any]]:
    """Passages a second by stage and whole, for each codec in turns."""
    shards = [passages[first : first + 2000] for first in range(0, len(passages), 2000)]
    coders = {name: known_codec(name, reader) for name in codecs}
    stages: dict[str, dict[str, list[float]]] = {name: {} for name in codecs}
    flops, n_tokens = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "states").mkdir()
        for number in range(repeat + 1):  # the first warms up
            for name, codec in coders.items():
                seconds, flops, n_tokens = _staged(reader, codec, shards, clock, rows, Path(folder))
                seconds["whole"] = clock.seconds(
                    lambda codec=codec: _whole(reader, codec, shards, rows, Path(folder))
                )
                for stage, value in seconds.items() if number else ():
                    stages[name].setdefault(stage, []).append(value)
    lower = [s for of in stages.values() for s in of["lower layers"]]
    return [
        {
            "codec": name,
            "bytes_a_token": coders[name].code_width(reader.config.hidden_size)
            * torch.empty(0, dtype=coders[name].dtype).element_size(),
            "n_passages": len(passages),
            "n_tokens": n_tokens,
            "passages_a_second": {
                stage: spread([len(passages) / s for s in values])
                for stage, values in stages[name].items()
            },
            "lower_layers_teraflops": spread([flops / s / 1e12 for s in lower]),
        }
        for name in codecs
    ]


def _staged(
    reader: Reader, codec: Codec, shards: list[list[Passage]], clock: Clock, rows: int, folder: Path
) -> tuple[dict[str, float], float, int]:
    """Seconds by stage; the operations of the lower layers, and their tokens."""
    seconds = dict.fromkeys(("tokenising", "lower layers", "codec", "to host", "shard"), 0.0)
    flops, n_tokens = 0.0, 0
    code_dtype = torch.empty(0, dtype=codec.dtype).numpy().dtype
    width = codec.code_width(reader.config.hidden_size)
    for passages in shards:
        begin = clock.now()
        encoded = reader.encoder.encode_passages(
            [p.text for p in passages], [p.title for p in passages]
        )
        flat = [window for of_passage in encoded for window in of_passage]
        lengths = [len(window.token_ids) for window in flat]
        seconds["tokenising"] += clock.now() - begin
        begin = clock.now()
        writer = ShardWriter(
            folder / "shard.h5", range(len(passages)), passages, encoded, code_dtype, width,
            reader.config.vocab_size,
        )  # fmt: skip
        with writer:
            seconds["shard"] += clock.now() - begin
            for batch in batches_by_length(lengths, rows):
                times = [clock.now()]
                some = [flat[i] for i in batch]
                states = reader.window_states(some)
                times.append(clock.now())
                ids = Packed.from_lists([w.token_ids for w in some]).to(states.rows.device)
                codes = codec.encode(states, ids)
                times.append(clock.now())
                on_host = codes.cpu().numpy()
                times.append(clock.now())
                row = 0
                for number in batch:
                    writer.write_codes(number, on_host[row : row + lengths[number]])
                    row += lengths[number]
                times.append(clock.now())
                for stage, (first, last) in zip(
                    ("lower layers", "codec", "to host", "shard"),
                    zip(times, times[1:], strict=False),
                    strict=True,
                ):
                    seconds[stage] += last - first
            begin = clock.now()
        seconds["shard"] += clock.now() - begin
        flops += layer_flops(reader.config, lengths, reader.config.num_lower_layers)
        n_tokens += sum(lengths)
    return seconds, flops, n_tokens


def _whole(
    reader: Reader, codec: Codec, shards: list[list[Passage]], rows: int, folder: Path
) -> None:
    for number, passages in enumerate(shards):
        encode_shard(ShardTask(folder, number, 0, passages), reader, codec, rows)


def shards_alone(
    reader: Reader, codec_name: str, passages: list[Passage], path: Path
) -> PassageIndex:
    """An index of one shard, to fetch from: without BM25 and look-up."""
    (path / "states").mkdir(parents=True)
    entry = encode_shard(
        ShardTask(path, 0, 0, passages), reader, known_codec(codec_name, reader), 65_536
    )
    plan = BuildPlan(
        reader=reader.name, fingerprint=reader.fingerprint, hidden_size=reader.config.hidden_size,
        num_lower_layers=reader.config.num_lower_layers, codec=codec_name,
        passages_per_shard=len(passages), rows_per_batch=65_536, corpus="", corpus_format="jsonl",
        on_error="fail", limit=None,
    )  # fmt: skip
    Manifest(
        generation=0, plan=plan, codec_file=None, lucene="", shards=(entry,), lookups=(),
        deleted=None, next_ordinal=len(passages), next_shard=1, n_records_skipped=0,
    ).save(path / "manifest.json")  # fmt: skip
    return PassageIndex(path)


class Readings:
    """Ways to read the passages of a question, all of them to logits on the host."""

    def __init__(
        self, reader: Reader, codec_name: str, asked: list[Asked], passages: list[Passage],
        clock: Clock, folder: Path,
    ) -> None:  # fmt: skip
        """Store the passages' states."""
        self._index = shards_alone(reader, codec_name, passages, folder / "index")
        codec = known_codec(codec_name, reader)
        self._codec = codec
        self._clock = clock
        self._asked = asked
        self._place = {passage.passage_id: n for n, passage in enumerate(passages)}
        # A codec may bring changes of the upper layers.
        self._reader = reader_of(codec, reader)
        model = self._reader.model
        self._readers = {
            precision: Reader(
                model, reader.tokenizer, name=reader.name, device=reader.device, precision=precision
            )
            for precision in ("float32", "bfloat16")
        }
        bert = ordinary_bert(model).to(reader.device)
        self._berts = {"float32": bert, "bfloat16": deepcopy(bert).bfloat16()}

    def pairs(self, number: int, top_k: int) -> list[Pair]:
        """A question with every window of its passages."""
        stored = self._index.fetch(self._ordinals(number, top_k))
        (question,) = self._reader.encoder.encode_questions([self._asked[number].question])
        windows = torch.split(stored.token_ids.rows, stored.token_ids.lengths)
        return [Pair(question, window.tolist()) for window in windows]

    def full(self, precision: str, batch: int, top_k: int) -> list[Callable[[], list[Tensor]]]:
        """The full model, for each question."""
        full = FullModel(self._berts[precision], is_sorted=True, batch=batch)
        return [full.prepare(self.pairs(n, top_k)) for n in range(len(self._asked))]

    def ours(
        self, precision: str, top_k: int, seconds: dict[str, list[float]]
    ) -> list[Callable[[], list[Tensor]]]:
        """From stored states, for each question; seconds of each stage are added to a list."""
        reader = self._readers[precision]

        def reads(number: int) -> Callable[[], list[Tensor]]:
            question, ordinals = self._asked[number].question, self._ordinals(number, top_k)

            def read() -> list[Tensor]:
                last = [self._clock.now()]

                def note(stage: str) -> None:
                    last.append(self._clock.now())
                    seconds.setdefault(stage, []).append(last[-1] - last[-2])

                states = reader.question_states(question)
                note("question")
                scores = [0.0] * len(ordinals)
                reading = read_in_waves(
                    reader, self._index, self._codec, states, ordinals, scores, margin=None,
                    on_stage=note,
                )  # fmt: skip
                logits = torch.stack([reading.logits.start, reading.logits.end], 1).cpu()
                note("to host")
                return list(torch.split(logits, reading.windows.lengths))

            return read

        return [reads(number) for number in range(len(self._asked))]

    def exact(self, top_k: int) -> list[Tensor]:
        """Logits of the first question by the decomposed model as it stands, without a codec."""
        windows = Packed.from_lists([pair.window for pair in self.pairs(0, top_k)])
        device = self._reader.device
        with torch.inference_mode():
            states = self._reader.model.lower(windows.to(device), Segment.PASSAGE)
            question = self._reader.question_states(self._asked[0].question)
            logits = self._reader.model.upper(question, states)
        both = torch.stack([logits.start, logits.end], 1).cpu()
        return list(torch.split(both, windows.lengths))

    def _ordinals(self, number: int, top_k: int) -> list[int]:
        return [self._place[name] for name in self._asked[number].passage_ids[:top_k]]


def off_by(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Norm of the difference of logits, by the norm of the logits."""
    a, b = torch.cat(list(found)).float(), torch.cat(list(expected)).float()
    return float(f"{float((a - b).norm() / b.norm()):.2g}")


def reading_rates(
    readings: Readings, config: DeformerConfig, top_k: int, clock: Clock, repeat: int
) -> list[dict[str, Any]]:
    """Milliseconds a question, and how many times as fast ours is, by number format."""
    rows = []
    for precision in ("float32", "bfloat16"):
        stages: dict[str, list[float]] = {}
        systems = {
            "ours": readings.ours(precision, top_k, stages),
            "full, batches of 32": readings.full(precision, 32, top_k),
            "full, one batch": readings.full(precision, top_k, top_k),
        }
        logits = {name: some[0]() for name, some in systems.items()}
        for some in systems.values():  # every shape once, so that no round compiles or allocates
            for read in some:
                read()
        seconds: dict[str, list[float]] = {name: [] for name in systems}
        stages.clear()
        for _ in range(repeat):
            for name, some in systems.items():
                seconds[name].append(sum(clock.seconds(read) for read in some) / len(some))
        n_questions = len(systems["ours"])
        pairs = [readings.pairs(n, top_k) for n in range(n_questions)]
        n_upper = config.num_hidden_layers - config.num_lower_layers
        flops = {
            layers: sum(layer_flops(config, list(map(len, of)), n) for of in pairs) / n_questions
            for layers, n in (("all", config.num_hidden_layers), ("upper", n_upper))
        }
        full = [min(two) for two in zip(*list(seconds.values())[1:], strict=True)]
        rows.append(
            {
                "top_k": top_k,
                "precision": precision,
                "n_questions": n_questions,
                "tokens_a_question": sum(len(p) for of in pairs for p in of) // n_questions,
                "ms_a_question": {name: spread(s, 1000) for name, s in seconds.items()},
                "ms_by_stage": {name: spread(s, 1000) for name, s in stages.items()},
                "times_as_fast_as_the_better_full": spread(
                    [f / o for f, o in zip(full, seconds["ours"], strict=True)]
                ),
                "teraflops": {
                    "full": spread([flops["all"] / s / 1e12 for s in full]),
                    "upper layers of ours": spread(
                        [flops["upper"] / s / 1e12 for s in stages["read"]]
                    ),
                },
                "logits_off_by": {
                    "ours, of the decomposed": off_by(logits["ours"], readings.exact(top_k)),
                    "one batch, of batches": off_by(
                        logits["full, one batch"], logits["full, batches of 32"]
                    ),
                },
            }
        )
    return rows


def main() -> None:
    """Measure all three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--shapes", nargs="+", default=["default", "bert-base", "bert-large"])
    parser.add_argument(
        "--passages",
        type=int,
        nargs="+",
        default=[8000, 4000, 2000],
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
