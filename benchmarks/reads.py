"""What reading a question's passages gave, kept so that ranking can be fitted to it again."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from preread.data import Question, score_prediction
from preread.indexer import PassageIndex
from preread.indexer.files import sha256_of
from preread.indexer.manifest import MANIFEST_FILE
from preread.pipeline.fitting import RankingWeights, SpanFeatures
from preread.pipeline.qa.ranking import combined_logit, evidence
from preread.pipeline.qa.reading import SPANS_PER_PASSAGE
from preread.pipeline.qa.types import Candidate
from preread.pipeline.retrievers import Retriever
from preread.pipeline.retrievers.base import bm25_scores, describe
from preread.reader import Packed, Precision, Reader, WindowTable
from preread.reader.codecs import Codec, reader_of
from preread.reader.fingerprint import weights_sha256
from preread.reader.window_table import window_table
from tqdm import tqdm


@dataclass(frozen=True)
class Reads:
    """What reading one question gave."""

    question_id: str
    bm25: list[float]
    """Of each passage; so are the margins."""
    margins: list[float]
    spans: list[tuple[int, int, int, str, float]]
    """Passage, start, end, text and logit of each candidate."""
    similarity: list[float] = field(default_factory=list)
    """Of each passage, where vectors found them."""

    def similarity_of(self, passage: int) -> float:
        """0 where it is not known."""
        return self.similarity[passage] if self.similarity else 0.0

    def candidates(self, n_passages: int, weights: RankingWeights) -> list[Candidate]:
        """Those of the first passages, weighed."""
        spans = [span for span in self.spans if span[0] < n_passages]
        logits = [
            combined_logit(
                logit,
                self.margins[passage],
                self.bm25[passage],
                self.similarity_of(passage),
                passage_weight=weights.passage_weight,
                bm25_weight=weights.bm25_weight,
                similarity_weight=weights.similarity_weight,
            )
            for passage, *_, logit in spans
        ]
        shares = evidence(logits, weights.answer_temperature)
        return [
            Candidate(passage, start, end, text, logit, share)
            for (passage, start, end, text, _), logit, share in zip(
                spans, logits, shares, strict=True
            )
        ]

    def features(
        self, n_passages: int, question: Question, passage_weight: float = 0.0
    ) -> SpanFeatures:
        """What weights are fitted to, beside a given one of margins."""
        spans = [span for span in self.spans if span[0] < n_passages]
        return SpanFeatures(
            [
                (
                    logit + passage_weight * self.margins[p],
                    self.margins[p],
                    self.bm25[p],
                    self.similarity_of(p),
                )
                for p, _, _, _, logit in spans
            ],
            [score_prediction(question, text)[0] > 0 for _, _, _, text, _ in spans],
        )

    def to_json(self) -> str:
        """A line of the file."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of_json(cls, line: str) -> Self:
        """From a line of the file."""
        fields = json.loads(line)
        return cls(**{**fields, "spans": [tuple(span) for span in fields["spans"]]})


@dataclass(frozen=True)
class PassageStates:
    """States of an index's passages, for a reader that made them or another one."""

    index: PassageIndex
    reader: Reader
    codec: Codec | None
    """None: the reader is another one."""

    @classmethod
    def of(cls, index: PassageIndex, reader: Reader) -> Self:
        """Find out which."""
        if reader.fingerprint != index.manifest.plan.fingerprint:
            return cls(index, reader, None)
        codec = index.codec(reader)
        return cls(index, reader_of(codec, reader), codec)

    def get(self, ordinals: Sequence[int]) -> tuple[Packed, WindowTable]:
        """States of some passages, and their windows."""
        if self.codec is not None:
            stored = self.index.fetch(ordinals)
            return stored.decode(self.codec, self.reader.device), stored.windows
        passages = [self.index.passage(ordinal) for ordinal in ordinals]
        encoded = self.reader.encoder.encode_passages(
            [p.text for p in passages], [p.title for p in passages]
        )
        flat = [(n, window) for n, windows in enumerate(encoded) for window in windows]
        table = window_table([(len(w.token_ids), w.n_prefix, w.first_token, n) for n, w in flat])
        return self.reader.window_states([window for _, window in flat]), table


def read(states: PassageStates, retriever: Retriever, question: Question, top_k: int) -> Reads:
    """Read all passages of a question."""
    index, reader = states.index, states.reader
    hits = retriever.search(question.question, top_k)
    if not hits:
        return Reads(question.question_id, [], [], [])
    packed, windows = states.get([hit.ordinal for hit in hits])
    logits = reader.logits(reader.question_states(question.question), packed)
    found = reader.spans.best_by_passage(logits, windows, SPANS_PER_PASSAGE)
    texts = {p: index.passage(hits[p].ordinal).text for p in {span.passage for span in found}}
    tokens = {p: reader.encoder.token_map(text) for p, text in texts.items()}
    spans = []
    for span in found:
        start, end = tokens[span.passage].char_span(span.first_token, span.last_token)
        spans.append((span.passage, start, end, texts[span.passage][start:end], span.logit))
    margins = reader.spans.margins(logits, windows)
    bm25 = bm25_scores(index, question.question, hits)
    similarity = [hit.similarity for hit in hits if hit.similarity is not None]
    return Reads(question.question_id, bm25, margins, spans, similarity)


def read_all(
    index: PassageIndex,
    retriever: Retriever,
    reader: Reader,
    questions: Sequence[Question],
    top_k: int,
    folder: Path,
) -> list[Reads]:
    """Read all questions, but for those that an earlier run has read; every one is kept at once."""
    states = PassageStates.of(index, reader)
    settings = [
        sha256_of(index.path / MANIFEST_FILE),
        weights_sha256(states.reader.model),
        reader.config.num_lower_layers,
        reader.config.scores_compare,
        str(reader.precision),
        top_k,
        SPANS_PER_PASSAGE,
        [(q.question_id, q.question) for q in questions],
    ]
    if retriever is not index.bm25:
        settings.append(describe(retriever))
    name = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
    known = [Reads.of_json(line) for line in lines]
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")  # less what was torn
    rest = questions[len(known) :]
    with path.open("a", encoding="utf-8") as file:
        for question in tqdm(rest, total=len(questions), initial=len(known), unit=" questions"):
            known.append(read(states, retriever, question, top_k))
            file.write(known[-1].to_json() + "\n")
            file.flush()
    return known


def load_readers(
    named: Sequence[str], precision: Precision, device: str
) -> Iterator[tuple[str, str, Reader, float]]:
    """Name, source, reader and its weight of margins, one reader in memory at a time."""
    for text in named:
        name, source = text.split("=", 1)
        reader = Reader.load(source, precision=precision, device=device)
        passage_weight = reader.config.passage_weight
        reader.config.passage_weight = 0.0  # logits are kept without
        yield name, source, reader, passage_weight
