"""Ways to read the same passages, ours among them, and the passages they read.

Questions are real; their passages are what BM25 finds in a corpus. An index of these passages is
built on disk, by the ordinary builder, for each shape of reader.
"""

import json
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from baselines.hugging_face import (
    PASSAGE_SLOT,
    QUESTION_SLOT,
    FullModel,
    PaddedDecomposed,
    vanilla_bert,
)
from baselines.onnx_full import OnnxInt8Full
from baselines.pairs import Baseline, Pair, Reading
from index_files import write_passages
from preread.data import Passage, read_corpus, read_questions
from preread.indexer import IndexConfig, PassageIndex, build_index
from preread.pipeline import CorpusSearch
from preread.pipeline.qa.reading import PassageReader
from preread.pipeline.qa.types import ReadRequest, RequestedPassage
from preread.reader import DeformerConfig, Packed, Reader, Segment
from preread.reader.profiling.shapes import SHAPES, random_model
from torch import Tensor
from transformers import BertForQuestionAnswering

OURS: dict[str, dict[str, Any]] = {
    "ours, float32": {},
    "ours, bfloat16": {"precision": "bfloat16"},
    "ours, int8": {"runtime": "onnx-int8"},
}
"""Name and options of a reader."""
BASELINES = (
    "full, padded",
    "full, sorted",
    "full bfloat16, sorted",
    "full int8, sorted",
    "decomposed, 320",
)
SYSTEMS = (*BASELINES, *OURS)


@dataclass(frozen=True)
class Asked:
    """A question and the passages found for it."""

    question: str
    passage_ids: list[str]
    """Best first."""


def choose_questions(
    corpus: Path, questions: Path, folder: Path, *, n: int, top_k: int, seed: int, limit: int | None
) -> list[Asked]:
    """Draw questions and find their passages; the passages are written to the folder.

    Questions that the paper's slot would cut are left aside.

    Args:
        corpus: Searched for passages.
        questions: Drawn from.
        folder: Gets ``passages.jsonl`` and ``asked.json``; if they are there, they are taken.
        n: Questions.
        top_k: Passages of each.
        seed: Of the draw.
        limit: Take only the first passages of the corpus.
    """
    asked_file = folder / "asked.json"
    if asked_file.exists():
        return [Asked(**one) for one in json.loads(asked_file.read_text("utf-8"))]
    folder.mkdir(parents=True, exist_ok=True)
    encoder = Reader.load("default").encoder
    texts = [question.question for question in read_questions(questions)]
    random.Random(seed).shuffle(texts)
    search = CorpusSearch(read_corpus(corpus, limit=limit), threads=torch.get_num_threads())
    asked: list[Asked] = []
    needed: dict[str, Passage] = {}
    for text in texts:
        hits = search(text, top_k)
        is_whole = len(encoder.encode_questions([text])[0]) <= QUESTION_SLOT
        if is_whole and len(hits) == top_k:
            asked.append(Asked(text, [hit.passage.passage_id for hit in hits]))
            needed |= {hit.passage.passage_id: hit.passage for hit in hits}
        if len(asked) == n:
            break
    search.close()
    if len(asked) < n:
        raise SystemExit(f"only {len(asked)} questions have {top_k} passages in this corpus")
    write_passages(folder / "passages.jsonl", needed.values())
    asked_file.write_text(json.dumps([vars(one) for one in asked]), "utf-8")
    return asked


def reader_of(shape: str, folder: Path) -> str:
    """The name of a reader: a shape's has random weights, and is made once."""
    if shape not in SHAPES:
        return shape
    target = folder / f"reader-{shape}"
    if not (target / "config.json").exists():
        torch.manual_seed(0)
        random_model(DeformerConfig(**SHAPES[shape])).save_pretrained(target)
        Reader.load("default").tokenizer.save_pretrained(target)
    return str(target)


class Bench:
    """One shape's reader and index, and everything that reads with them."""

    def __init__(self, shape: str, folder: Path, codec: str, asked: list[Asked]) -> None:
        """Make reader and index where they are not there yet."""
        self._reader = Reader.load(reader_of(shape, folder))
        self._asked = asked
        path = folder / f"index-{shape}-{codec}"
        if not path.exists():
            passages = folder / "passages.jsonl"
            build_index(passages, path, self._reader, IndexConfig(codec=codec), show_progress=True)
        self._index = PassageIndex(path)
        self._codec = self._index.codec(self._reader)

    @property
    def reader(self) -> Reader:
        """In float32, by PyTorch."""
        return self._reader

    def ordinals(self, number: int, top_k: int) -> list[int]:
        """The passages of a question."""
        return [self._index.find(name)[0] for name in self._asked[number].passage_ids[:top_k]]

    def pairs(self, number: int, top_k: int) -> list[Pair]:
        """The question with every window of its passages, as the index has them."""
        stored = self._index.fetch(self.ordinals(number, top_k))
        (question,) = self._reader.encoder.encode_questions([self._asked[number].question])
        windows = torch.split(stored.token_ids.rows, list(stored.token_ids.lengths))
        assert max(map(len, windows)) <= PASSAGE_SLOT
        return [Pair(question, window.tolist()) for window in windows]

    def system(self, name: str) -> Callable[[int, int], Reading]:
        """A way to read: of a question's number and ``top_k``, what reads them."""
        if name in BASELINES:
            baseline = self._baseline(name)
            return lambda number, top_k: baseline.prepare(self.pairs(number, top_k))
        same = self._reader
        reader = Reader(same.model, same.tokenizer, name=same.name, **OURS[name])
        _ = reader.runtime  # made when a reader is loaded, not when it reads
        return lambda number, top_k: self._ours(reader, number, top_k)

    def _baseline(self, name: str) -> Baseline:
        match name:
            case "full, padded" | "full, sorted":
                return FullModel(self._bert, is_sorted=name == "full, sorted")
            case "full bfloat16, sorted":
                return FullModel(deepcopy(self._bert).bfloat16(), is_sorted=True)
            case "full int8, sorted":
                return OnnxInt8Full(self._reader.model)
        return PaddedDecomposed(self._bert, self._reader.config)

    @cached_property
    def _bert(self) -> BertForQuestionAnswering:
        return vanilla_bert(self._reader.model)

    def _ours(self, reader: Reader, number: int, top_k: int) -> Reading:
        passages = [RequestedPassage(ordinal) for ordinal in self.ordinals(number, top_k)]
        request = ReadRequest(self._asked[number].question, passages, [0.0] * len(passages))
        passage_reader = PassageReader(reader, self._index, self._codec)

        def read() -> list[Tensor]:
            (found,) = passage_reader.logits([request])
            logits = torch.stack([found.logits.start, found.logits.end], 1)
            return list(torch.split(logits, list(found.windows.lengths)))

        return read

    def from_exact_states(self, number: int, top_k: int) -> list[Tensor]:
        """Our logits from states that went through no codec."""
        pairs = self.pairs(number, top_k)
        with torch.inference_mode():
            windows = Packed.from_lists([pair.window for pair in pairs])
            states = self._reader.model.lower(windows, Segment.PASSAGE)
            question = self._reader.question_states(self._asked[number].question)
            logits = self._reader.logits(question, states)
        stacked = torch.stack([logits.start, logits.end], 1)
        return list(torch.split(stacked, list(windows.lengths)))
