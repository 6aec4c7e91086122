"""What do answers from retrieved passages lose by the codec?

    python benchmarks/codec_answers.py CORPUS QUESTIONS FOLDER --codecs float16 rpq8 …

Every question is answered from the passages that BM25 finds in CORPUS, through each codec of FOLDER
(`codec_scores.py learn` writes them), by the reader and, with ``--tuned``, by another reader with
the same lower layers. All read the same passages from the same lower states. The difference to
float16 and upper layers as trained has a paired bootstrap interval of 95 %.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from codec_scores import AS_TRAINED, TUNED, load_codecs
from common import add_sample, command_line, drawn, write_result
from numpy.typing import NDArray
from preread.data import Passage, Question, read_corpus, read_questions, score_answer
from preread.pipeline import CorpusSearch
from preread.reader import Packed, Precision, Reader, Window
from preread.reader.inference.window_table import window_table
from tqdm import tqdm

_RESAMPLES = 10_000


class States:
    """Windows of passages and their lower states, computed once."""

    def __init__(self, reader: Reader) -> None:
        """Begin with none."""
        self._reader = reader
        self._known: dict[str, tuple[list[Window], torch.Tensor]] = {}

    def of(self, passages: Sequence[Passage]) -> list[tuple[list[Window], torch.Tensor]]:
        """For each passage its windows and their states, float16."""
        missing = [p for p in passages if p.passage_id not in self._known]
        encoded = self._reader.encoder.windows_of(missing)
        states = self._reader.window_states([w for windows in encoded for w in windows])
        sizes = [sum(len(w.token_ids) for w in windows) for windows in encoded]
        for passage, windows, rows in zip(
            missing, encoded, torch.split(states.rows, sizes), strict=True
        ):
            self._known[passage.passage_id] = windows, rows.half()
        return [self._known[p.passage_id] for p in passages]


def difference(
    scores: NDArray[np.float64], plain: NDArray[np.float64], seed: int = 0
) -> dict[str, Any]:
    """Mean difference in points, with its interval."""
    delta = 100 * (scores - plain)
    draws = np.random.default_rng(seed).integers(0, len(delta), (_RESAMPLES, len(delta)))
    low, high = np.percentile(delta[draws].mean(1), [2.5, 97.5]).round(2).tolist()
    return {"mean": round(float(delta.mean()), 2), "interval": [low, high]}


def answer(
    question: Question, text_of: Sequence[Passage], reader: Reader, decoded: Packed, **how: Any
) -> tuple[float, float]:
    """EM and F1 of the best span."""
    spans = reader.read(reader.question_states(question.question), decoded, n_best=1, **how)
    if not spans:
        return score_answer("", question.answers)
    text = text_of[spans[0].passage].text
    tokens = reader.encoder.token_map(text)
    start, end = tokens.char_span(spans[0].first_token, spans[0].last_token)
    return score_answer(text[start:end], question.answers)


@torch.inference_mode()
def main() -> None:
    """Answer, score, compare."""
    parser = command_line(__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reader", default="default")
    parser.add_argument("--tuned", metavar="READER", help="reads every codec too")
    parser.add_argument("--codecs", nargs="+", default=["float16", "int8", "rpq8"])
    parser.add_argument("--top-k", type=int, default=20)
    add_sample(parser, "questions")
    parser.add_argument("--precision", default="float32", help="of the upper layers")
    parser.add_argument("--result", default="codec-answers", help="name of the result file")
    options = parser.parse_args()
    questions = drawn(list(read_questions(options.questions)), options.sample, options.seed)
    precision = Precision(options.precision)
    first = Reader.load(options.reader, precision=precision)
    codecs = load_codecs([n for n in options.codecs if n != "float16"], options.folder, first)
    readers = {AS_TRAINED: first}
    if options.tuned:
        readers[TUNED] = Reader.load(options.tuned, precision=precision)
    search = CorpusSearch(read_corpus(options.corpus))
    states = States(first)
    scores: dict[tuple[str, str], list[tuple[float, float]]] = {
        (reader, codec): [] for reader in readers for codec in codecs
    }
    for question in tqdm(questions, unit=" questions"):
        found = search(question.question, options.top_k)
        passages = [hit.passage for hit in found]
        parts = states.of(passages)
        table = window_table(
            [
                (len(w.token_ids), w.n_prefix, w.first_token, n)
                for n, (windows, _) in enumerate(parts)
                for w in windows
            ]
        )
        ids = Packed.from_lists([w.token_ids for windows, _ in parts for w in windows])
        rows = ids.with_rows(torch.cat([rows.float() for _, rows in parts]))
        for codec_name, codec in codecs.items():
            decoded = codec.decode(codec.encode(rows, ids), ids)
            for name, reader in readers.items():
                weighted = [reader.ranking.bm25_weight * hit.score for hit in found]
                scores[name, codec_name].append(
                    answer(
                        question, passages, reader, decoded,
                        windows=table, passage_scores=weighted,
                    )
                )  # fmt: skip
    rows_of_result = []
    for (name, codec_name), pairs in scores.items():
        found_scores = np.array(pairs).T
        plain = np.array(scores[AS_TRAINED, "float16"]).T
        row: dict[str, Any] = {"reader": name, "codec": codec_name}
        for kind, values, base in zip(("exact_match", "f1"), found_scores, plain, strict=True):
            row[kind] = round(100 * float(values.mean()), 2)
            row[f"{kind}_less_float16"] = difference(values, base)
        rows_of_result.append(row)
        print(row)
    content = {
        "corpus": options.corpus.name,
        "questions": options.questions.name,
        "n_questions": len(questions),
        "seed": options.seed if options.sample else None,
        "top_k": options.top_k,
        "precision": options.precision,
        "rows": rows_of_result,
    }
    write_result(options.result, content)


if __name__ == "__main__":
    main()
