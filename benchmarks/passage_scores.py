"""Are the scores of different passages comparable, and what is that worth?

    python benchmarks/passage_scores.py CORPUS QUESTIONS span=FOLDER shared=FOLDER full=FOLDER

All readers read the same passages, which BM25 finds in CORPUS, in the same run. An answer is the
best span of one of the first n passages. It is chosen by its logit (raw), by its probability in its
passage (normalised), or by its logit less the no-answer score of the passage (null), with the BM25
score added at some weight. Even-numbered questions choose the weight at the largest n, and
odd-numbered questions are reported. Readers with the same lower layers share their passage states,
which are kept in float16, as in an index.
"""

import argparse
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import write_result
from numpy.typing import NDArray
from preread.data import Passage, Question, read_corpus, read_questions, score_answer
from preread.pipeline import CorpusSearch, FoundPassage
from preread.reader import Packed, Reader, WindowTable, decode_spans
from preread.reader.inference.spans import passage_normalisers
from preread.reader.inference.window_table import window_table
from tqdm import tqdm

WAYS = ("raw", "normalised", "null")
WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.4, 2.0)


@dataclass
class Candidates:
    """The best span of each passage of a question, and how good it is."""

    bm25: NDArray[np.float64]
    logit: NDArray[np.float64]
    normaliser: NDArray[np.float64]
    null: NDArray[np.float64]
    exact_match: NDArray[np.float64]
    f1: NDArray[np.float64]

    def chosen(self, way: str, weight: float, n: int) -> tuple[float, float]:
        """EM and F1 of the answer among the first ``n`` passages."""
        score = self.logit + weight * self.bm25
        if way != "raw":
            score = score - getattr(self, "normaliser" if way == "normalised" else way)
        best = int(score[:n].argmax())
        return float(self.exact_match[best]), float(self.f1[best])


@dataclass
class States:
    """Lower states of passages, computed once."""

    reader: Reader
    rows: dict[str, tuple[torch.Tensor, list[tuple[int, int, int]]]] = field(default_factory=dict)

    def of(self, passages: Sequence[Passage]) -> tuple[Packed, WindowTable]:
        """States of passages' windows, as an index would give them."""
        missing = [p for p in passages if p.passage_id not in self.rows]
        if missing:
            encoder = self.reader.encoder
            encoded = encoder.encode_passages([p.text for p in missing], [p.title for p in missing])
            states = self.reader.window_states([w for windows in encoded for w in windows])
            offsets = states.offsets().tolist()
            first = 0
            for passage, windows in zip(missing, encoded, strict=True):
                laid_out = [(len(w.token_ids), w.n_prefix, w.first_token) for w in windows]
                rows = states.rows[offsets[first] : offsets[first + len(windows)]]
                self.rows[passage.passage_id] = rows.half(), laid_out
                first += len(windows)
        parts = [self.rows[p.passage_id] for p in passages]
        table = window_table([(*w, n) for n, (_, windows) in enumerate(parts) for w in windows])
        return Packed(torch.cat([rows.float() for rows, _ in parts]), table.lengths), table


@torch.inference_mode()
def read(
    reader: Reader, states: States, question: Question, found: Sequence[FoundPassage]
) -> Candidates:
    """Read a question with all its passages."""
    packed, table = states.of([hit.passage for hit in found])
    packed = packed.with_rows(packed.rows.to(reader.device, torch.float32))
    logits = reader.model.upper(reader.question_states(question.question), packed)
    offsets = packed.offsets().tolist()
    null = logits.null.sum(dim=1).tolist()
    rows: list[tuple[float, ...]] = []
    for number, hit in enumerate(found):
        windows = [w for w, passage in enumerate(table.passage) if passage == number]
        first, last = offsets[windows[0]], offsets[windows[-1] + 1]
        start, end = logits.start[first:last], logits.end[first:last]
        of_passage = window_table(
            [(table.lengths[w], table.n_prefix[w], table.first_token[w], 0) for w in windows]
        )
        spans = decode_spans(
            start, end, of_passage, max_answer_length=reader.config.max_answer_length, n_best=1
        )
        if not spans:
            rows.append((hit.score, -1e9, 0.0, 0.0, 0.0, 0.0))
            continue
        tokens = reader.encoder.token_map(hit.passage.text)
        begin, stop = tokens.char_span(spans[0].first_token, spans[0].last_token)
        scores = score_answer(hit.passage.text[begin:stop], question.answers)
        normaliser = float(passage_normalisers(start, end, of_passage)[0])
        no_answer = max(null[w] for w in windows)
        rows.append((hit.score, spans[0].logit, normaliser, no_answer, *scores))
    return Candidates(*np.array(rows, dtype=np.float64).T)


def average(
    all_candidates: Sequence[Candidates], way: str, weight: float, n: int
) -> dict[str, float]:
    """EM and F1 in percent."""
    scores = [candidates.chosen(way, weight, n) for candidates in all_candidates]
    exact_match, f1 = np.mean(scores, axis=0).tolist()
    return {"exact_match": round(100 * exact_match, 2), "f1": round(100 * f1, 2)}


def summarise(
    all_candidates: Sequence[Candidates], cutoffs: Sequence[int]
) -> dict[str, Mapping[str, Any]]:
    """For each way, the scores by number of passages, without and with BM25's score."""
    tuning, held_out = all_candidates[::2], all_candidates[1::2]
    most = max(cutoffs)
    summary: dict[str, Mapping[str, Any]] = {}
    for way in WAYS:
        tuned = {weight: average(tuning, way, weight, most) for weight in WEIGHTS}
        chosen = max(tuned, key=lambda weight: (tuned[weight]["exact_match"], tuned[weight]["f1"]))
        summary[way] = {
            "reader_alone": {str(n): average(all_candidates, way, 0.0, n) for n in cutoffs},
            "bm25_weight": chosen,
            "with_bm25_held_out": {str(n): average(held_out, way, chosen, n) for n in cutoffs},
            "with_bm25_all": {str(n): average(all_candidates, way, chosen, n) for n in cutoffs},
            "tuning": {str(weight): scores for weight, scores in tuned.items()},
        }
    return summary


def main() -> None:
    """Read all questions with all readers, then choose and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("readers", nargs="+", metavar="NAME=READER")
    parser.add_argument("--top-k", type=int, nargs="+", default=[1, 5, 20, 50, 100])
    parser.add_argument("--sample", type=int, help="questions, drawn with --seed; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bfloat16", action="store_true", help="activations in bfloat16")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    questions = list(read_questions(options.questions))
    if options.sample:
        questions = random.Random(options.seed).sample(questions, options.sample)
    names = dict(text.split("=", 1) for text in options.readers)
    readers = {n: Reader.load(source, device=options.device) for n, source in names.items()}
    states = {reader.fingerprint: States(reader) for reader in readers.values()}
    search = CorpusSearch(read_corpus(options.corpus))
    candidates: dict[str, list[Candidates]] = {name: [] for name in readers}
    device_type = torch.device(options.device).type
    with torch.autocast(device_type, torch.bfloat16, enabled=options.bfloat16):
        for question in tqdm(questions, unit=" questions"):
            found = search(question.question, max(options.top_k))
            for name, reader in readers.items():
                known = states[reader.fingerprint]
                candidates[name].append(read(reader, known, question, found))
    content = {
        "corpus": options.corpus.name,
        "questions": options.questions.name,
        "n_questions": len(questions),
        "seed": options.seed if options.sample else None,
        "activations": "bfloat16" if options.bfloat16 else "float32",
        "readers": {
            name: {
                "num_lower_layers": readers[name].config.num_lower_layers,
                **summarise(of_reader, options.top_k),
            }
            for name, of_reader in candidates.items()
        },
    }
    write_result(f"passage-scores-{options.corpus.name.split('.')[0]}", content)


if __name__ == "__main__":
    main()
