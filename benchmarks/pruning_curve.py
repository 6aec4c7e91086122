"""How much of a text can be pruned before its answer is lost?

    python benchmarks/pruning_curve.py EXAMPLES... [--sample 1000] [--plot FILE]

Each example has a question, a context and gold answers. The sentences of the context are ranked by
the reader (`pipeline/qa/sentences.py`) and by BM25 with the sentences of all contexts as corpus. An
answer is kept if one of its gold spans lies in the sentences that are kept. Two curves of each
ranking show the share of answers that are kept against the share of tokens: with so many of the
best sentences as fit a share of the tokens of each context, and, for the reader, with all sentences
from a threshold on.
"""

import tempfile
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from common import ROOT, add_sample, command_line, drawn, write_result
from matplotlib.figure import Figure
from preread.data import Passage, ReadingExample, read_examples
from preread.indexer import Bm25Searcher, build_bm25
from preread.pipeline.qa.reading import PassageReader
from preread.pipeline.qa.sentences import ReadPassage, read_sentences
from preread.pipeline.qa.types import ReadRequest, RequestedPassage
from preread.reader import Reader
from tqdm import tqdm

SHARES = tuple(n / 20 for n in range(1, 21))
"""Shares of the tokens of each context that may be kept."""
THRESHOLDS = (0.0, 0.01, 0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
BATCH = 16
"""Examples that are read together."""


@dataclass(frozen=True)
class Ranked:
    """The sentences of one context, with the scores of both rankings."""

    n_tokens: tuple[int, ...]
    reader: tuple[float, ...]
    bm25: tuple[float, ...]
    answers: tuple[frozenset[int], ...]
    """For each gold span the sentences in which it lies."""

    def kept(self, chosen: frozenset[int]) -> tuple[float, float]:
        """Whether the answer is kept, and the share of tokens."""
        tokens = sum(self.n_tokens[n] for n in chosen) / max(1, sum(self.n_tokens))
        return float(any(span <= chosen for span in self.answers)), tokens

    def best(self, scores: Sequence[float], share: float) -> frozenset[int]:
        """The best sentences that fit a share of the tokens; at least the best one."""
        budget = share * sum(self.n_tokens)
        chosen: set[int] = set()
        used = 0
        for n in sorted(range(len(scores)), key=lambda n: (-scores[n], n)):
            if not chosen or used + self.n_tokens[n] <= budget:
                chosen.add(n)
                used += self.n_tokens[n]
        return frozenset(chosen)


def read_contexts(reader: Reader, examples: Sequence[ReadingExample]) -> list[ReadPassage]:
    """Contexts with the scores of their sentences."""
    passage_reader = PassageReader(reader)
    found = []
    for first in tqdm(range(0, len(examples), BATCH), unit=" batches"):
        requests = [
            ReadRequest(
                one.question, [RequestedPassage(None, Passage("", one.context, one.title))], [0.0]
            )
            for one in examples[first : first + BATCH]
        ]
        found += [read for (read,) in read_sentences(passage_reader, requests)]
    return found


def bm25_scores(
    examples: Sequence[ReadingExample], read: Sequence[ReadPassage]
) -> list[tuple[float, ...]]:
    """BM25 scores of the sentences of each context for its question."""
    sentences: list[Passage] = []
    places: dict[str, range] = {}
    for example, one in zip(examples, read, strict=True):
        if example.context not in places:
            first = len(sentences)
            sentences += [Passage("", example.context[s.start : s.end]) for s in one.sentences]
            places[example.context] = range(first, len(sentences))
    with tempfile.TemporaryDirectory() as folder:
        build_bm25(enumerate(sentences), folder)
        searcher = Bm25Searcher(folder)
        scores = [tuple(searcher.score(e.question, list(places[e.context]))) for e in examples]
        searcher.close()
    return scores


def sentences_of(one: ReadPassage, start: int, end: int) -> frozenset[int]:
    """The sentences in which a span lies."""
    starts = [sentence.start for sentence in one.sentences]
    first, last = (max(0, bisect_right(starts, place) - 1) for place in (start, end - 1))
    return frozenset(range(first, last + 1))


def ranked(reader: Reader, examples: Sequence[ReadingExample]) -> list[Ranked]:
    """All contexts with both rankings."""
    read = read_contexts(reader, examples)
    return [
        Ranked(
            n_tokens=tuple(sentence.n_tokens for sentence in one.sentences),
            reader=tuple(sentence.score for sentence in one.sentences),
            bm25=scores,
            answers=tuple(
                sentences_of(one, start, start + len(answer))
                for answer, start in zip(example.answers, example.answer_starts, strict=True)
            ),
        )
        for example, one, scores in zip(examples, read, bm25_scores(examples, read), strict=True)
    ]


def point(of: Sequence[Ranked], choose: Callable[[Ranked], frozenset[int]]) -> dict[str, float]:
    """Mean shares of answers and of tokens that are kept, in percent."""
    kept = [one.kept(choose(one)) for one in of]
    answers, tokens = (100 * sum(column) / len(of) for column in zip(*kept, strict=True))
    return {"answers_kept": round(answers, 2), "tokens_kept": round(tokens, 2)}


def curves(of: Sequence[Ranked]) -> dict[str, list[dict[str, float]]]:
    """The curves of both rankings."""

    def best(name: str, share: float, one: Ranked) -> frozenset[int]:
        return one.best(getattr(one, name), share)

    def above(threshold: float, one: Ranked) -> frozenset[int]:
        return frozenset(n for n, score in enumerate(one.reader) if score >= threshold)

    def by_share(name: str) -> list[dict[str, float]]:
        return [{"share": share, **point(of, partial(best, name, share))} for share in SHARES]

    return {
        "reader": by_share("reader"),
        "bm25": by_share("bm25"),
        "reader_by_threshold": [
            {"threshold": one, **point(of, partial(above, one))} for one in THRESHOLDS
        ],
    }


def plot(sets: dict[str, Any], target: Path) -> None:
    """Answers kept against tokens kept, a panel a data set."""
    figure = Figure(figsize=(5 * len(sets), 4), layout="constrained")
    panels = figure.subplots(1, len(sets), sharey=True, squeeze=False)[0]
    names = {
        "reader": "the reader's best sentences",
        "bm25": "BM25's best sentences",
        "reader_by_threshold": "the reader's sentences from a threshold on",
    }
    for axes, (title, one) in zip(panels, sets.items(), strict=True):
        for key, label in names.items():
            rows = one["curves"][key]
            x, y = ([row[c] for row in rows] for c in ("tokens_kept", "answers_kept"))
            axes.plot(x, y, "o-" if key == "reader_by_threshold" else "-", label=label, ms=3)
        axes.set_title(title)
        axes.set_xlabel("tokens kept, % of a context")
    panels[0].set_ylabel("answers kept, %")
    panels[-1].legend()
    figure.savefig(target, dpi=130)


def main() -> None:
    """Read, rank, report."""
    parser = command_line(__doc__)
    parser.add_argument("examples", type=Path, nargs="+", help="questions with contexts")
    parser.add_argument("--reader", default="default")
    parser.add_argument(
        "--plot", type=Path, default=ROOT / "docs" / "measurements" / "pruning-curve.png"
    )
    add_sample(parser, "examples of each file", 1_000)
    options = parser.parse_args()
    reader = Reader.load(options.reader)
    sets: dict[str, Any] = {}
    for path in options.examples:
        every = [one for one in read_examples(path) if one.answers and not one.multi_span]
        chosen = drawn(every, options.sample, options.seed)
        sets[path.name] = {"n_examples": len(chosen), "curves": curves(ranked(reader, chosen))}
        for name, rows in sets[path.name]["curves"].items():
            print(path.name, name, *rows, sep="\n  ")
    content = {"reader": reader.fingerprint, "seed": options.seed, "data": sets}
    write_result("pruning-curve", content)
    plot(sets, options.plot)


if __name__ == "__main__":
    main()
