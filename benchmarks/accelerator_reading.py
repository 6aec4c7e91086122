"""How fast a device reads passages: from stored states, and by the full model."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from baselines.hugging_face import FullModel, vanilla_bert
from baselines.pairs import Pair
from on_device import Clock, layer_flops
from preread.data import Passage
from preread.indexer import BuildPlan, Manifest, PassageIndex
from preread.indexer.builder.encode import LowerPass, ShardTask, encode_shard
from preread.pipeline.qa.reading import PassageReader
from preread.pipeline.qa.types import ReadRequest, RequestedPassage
from preread.reader import DeformerConfig, Packed, Reader, Segment
from preread.reader.codecs import known_codec
from reading_systems import Asked
from speed import distance
from timing import in_turns, ratios, spread
from torch import Tensor


def shards_alone(
    reader: Reader, codec_name: str, passages: list[Passage], path: Path
) -> PassageIndex:
    """An index of one shard, to fetch from: without BM25 and look-up."""
    (path / "states").mkdir(parents=True)
    entry = encode_shard(
        ShardTask(path, 0, 0, passages), reader, known_codec(codec_name, reader), LowerPass(65_536)
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
        self._reader = reader
        model = reader.model
        self._readers = {
            precision: Reader(
                model, reader.tokenizer, name=reader.name, device=reader.device, precision=precision
            )
            for precision in ("float32", "bfloat16")
        }
        bert = torch.nn.Module.to(vanilla_bert(model), reader.device)
        self._berts = {"float32": bert, "bfloat16": deepcopy(bert).bfloat16()}

    def pairs(self, number: int, top_k: int) -> list[Pair]:
        """A question with every window of its passages."""
        stored = self._index.fetch(self._ordinals(number, top_k))
        (question,) = self._reader.encoder.encode_questions([self._asked[number].question])
        windows = torch.split(stored.token_ids.rows, list(stored.token_ids.lengths))
        return [Pair(question, window.tolist()) for window in windows]

    def full(self, precision: str, batch: int, top_k: int) -> list[Callable[[], list[Tensor]]]:
        """The full model, for each question."""
        full = FullModel(self._berts[precision], is_sorted=True, batch=batch)
        return [full.prepare(self.pairs(n, top_k)) for n in range(len(self._asked))]

    def ours(
        self, precision: str, top_k: int, seconds: dict[str, list[float]]
    ) -> list[Callable[[], list[Tensor]]]:
        """From stored states, for each question; seconds of each stage are added to a list."""
        passage_reader = PassageReader(self._readers[precision], self._index, self._codec)

        def reads(number: int) -> Callable[[], list[Tensor]]:
            passages = [RequestedPassage(ordinal) for ordinal in self._ordinals(number, top_k)]
            request = ReadRequest(self._asked[number].question, passages, [0.0] * len(passages))

            def read() -> list[Tensor]:
                last = [self._clock.now()]

                def note(stage: str) -> None:
                    last.append(self._clock.now())
                    seconds.setdefault(stage, []).append(last[-1] - last[-2])

                (found,) = passage_reader.logits([request], on_stage=note)
                logits = torch.stack([found.logits.start, found.logits.end], 1).cpu()
                note("to host")
                return list(torch.split(logits, list(found.windows.lengths)))

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
        return list(torch.split(both, list(windows.lengths)))

    def _ordinals(self, number: int, top_k: int) -> list[int]:
        return [self._place[name] for name in self._asked[number].passage_ids[:top_k]]


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
        stages.clear()
        n_questions = len(systems["ours"])
        whole = in_turns(systems, range(repeat), clock.seconds)
        seconds = {name: [s / n_questions for s in rounds] for name, rounds in whole.items()}
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
                "times_as_fast_as_the_better_full": spread(ratios(full, seconds["ours"])),
                "teraflops": {
                    "full": spread([flops["all"] / s / 1e12 for s in full]),
                    "upper layers of ours": spread(
                        [flops["upper"] / s / 1e12 for s in stages["read"]]
                    ),
                },
                "logits_off_by": {
                    "ours, of the decomposed": _rounded(
                        distance(logits["ours"], readings.exact(top_k))
                    ),
                    "one batch, of batches": _rounded(
                        distance(logits["full, one batch"], logits["full, batches of 32"])
                    ),
                },
            }
        )
    return rows


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")
