"""How much should BM25's score weigh beside the reader's?

    python benchmarks/bm25_weight.py INDEX QUESTIONS --top-k 20

Even-numbered questions choose the weight (EM, then F1); odd-numbered ones report. Two ways to make
spans of different passages compare are tried: logits as they are, and logits normalised within each
passage.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from common import write_result
from preread.data import Question, read_questions, score_answer
from preread.pipeline import OpenDomainQA
from preread.reader import decode_spans
from preread.reader.spans import passage_normalisers
from tqdm import tqdm

WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0)


def score_question(
    qa: OpenDomainQA, question: Question, top_k: int
) -> dict[tuple[str, float], tuple[float, float]]:
    """EM and F1 of one question for every way and weight."""
    hits = qa.retriever.search(question.question, top_k)
    if not hits:
        return {}
    states, windows = qa.index.fetch([hit.ordinal for hit in hits])
    start, end = qa.reader.span_logits(qa.reader.question_states(question.question), states)
    normalisers = passage_normalisers(start, end, windows).tolist()
    scores = {}
    for way in ("raw", "normalised"):
        for weight in WEIGHTS:
            (span,) = decode_spans(
                start,
                end,
                windows,
                max_answer_length=qa.reader.config.max_answer_length,
                n_best=1,
                passage_scores=[
                    weight * hit.score - (normaliser if way == "normalised" else 0.0)
                    for hit, normaliser in zip(hits, normalisers, strict=True)
                ],
            )
            text = qa.index.passage(hits[span.passage].ordinal).text
            first, last = qa.reader.encoder.token_map(text).char_span(
                span.first_token, span.last_token
            )
            scores[way, weight] = score_answer(text[first:last], question.answers)
    return scores


def average(
    scored: Iterable[dict[tuple[str, float], tuple[float, float]]], key: tuple[str, float]
) -> tuple[float, float]:
    """EM and F1 in percent."""
    em, f1 = np.mean([one.get(key, (0.0, 0.0)) for one in scored], axis=0)
    return round(100 * float(em), 2), round(100 * float(f1), 2)


def main() -> None:
    """Score all questions once, then choose and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--top-k", type=int, default=20)
    options = parser.parse_args()
    qa = OpenDomainQA.from_index(options.index)
    questions = list(read_questions(options.questions))
    scored = [score_question(qa, question, options.top_k) for question in tqdm(questions)]
    tuning, held_out = scored[::2], scored[1::2]
    keys = [(way, weight) for way in ("raw", "normalised") for weight in WEIGHTS]
    rows = [
        {"way": way, "weight": weight}
        | dict(zip(("tuning_em", "tuning_f1"), average(tuning, (way, weight)), strict=True))
        | dict(zip(("held_out_em", "held_out_f1"), average(held_out, (way, weight)), strict=True))
        for way, weight in keys
    ]
    chosen = max(rows, key=lambda row: (row["tuning_em"], row["tuning_f1"]))
    for row in rows:
        print(row)
    content = {"questions": options.questions.name, "top_k": options.top_k, "chosen": chosen}
    write_result("bm25-weight", {**content, "rows": rows})


if __name__ == "__main__":
    main()
