"""How often do the first passages hold an answer, with BM25, with vectors, and with both?

    python benchmarks/retrieval.py INDEX QUESTIONS --retriever bm25 dense hybrid

Every question of QUESTIONS that has an answer is searched for, and judged as DPR does. The
retrievers with vectors need them in INDEX (``preread dense``). Give --encoder-name if the encoder
was loaded from a folder whose name does not identify it.
"""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import add_sample, command_line, drawn, write_result
from preread.data import Question, holds_answer, read_gold
from preread.data.metrics.intervals import bootstrap_intervals
from preread.indexer import Bm25Parameters, Hit, PassageIndex
from preread.pipeline import Retriever, open_retriever
from preread.pipeline.evaluation.summary import CUTOFFS, percent
from preread.pipeline.retrievers import search_many
from tqdm import tqdm

_QUERIES_AT_ONCE = 64
_HUBS_AMONG = 20
"""A passage that is among so many first hits of many questions is a hub."""


class Judge:
    """Knows whether a passage answers a question; looks at each pair once."""

    def __init__(self, index: PassageIndex) -> None:
        """Judge passages of an index."""
        self._index = index
        self._known: dict[tuple[int, int], bool] = {}

    def first_right(self, number: int, question: Question, hits: Sequence[Hit]) -> int:
        """Place of the first hit that holds an answer, from 1; past all cut-offs if none does."""
        for place, hit in enumerate(hits, start=1):
            pair = number, hit.ordinal
            if pair not in self._known:
                text = self._index.passage(hit.ordinal).text
                self._known[pair] = holds_answer(question, text)
            if self._known[pair]:
                return place
        return max(CUTOFFS) + 1


def main() -> None:
    """Search, judge, write."""
    parser = command_line(__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--retriever", nargs="+", default=["bm25", "dense", "hybrid"])
    parser.add_argument("--k1", type=float, default=Bm25Parameters().k1)
    parser.add_argument("--b", type=float, default=Bm25Parameters().b)
    parser.add_argument("--encoder-name")
    parser.add_argument("--device", default="cpu")
    add_sample(parser, "questions")
    options = parser.parse_args()
    parameters = Bm25Parameters(k1=options.k1, b=options.b)
    with PassageIndex(options.index, bm25_parameters=parameters) as index:
        answerable = [q for q in read_gold(options.questions) if q.answers]
        questions = drawn(answerable, options.sample, options.seed)
        judge = Judge(index)
        rows = [
            _measure(judge, name, open_retriever(index, name, device=options.device), questions)
            for name in options.retriever
        ]
        plan, dense = index.manifest.plan, index.manifest.dense
        corpus = Path(plan.corpus).name
        encoder = options.encoder_name or Path(dense.encoder).name if dense else "none"
        content: dict[str, Any] = {
            "corpus": corpus,
            "questions": options.questions.name,
            "n_passages": len(index),
            "encoder": encoder,
            "n_questions": len(questions),
            "n_drawn_from": len(answerable),
            "seed": None if options.sample is None else options.seed,
            "k1": parameters.k1,
            "b": parameters.b,
            "title_weight": plan.title_weight,
            "dense": dense
            and {
                "fingerprint": dense.fingerprint,
                "vectors": dense.kind,
                "bytes": sum(file.bytes for file in dense.files),
            },
            "rows": rows,
        }
    names = "-".join(
        Path(name).name.split(".")[0] for name in (corpus, options.questions.name, encoder)
    )
    write_result(f"retrieval-{names}", content)


def _measure(
    judge: Judge, name: str, retriever: Retriever, questions: Sequence[Question]
) -> dict[str, Any]:
    """Top-k accuracies of one retriever, in percent, with their 95 % intervals."""
    places: list[int] = []
    times_found: Counter[int] = Counter()
    seconds = 0.0
    with tqdm(total=len(questions), desc=name, unit=" questions") as bar:
        for first in range(0, len(questions), _QUERIES_AT_ONCE):
            some = questions[first : first + _QUERIES_AT_ONCE]
            texts = [question.question for question in some]
            began = time.perf_counter()
            threads = torch.get_num_threads()
            found = search_many(retriever, texts, max(CUTOFFS), threads=threads)
            seconds += time.perf_counter() - began
            places += [
                judge.first_right(first + number, question, hits)
                for number, (question, hits) in enumerate(zip(some, found, strict=True))
            ]
            times_found.update(hit.ordinal for hits in found for hit in hits[:_HUBS_AMONG])
            bar.update(len(some))
    is_right = np.array([[place <= k for place in places] for k in CUTOFFS], float)
    ends = bootstrap_intervals(is_right)
    return {
        "retriever": name,
        "top_k_accuracy": {
            str(k): percent(float(row.mean())) for k, row in zip(CUTOFFS, is_right, strict=True)
        },
        "top_k_accuracy_interval": {
            str(k): [percent(end) for end in row.tolist()]
            for k, row in zip(CUTOFFS, ends, strict=True)
        },
        "commonest_passage": {"first": _HUBS_AMONG, "n_questions": max(times_found.values())},
        "ms_a_question": round(1000 * seconds / len(questions), 2),
    }


if __name__ == "__main__":
    main()
